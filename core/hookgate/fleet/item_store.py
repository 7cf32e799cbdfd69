"""The store as a gate knows it that sends what it keeps."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import psycopg

from .error import StoreError, tell
from .store import Store

# The store takes no larger file, nor a larger record beside it, in bytes.
LARGEST_FILE = 32 << 20
LARGEST_RECORD = 256 << 10
# So many items are asked about, or told of, at once.
MOST_TOGETHER = 1000


class Sent(NamedTuple):
    """An item as it is sent. `name` is the item's, `kept` the SHA-256 of the file, `age` for how
    many seconds it is kept; `record` is its `delivery` as JSON, None where there is none.
    """

    name: str
    kept: bytes
    age: float
    in_custody: bool
    record: str | None
    file: bytes


class Left(NamedTuple):
    """An item that has left the store, by the word of somebody else than its gate."""

    name: str
    kept: bytes
    cause: str


class ItemStore(Store):
    """A connection of one gate that sends items. Each call is a transaction; all raise
    `StoreError`.
    """

    def lacking(self, known: Mapping[bytes, bool]) -> set[bytes]:
        """Ask which of these files the store lacks, each with whether it is in custody; at most
        `MOST_TOGETHER`. One that is there counts as lacking where its custody is not known there.
        """
        rows = self._rows(
            "SELECT hookgate.lacking_items(%b, %b)", list(known), list(known.values())
        )
        return {bytes(kept) for (kept,) in rows}  # type: ignore[call-overload]  # bytea

    def put_item(self, sent: Sent) -> None:
        """Send an item; one that is there is there once."""
        self._call(
            # By the store's clock, by which those of several gates are compared.
            "SELECT hookgate.put_item("
            "%s, %b, clock_timestamp() - make_interval(secs => %s), %s, %s, %b)",
            sent.name,
            sent.kept,
            sent.age,
            sent.in_custody,
            sent.record,
            sent.file,
        )

    def tell_left(self, left: Sequence[tuple[bytes, str]]) -> None:
        """Tell that files have left the gate's folder, each with its cause; at most
        `MOST_TOGETHER`.
        """
        kept, causes = zip(*left, strict=True)
        self._call("SELECT hookgate.tell_left(%b, %s)", list(kept), list(causes))

    def left_items(self) -> list[Left]:
        """Ask what has left the store that the gate did not tell of, `MOST_TOGETHER` at most."""
        rows = self._rows("SELECT name, kept, cause FROM hookgate.left_items()")
        return [Left(str(name), bytes(kept), str(cause)) for name, kept, cause in rows]  # type: ignore[call-overload]  # bytea

    def _rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        try:
            return self._connection.execute(query, values).fetchall()
        except psycopg.Error as error:
            raise StoreError(tell(error)) from None
