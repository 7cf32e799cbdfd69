"""What a store is asked for whoever reads ledgers there: its boots, and the lines of each."""

import os
import weakref
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import psycopg

from . import queries
from .connecting import Connection, connect
from .error import StoreError, tell
from .segment import hash_name, unpack

# Clocks, and what was sent late, may differ by that much.
_SLACK = timedelta(hours=1)


class Scope(NamedTuple):
    """What is asked for: gates, None for all; of what time, in seconds since 1970."""

    gates: tuple[str, ...] | None = None
    since: float | None = None
    until: float | None = None

    @property
    def is_whole(self) -> bool:
        """Whether lines of any time are asked for."""
        return self.since is None and self.until is None

    def values(self) -> dict[str, object]:
        """Return what queries are given. A line may be received on a later day than it is of."""
        since = None if self.since is None else _moment(self.since) - _SLACK
        until = None if self.until is None else _moment(self.until) + _SLACK
        return {
            "gates": None if self.gates is None else list(self.gates),
            "day": None if since is None else since.date(),
            "since": since,
            "until": until,
        }


class Chunk(NamedTuple):
    """Segments of a boot that follow one another: lines and bytes in all, and the days of receipt.

    `first_n` and `last_n` are the first lines of the first and of the last segment.
    """

    first_n: int
    last_n: int
    lines: int
    size: int
    first_day: date
    last_day: date


class Part(NamedTuple):
    """Lines of a boot that follow one another. `began` is in seconds since 1970.

    One that is not `is_sane` is a segment that no shipper made, and is not to be read.
    """

    gate: str
    boot: str
    began: float
    chunks: tuple[Chunk, ...]
    is_sane: bool = True

    @property
    def first_n(self) -> int:
        """The number of its first line."""
        return self.chunks[0].first_n

    @property
    def end_n(self) -> int:
        """The number of the line after its last."""
        return self.first_n + sum(chunk.lines for chunk in self.chunks)


class Row(NamedTuple):
    """A segment, packed and unpacked; `raw` is None where it does not hold what it says."""

    first_n: int
    lines: int
    size: int
    body: bytes
    raw: bytes | None


class Reader:
    """A store as whoever reads knows it; each process has a connection of its own.

    All methods raise `StoreError`; after the first time that the store cannot be used, at once.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connections: dict[int, Connection] = {}
        self._gone: StoreError | None = None
        weakref.finalize(self, _hang_up, self._connections)

    def connection(self) -> Connection:
        """Return this process's connection, which only reads."""
        # That of the process that began this one stays in the table: closing it would end it there.
        found = self._connections.get(os.getpid())
        if found is None:
            options = "-c timezone=UTC -c jit=off -c default_transaction_read_only=on"
            found = connect(
                self._dsn,
                autocommit=True,
                application_name="hookgate audit",
                options=options,
                keepalives_idle=10,
                keepalives_interval=5,
                keepalives_count=3,
            )
            self._connections[os.getpid()] = found
        return found

    def parts(self, scope: Scope) -> list[Part]:
        """Return the parts of all boots, as far as lines of that time may be in them."""
        made: dict[tuple[str, str, int], list[Any]] = {}
        for gate, boot, part, *chunk, began in self._rows(
            queries.CHUNKS, {**scope.values(), "chunk": queries.CHUNK}
        ):
            made.setdefault((gate, boot, part), [began]).append(Chunk(*chunk))
        return [
            Part(gate, boot, began, tuple(chunks))
            for (gate, boot, _), (began, *chunks) in made.items()
        ]

    def named(self, scope: Scope, names: Iterable[str]) -> list[Part]:
        """Return the segments that have one of the names, or another of the same hash."""
        hashes = [hash_name(name) for name in dict.fromkeys(names)]
        return _single(self._rows(queries.NAMED, {**scope.values(), "names": hashes}))

    def beginnings(self, boots: Iterable[tuple[str, str]]) -> list[Part]:
        """Return the first segments of boots: (gate, boot)."""
        gates, names = zip(*boots, strict=True)
        return _single(self._rows(queries.BEGINNINGS, {"boots": list(names), "of": list(gates)}))

    def ends(self) -> dict[tuple[str, str], int]:
        """Return the number of the line that is to come next of each boot: (gate, boot); less those
        that were deleted whole for their age.
        """
        return {(gate, boot): next_n for gate, boot, next_n in self._rows(queries.ENDS, ())}

    def odd(self, scope: Scope) -> list[Part]:
        """Return the segments that no shipper made, which are in no part."""
        return _single(self._rows(queries.ODD, scope.values()))

    def expired(self) -> date | None:
        """Return the last day of receipt of which lines were deleted for their age."""
        ((day,),) = self._rows(queries.EXPIRED, ())
        return day  # type: ignore[no-any-return]  # of SQL

    def running(self) -> frozenset[str]:
        """Return the gates of which a boot may run: all but those that stopped."""
        return frozenset(gate for (gate,) in self._rows(queries.RUNNING, ()))

    def lines(self, gate: str, boot: str, chunk: Chunk) -> Iterator[Row]:
        """Fetch the segments of a chunk."""
        place = (boot, gate, chunk.first_n, chunk.last_n, chunk.first_day, chunk.last_day)
        for first_n, lines, size, digest, body in self._rows(queries.ROWS, place):
            raw = text_of(lines, size, digest, body or b"")
            yield Row(first_n, lines, size, body or b"", raw)

    def _rows(self, query: str, values: Any) -> Sequence[Any]:
        if self._gone is not None:
            raise self._gone
        try:
            return self.connection().execute(query.encode(), values, binary=True).fetchall()
        except psycopg.Error as error:
            self._gone = StoreError(tell(error))
        except StoreError as error:
            self._gone = error
        raise self._gone


def text_of(lines: int, size: int, digest: bytes, body: bytes) -> bytes | None:
    """Return so many lines that a segment holds, None where it does not hold what it says."""
    raw = unpack(body, size, digest)
    is_whole = raw is not None and raw.endswith(b"\n") and raw.count(b"\n") == lines
    return raw if is_whole else None


def _hang_up(connections: dict[int, Connection]) -> None:
    if (connection := connections.get(os.getpid())) is not None:
        connection.close()


def _single(rows: Iterable[Any]) -> list[Part]:
    return [
        Part(gate, boot, began, (Chunk(first_n, first_n, lines, size, day, day),), is_sane)
        for gate, boot, first_n, lines, size, day, began, is_sane in rows
    ]


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
