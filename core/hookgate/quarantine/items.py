"""Where items are listed, read and released: a gate's folder, or the store of a fleet."""

from collections.abc import Iterator
from typing import Protocol

from .claims import Claim
from .entry import Entry


class Items(Protocol):
    """What a `Store` does for those who release. Each method raises `StoreError`."""

    def entries(self) -> Iterator[Entry]:
        """List the items."""
        ...

    def look_again(self, entry: Entry) -> Entry | None:
        """Return an item as it is now; None where it is gone."""
        ...

    def read(self, entry: Entry) -> bytes:
        """Return the bytes of an item's file."""
        ...

    def claim(self, entry: Entry, cause: str) -> Claim | None:
        """Claim an item for its release; None where that cannot be."""
        ...

    def stale_claims(self) -> Iterator[Claim]:
        """Take over what was claimed by processes that ended since."""
        ...

    def drop(self, claim: Claim) -> None:
        """Remove an item whose release is recorded."""
        ...

    def restore(self, claim: Claim) -> None:
        """Put an item back whose release could not be recorded."""
        ...
