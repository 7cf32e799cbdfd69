"""Questions to a store that have an end within seconds, by a connection that mends itself."""

import time
import weakref
from collections.abc import Callable, Sequence
from threading import Event, Timer
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

from .connecting import break_off, connect
from .error import StoreError, tell

# What the store itself gives up, and what is hung up on, as where its machine stands still.
_STATEMENT_SECONDS, _SECONDS = 2.5, 3.0
_PAUSE_SECONDS = 2.0
_SLOW = "it does not answer"


class StoreClient:
    """Ask a store again and again. `dsn` is called for each connection: a new password counts."""

    def __init__(self, dsn: Callable[[], str]) -> None:
        self._dsn = dsn
        self._open: list[psycopg.Connection[Any]] = []
        weakref.finalize(self, _hang_up, self._open)
        self._trouble, self._tried = "", 0.0

    def rows(self, query: str, **values: object) -> Sequence[Any]:
        """Return the rows of an answer. Raises `StoreError`, at once where it failed just now."""
        connection = self._open[0] if self._open else self._connect()
        is_late = Event()

        def hang_up() -> None:
            is_late.set()
            break_off(connection)

        timer = Timer(_SECONDS, hang_up)
        timer.daemon = True
        timer.start()
        try:
            return connection.execute(query.encode(), values, binary=True).fetchall()
        except psycopg.Error as error:
            raise StoreError(_SLOW if is_late.is_set() else tell(error)) from None
        finally:
            timer.cancel()
            if connection.broken:
                _hang_up(self._open)

    def _connect(self) -> "psycopg.Connection[Any]":
        if self._trouble and time.monotonic() < self._tried + _PAUSE_SECONDS:
            raise StoreError(self._trouble)
        self._trouble = ""
        try:
            connection = connect(
                self._dsn(),
                autocommit=True,
                row_factory=namedtuple_row,
                application_name="hookgate live",
                # A bitmap is of all that a gate has, where the first few are wanted.
                options=f"-c timezone=UTC -c jit=off -c default_transaction_read_only=on"
                " -c enable_bitmapscan=off"
                f" -c statement_timeout={_STATEMENT_SECONDS}s",
                keepalives_idle=10,
                keepalives_interval=5,
                keepalives_count=3,
            )
        except StoreError as error:
            self._trouble, self._tried = str(error), time.monotonic()
            raise
        self._open.append(connection)
        return connection


def _hang_up(connections: "list[psycopg.Connection[Any]]") -> None:
    while connections:
        connections.pop().close()
