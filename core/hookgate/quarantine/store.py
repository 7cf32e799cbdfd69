"""The store: one encrypted file for each body and target, and beside it what the ledger says of it.

Several processes use one folder. A `kill -9` at any place leaves an item whole or not at all.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .claims import Claim
from .encryption import Recipients
from .item import Item
from .names import Record


class Usage(NamedTuple):
    """What is in the store. `bytes` counts all files of items; `oldest` is when the one that is
    there longest was kept, in seconds since 1970, None where there is none.
    """

    items: int
    bytes: int
    oldest: float | None


class Entry(NamedTuple):
    """An item as it lies there.

    `kept_at` is in seconds since 1970. `record` is what stands beside it, None where that is no
    record. `claimed` is the cause that it was claimed for, None where it was not.
    """

    name: str
    path: Path
    size: int
    kept_at: float
    record: Record | None
    claimed: str | None


class Store:
    """The items in a folder. Without `recipients` it can keep nothing.

    Each method may wait for the disk, and a second for other processes. All raise `StoreError`.
    """

    def __init__(
        self,
        path: Path,
        recipients: Recipients | None,
        *,
        max_items: int,
        max_bytes: int,
        max_age: float,
    ) -> None:
        raise NotImplementedError

    def open(self, *, create: bool = False) -> None:
        """Look whether the folder can be used, and count what is in it.

        `create` makes the folder, in a parent that is there.
        """
        raise NotImplementedError

    def keep(self, item: Item, record: Record) -> str:
        """Keep an item beside a copy of its `delivery`; it is durable once this returns.

        Returns the SHA-256 of the stored file in hex, which is the earlier one where the same body
        for the same target is kept already. Raises `ItemError` for what can be made no item.
        """
        raise NotImplementedError

    def usage(self) -> Usage:
        """Count what all processes have in the store."""
        raise NotImplementedError

    def entries(self) -> Iterator[Entry]:
        """List the items, in the order of their names."""
        raise NotImplementedError

    def read(self, entry: Entry) -> bytes:
        """Return the bytes of an item's file."""
        raise NotImplementedError

    def claim(self, entry: Entry, cause: str) -> Claim | None:
        """Claim an item for its release; None where it is gone, or somebody else's."""
        raise NotImplementedError

    def stale_claims(self) -> Iterator[Claim]:
        """Take over the claims that a process left which ended: each is to be recorded, then
        dropped.
        """
        raise NotImplementedError

    def drop(self, claim: Claim) -> None:
        """Remove an item whose release is recorded."""
        raise NotImplementedError

    def restore(self, claim: Claim) -> None:
        """Put an item back whose release could not be recorded."""
        raise NotImplementedError
