"""The store as a gate knows it: how far it has each boot, and lines that it takes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import psycopg

from .connecting import Connection, break_off, connect
from .error import StoreError, tell
from .segment import Segment

# A store that takes longer is as good as none: the lines wait in the ledger.
_STATEMENT = "60s"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a boot is in the store: its next line, and the digest of the last one."""

    next_n: int
    tip: str


BEGINNING = Position(1, "")


class Store:
    """A connection of one gate. Each call is a transaction of its own; all raise `StoreError`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    def connect(cls, dsn: str) -> Self:
        """Log in as a gate."""
        return cls(
            connect(
                dsn,
                autocommit=True,
                application_name="hookgate ship",
                options=f"-c statement_timeout={_STATEMENT} -c timezone=UTC",
                keepalives_idle=10,
                keepalives_interval=5,
                keepalives_count=3,
                tcp_user_timeout=20_000,
            )
        )

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def break_off(self) -> None:
        """Break the connection under a call that waits for an answer; for another thread."""
        break_off(self._connection)

    def position(self, boot: str) -> Position:
        """Ask how far a boot is there."""
        next_n, tip = self._call("SELECT * FROM hookgate.position(%s)", boot)
        return BEGINNING if next_n is None else Position(int(str(next_n)), str(tip))

    def put(self, segment: Segment, *, is_first: bool = False) -> bool:
        """Send lines; False where the store expects others. `is_first` says that those before are
        gone.
        """
        (taken,) = self._call(
            f"SELECT hookgate.put({', '.join(['%s'] * 10)}, %s::bigint[], %s, %s, %s)",
            segment.boot,
            segment.first_n,
            segment.lines,
            segment.prev,
            segment.tip,
            _date(segment.began),
            _date(segment.ended),
            segment.size,
            segment.digest,
            segment.body,
            # psycopg takes ten times as long to spell a list.
            f"{{{','.join(map(str, segment.names))}}}",
            segment.follows,
            segment.is_stop,
            is_first,
        )
        return bool(taken)

    def put_fork(self, segment: Segment) -> bool:
        """Send lines that are others than the store has at their place; False where it has many."""
        (kept,) = self._call(
            f"SELECT hookgate.put_fork({', '.join(['%s'] * 8)})",
            segment.boot,
            segment.first_n,
            segment.lines,
            segment.prev,
            segment.tip,
            segment.size,
            segment.digest,
            segment.body,
        )
        return bool(kept)

    def tell_cut(self, boot: str, first_n: int) -> None:
        """Tell that the gate has no line of a boot from this one on, though the store does."""
        self._call("SELECT hookgate.tell_cut(%s, %s)", boot, first_n)

    def hello(self, software: str, behind: int, late: float | None, now: float) -> str:
        """Tell that the shipper lives, how many bytes it has still to send, and how many seconds
        ago the oldest were written; return the gate that the login is of. `now` is by the gate's
        clock, in seconds since 1970.
        """
        # By the store's clock, as the gate's may differ: by so much, which `put` goes by.
        query = (
            "SELECT hookgate.hello(%s, %s, clock_timestamp() - make_interval(secs => %s)),"
            " set_config('hookgate.ahead', (%s - extract(epoch FROM clock_timestamp()))::text,"
            " false)"
        )
        (gate, _) = self._call(query, software, behind, late, now)
        return str(gate)

    def _call(self, query: str, *values: object) -> tuple[object, ...]:
        try:
            row = self._connection.execute(query, values).fetchone()
        except psycopg.Error as error:
            raise StoreError(tell(error)) from None
        return row or ()


def _date(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
