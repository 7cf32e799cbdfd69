"""The store: one encrypted file for each body and target, and beside it what the ledger says of it.

Several processes use one folder. A `kill -9` at any place leaves an item whole or not at all.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from .claims import Claim, begin_claim, end_claim, take_over, undo_claim
from .counts import Count, Counts
from .encryption import Recipients
from .entry import Entry, Swept, Usage
from .error import NotKept, StoreError
from .folders import (
    digest_of,
    look_up,
    make_root,
    opened,
    opened_if_there,
    opened_root,
    read_file,
)
from .item import Item
from .keeping import keep, may_be_in_custody, may_expire
from .names import FOLDERS, Record, folder_of, parse_file_name
from .sweeping import EARLIEST, LARGEST_ITEM, Found, find_items, locked_store, read_record, tidy


class Store:
    """The items in a folder. Without `recipients` it can keep nothing.

    `max_age` is in seconds. Each method may wait for the disk, and a second for other processes.
    All raise `StoreError`.
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
        self._path = path
        self._recipients = recipients
        self._bounds = Count(max_items, max_bytes)
        self._max_age = max_age
        self._was_open = False
        self._synced: set[tuple[int, int]] = set()
        self._oldest: list[float | None] = [None] * len(FOLDERS)
        self._in_custody = [0] * len(FOLDERS)

    def open(self, *, create: bool = False) -> Swept:
        """Look whether the folder can be used, and through all of it, as `sweep` does.

        `create` makes the folder, in a parent that is there. Once it could be used nothing is made
        anew: what is there instead may be the place of a disk that is gone.
        """
        with self._usable():
            if create:
                make_root(self._path)
            with (
                opened_root(self._path) as root,
                locked_store(root, create=not self._was_open),
            ):
                self._was_open = True
        return self.sweep()

    def keep(self, item: Item, record: Record, wanted: Callable[[], bool] = lambda: True) -> str:
        """Keep an item beside a copy of its `delivery`; it is durable once this returns.

        Returns the SHA-256 of the stored file in hex: of the earlier one, where the same body for
        the same target is kept already. What nobody has `wanted` any more in the end is not kept,
        and `too_slow`. Raises `ItemError` for what can be made no item.
        """
        if self._recipients is None:
            raise StoreError(NotKept.UNAVAILABLE, "there are no recipients to encrypt it to")
        with self._usable(), opened_root(self._path) as root:
            return keep(root, item, record, self._recipients, self._bounds, wanted, self._synced)

    def usage(self) -> Usage:
        """Count what all processes have in the store."""
        oldest, in_custody = None, 0
        for entry in self.entries():
            oldest = min(oldest or entry.kept_at, entry.kept_at)
            in_custody += may_be_in_custody(entry)
        with self._usable(), opened_root(self._path) as root, locked_store(root) as counts:
            return Usage(*counts.total, oldest, in_custody)

    def entries(self, folders: Iterable[str] = FOLDERS) -> Iterator[Entry]:
        """List the items, those of a folder after another, in the order of their names."""
        for named in folders:
            with self._usable(), opened_root(self._path) as root:
                entries = self._list(root, named)
            yield from entries

    def _list(self, root: int, named: str) -> list[Entry]:
        with opened_if_there(root, named) as folder:
            if folder is None:
                return []
            return self._entries(folder, named, sorted(find_items(folder, named)[1]))

    def _entries(self, folder: int, named: str, found: Iterable[Found]) -> list[Entry]:
        return [entry for item in found if (entry := self._entry(folder, named, item))]

    def _entry(self, folder: int, named: str, found: Found) -> Entry | None:
        """Make an entry; None where the item has gone meanwhile."""
        name = found.name
        record = None
        with contextlib.suppress(OSError):  # it is listed all the same, and stays
            record = read_record(folder, name.text)
        if record is None and look_up(folder, name.text) is None:
            return None
        path = self._path / named / name.text
        return Entry(name.item, path, found.size, found.at, record, name.cause)

    def look_again(self, entry: Entry) -> Entry | None:
        """Return an item as it is now, with its record; None where it is gone."""
        folder_name, file = folder_of(entry.name), entry.path.name
        with (
            self._usable(),
            opened_root(self._path) as root,
            opened_if_there(root, folder_name) as folder,
        ):
            status = None if folder is None else look_up(folder, file)
            name = parse_file_name(file, folder_name)
            if folder is None or status is None or name is None:
                return None
            return self._entry(folder, folder_name, Found.of(name, status))

    def read(self, entry: Entry) -> bytes:
        """Return the bytes of an item's file, which is no larger than all may be."""
        with (
            self._usable(),
            opened_root(self._path) as root,
            opened(root, folder_of(entry.name)) as folder,
        ):
            most = min(entry.size, self._bounds.bytes, LARGEST_ITEM)
            return read_file(folder, entry.path.name, most)

    def sweep(self, numbers: Iterable[int] = range(256)) -> Swept:
        """Look into folders, by their numbers: mend what a crash left, and count anew.

        The age of the oldest, and how many are in custody, is right once all were looked into.
        """
        now = time.time()
        total, entries = Count(0, 0), list[Entry]()
        with self._usable(), opened_root(self._path) as root:
            for number in numbers:
                total, due = self._look_into(root, number, now)
                entries += due
        oldest = min((at for at in self._oldest if at is not None), default=None)
        expired = [entry for entry in entries if entry.claimed is None and may_expire(entry)]
        claims = [entry for entry in entries if entry.claimed is not None]
        return Swept(Usage(*total, oldest, sum(self._in_custody)), expired, claims)

    def _look_into(self, root: int, number: int, now: float) -> tuple[Count, list[Entry]]:
        """Look into one folder: how much there is in all, and what is claimed or old here."""
        named = FOLDERS[number]
        with opened_if_there(root, named) as folder:
            count, found = Count(0, 0), list[Found]()
            with locked_store(root) as counts:
                if folder is not None:
                    tidy(folder, named, now)
                    count, found = find_items(folder, named)
                counts.set(number, count)
                total = counts.total
            entries = [] if folder is None else self._entries(folder, named, found)
        self._oldest[number] = min((entry.kept_at for entry in entries), default=None)
        self._in_custody[number] = sum(map(may_be_in_custody, entries))
        old = now - self._max_age
        ours = [entry for entry in entries if entry.size <= LARGEST_ITEM]
        return total, [each for each in ours if each.claimed or EARLIEST <= each.kept_at < old]

    def claim(self, entry: Entry, cause: str) -> Claim | None:
        """Claim an item for its release; None where it is gone, claimed, or not any more as it was
        seen, which may be in custody since.
        """
        if entry.claimed is not None:
            return None
        with self._item(entry.name) as (folder, counts):
            begun = begin_claim(folder, counts, entry, cause)
        return None if begun is None else self._make_claim(entry, cause, *begun)

    def stale_claims(self) -> Iterator[Claim]:
        """Take over what processes have claimed that ended since: each is to be recorded, and
        dropped; one that is closed instead is stale again.
        """
        for entry in self.entries():
            claim = self.take_over(entry)
            if claim is not None:
                yield claim

    def take_over(self, entry: Entry) -> Claim | None:
        """Take over a claim as `stale_claims` does; None for what is none, or not stale."""
        if entry.claimed is None or entry.size > LARGEST_ITEM:
            return None
        with self._item(entry.name) as (folder, _):
            fd = take_over(folder, entry.path.name)
        return None if fd is None else self._make_claim(entry, entry.claimed, entry.path.name, fd)

    def _make_claim(self, entry: Entry, cause: str, file: str, fd: int) -> Claim:
        claim = Claim(entry.name, cause, entry.path.with_name(file), fd, "", entry.record)
        try:
            with self._usable():
                claim.kept = digest_of(fd)
        except StoreError:
            claim.close()
            raise
        return claim

    def drop(self, claim: Claim) -> None:
        """Remove an item whose release is recorded."""
        try:
            with self._item(claim.item) as (folder, counts):
                end_claim(folder, counts, claim)
        finally:
            claim.close()

    def restore(self, claim: Claim) -> None:
        """Put an item back whose release could not be recorded. Where the same was kept again
        meanwhile it stays a claim, which is stale.
        """
        try:
            with self._item(claim.item) as (folder, counts):
                undo_claim(folder, counts, claim)
        finally:
            claim.close()

    @contextlib.contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise StoreError(NotKept.UNAVAILABLE, f"{self._path} cannot be used: {why}") from None

    @contextlib.contextmanager
    def _item(self, name: str) -> Iterator[tuple[int, Counts]]:
        """Open the folder of an item, under the lock, for the block."""
        with (
            self._usable(),
            opened_root(self._path) as root,
            opened(root, folder_of(name)) as folder,
            locked_store(root) as counts,
        ):
            yield folder, counts
