"""What gates keep, as whoever lists it and sends it on finds it in the store.

A claim is a column, and a session holds the advisory lock of its number: whoever ends, however,
frees the lock and not the claim. So what was being sent then is told from what is sent now.
"""

import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import psycopg

from hookgate.ledger.reading.reader import Line, read
from hookgate.quarantine.claims import Claim
from hookgate.quarantine.entry import Entry, InFleet
from hookgate.quarantine.error import GoneError, NotKept
from hookgate.quarantine.error import StoreError as KeptError
from hookgate.quarantine.names import Record

from .connecting import Connection, connect
from .error import StoreError, tell
from .reader import Reader, Scope
from .status import PATIENCE
from .stored import hold, source_of

# What arrived is worked out for all at once, as `has_arrived` does for one: a forger can plant as
# many of one name as he likes.
_HELD = """
SELECT i.name, i.gate, i.kept, extract(epoch FROM i.kept_at)::float8, i.custody, i.record, i.size,
       i.claimed_by, extract(epoch FROM i.claimed_at)::float8,
       i.claim IS NOT NULL AND (i.claim = %(mine)s
                                OR NOT pg_try_advisory_xact_lock_shared(i.claim)),
       coalesce(a.left_at >= i.kept_at, false)
  FROM hookgate.item i
  LEFT JOIN (SELECT name, max(left_at) AS left_at FROM hookgate.item
              WHERE cause IN ('replayed', 'delivered')
                AND NOT EXISTS (SELECT FROM hookgate.gate g WHERE g.login = left_by)
              GROUP BY name) a USING (name)
 WHERE i.cause IS NULL AND (%(gates)s::text[] IS NULL OR i.gate = ANY (%(gates)s))
 ORDER BY i.kept_at, i.name, i.gate"""
_UNHEARD = """
SELECT gate FROM hookgate.gate
 WHERE coalesce(greatest(clock_timestamp() - seen, seen - behind_since) > %s, true) ORDER BY gate"""
# Each with what lies beside it, of 256 KiB at most.
_TOGETHER = 64
_DAMAGED = "damaged: no shipper made what the store has there"
# A machine that lost its power must not seem to be at work for hours.
_NOTICED = "-c tcp_keepalives_idle=20 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"


class KeptItems:
    """The items in a store, of some gates or of all; a session of its own.

    Each call is a transaction. All raise the `StoreError` of the quarantine; `trouble` is why the
    store cannot be used, "" as long as it can.
    """

    def __init__(self, dsn: str, connection: Connection, gates: Sequence[str] | None) -> None:
        self.trouble = ""
        # Whether `begin` sends again what was claimed by who ended: it may have arrived.
        self.again = False
        self._dsn, self._connection = dsn, connection
        self._gates = None if gates is None else list(gates)
        # Items that were claimed by others, who ended: that they may have arrived is not forgotten.
        self._doubtful: set[str] = set()
        self._mine = secrets.randbits(62)
        self._rows("SELECT pg_advisory_lock(%s)", self._mine)

    @classmethod
    def connect(cls, dsn: str, gates: Sequence[str] | None = None) -> Self:
        """Log in. Raises the `StoreError` of the fleet."""
        options = f"-c statement_timeout=60s -c timezone=UTC {_NOTICED}"
        name = "hookgate quarantine"
        made = connect(dsn, autocommit=True, application_name=name, options=options)
        return cls(dsn, made, gates)

    def close(self) -> None:
        """Hang up; what is claimed stays claimed."""
        self._connection.close()

    def entries(self) -> Iterator[Entry]:
        """List what is held, oldest first, a few at a time; until the end it is one transaction."""
        given = {"mine": self._mine, "gates": self._gates}
        try:
            with self._connection.transaction(), self._connection.cursor("held") as cursor:
                cursor.itersize = _TOGETHER
                for row in cursor.execute(_HELD.encode(), given):
                    yield _entry(row)
        except psycopg.Error as error:
            raise self._failed(tell(error)) from None

    def lines_about(self, bodies: Iterable[str]) -> Iterator[Line]:
        """Yield the lines that gates sent of these bodies, by SHA-256 in hex, and those beside."""
        reader = Reader(self._dsn)
        try:
            parts = reader.named(Scope(), bodies)
            for part in parts:
                if not part.is_sane:
                    yield Line(f"{part.gate}/{part.boot}", part.first_n, b"", None, _DAMAGED)
            for line in hold(read(source_of(part, reader) for part in parts if part.is_sane)):
                if isinstance(line, Line):
                    yield line
        except (StoreError, OSError) as error:
            raise self._failed(str(error)) from None

    def gates(self) -> list[str]:
        """Name the gates of the fleet."""
        return [gate for (gate,) in self._rows("SELECT gate FROM hookgate.gate ORDER BY gate")]

    def unheard(self) -> list[str]:
        """Name the gates that are silent or behind: what they know may not be here yet."""
        return [gate for (gate,) in self._rows(_UNHEARD, PATIENCE)]

    def look_again(self, entry: Entry) -> Entry | None:
        """Return an item that is held still, with its record; None where it is gone."""
        found = self._rows(
            "SELECT record FROM hookgate.item WHERE name = %(name)s AND gate = %(gate)s"
            " AND kept = %(kept)b AND (cause IS NULL OR claim = %(mine)s)",
            **_place(entry.name, entry.path),
            mine=self._mine,
        )
        if not found:
            return None
        return entry._replace(record=_read_record(found[0][0], entry.path.stem))

    def read(self, entry: Entry) -> bytes:
        """Return an item's file, which is the one that its gate sent."""
        place = _place(entry.name, entry.path)
        rows = self._rows(
            "SELECT body FROM hookgate.item"
            " WHERE name = %(name)s AND gate = %(gate)s AND kept = %(kept)b",
            **place,
        )
        body = rows[0][0] if rows else None
        if body is None:
            raise GoneError(NotKept.UNAVAILABLE, "is gone")
        if sha256(body).digest() != place["kept"]:
            raise KeptError(NotKept.UNAVAILABLE, "was altered in the store")
        return bytes(body)

    def begin(self, entry: Entry) -> str:
        """Claim an item to send it. Returns "" where it is claimed, else the word of `claim_item`
        that says why not.
        """
        return self._claim(entry, "resend" if self.again and _is_doubtful(entry) else "send")

    def give_back(self, entry: Entry) -> None:
        """End a claim: what was sent has not arrived."""
        self._unclaim(entry.name)

    def claim(self, entry: Entry, cause: str) -> Claim | None:
        """Claim an item for its release; None where it is gone, or another's."""
        if self._claim(entry, "release"):
            return None
        kept = entry.path.stem
        return Claim(entry.name, cause, entry.path, -1, kept, entry.record)

    def stale_claims(self) -> Iterator[Claim]:
        """Find none: what may have been sent is not released for that."""
        return iter(())

    def drop(self, claim: Claim) -> None:
        """Let an item go whose release is recorded, with its body."""
        place = _place(claim.item, claim.path)
        if claim.cause == "purged":  # of what others keep of it, another release ended the claim
            self._rows(
                "SELECT hookgate.claim_item(%(name)s, %(gate)s, %(kept)b, %(mine)s, 'release')",
                **place,
                mine=self._mine,
            )
        self._rows(
            "SELECT hookgate.release_item(%(name)s, %(gate)s, %(kept)b, %(mine)s, %(cause)s)",
            **place,
            mine=self._mine,
            cause=claim.cause,
        )
        if claim.cause == "purged":
            self._unclaim(claim.item)

    def restore(self, claim: Claim) -> None:
        """Keep an item whose release could not be recorded. What was sent stays claimed."""
        if claim.cause != "replayed":
            self._unclaim(claim.item)

    def _unclaim(self, name: str) -> None:
        if name not in self._doubtful:
            self._rows("SELECT hookgate.unclaim_item(%s, %s)", name, self._mine)

    def _claim(self, entry: Entry, purpose: str) -> str:
        if _is_doubtful(entry):
            self._doubtful.add(entry.name)
        ((why,),) = self._rows(
            "SELECT hookgate.claim_item(%(name)s, %(gate)s, %(kept)b, %(mine)s, %(purpose)s)",
            **_place(entry.name, entry.path),
            mine=self._mine,
            purpose=purpose,
        )
        return str(why)

    def _rows(self, query: str, *values: object, **named: object) -> list[tuple[Any, ...]]:
        try:
            cursor = self._connection.execute(query.encode(), named or values)
            return cursor.fetchall()
        except psycopg.Error as error:
            raise self._failed(tell(error)) from None

    def _failed(self, why: str) -> KeptError:
        self.trouble = f"the fleet's store: {why}"
        return KeptError(NotKept.UNAVAILABLE, self.trouble)


def _entry(row: tuple[Any, ...]) -> Entry:
    name, gate, kept, kept_at, custody, record, size, by, since, is_live, arrived = row
    digest = bytes(kept).hex()
    state = InFleet(gate, digest, custody, by or "", since, is_live, arrived)
    path = Path(gate, f"{digest}.age")
    return Entry(name, path, size, kept_at, _read_record(record, digest), None, state)


def _is_doubtful(entry: Entry) -> bool:
    """Tell whether somebody had claimed an item who has ended."""
    state = entry.fleet
    return state is not None and state.claimed_by != "" and not state.is_claimed


def _place(name: str, path: Path) -> dict[str, Any]:
    return {"name": name, "gate": path.parent.name, "kept": bytes.fromhex(path.stem)}


def _read_record(text: str | None, kept: str) -> Record | None:
    """Read what lies beside an item; of another hand it may be anything."""
    try:
        record = json.loads(text or "null")
    except (ValueError, RecursionError):
        return None
    return record if type(record) is dict and record.get("kept") == kept else None
