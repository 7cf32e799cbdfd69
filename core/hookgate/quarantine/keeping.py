"""How an item comes into a folder of the store: written aside, then given its name."""

import contextlib
import os
from collections.abc import Iterator, Mapping

import orjson

from .counts import Count, Counts
from .error import NotKept, StoreError
from .folders import digest_of, look_up, new_token, open_file, remove, rename, write_file
from .names import ITEM, RECORD, Record, new_name, number_of
from .sweeping import read_record

# What the journal adds to a record as it writes it.
_OF_THE_LINE = ("n", "prev", "mac")


def find_kept(folder: int, item: str, most: int) -> Record | None:
    """Find the record of an item that is whole: its file is the one that the record tells of.

    None where there is no such item; a file of more bytes than `most` is none. Raises OSError.
    """
    file = f"{item}.{ITEM}"
    record = read_record(folder, file)
    if record is None:
        return None
    try:
        fd = open_file(folder, file)
    except FileNotFoundError:
        return None
    try:
        if os.fstat(fd).st_size > most:
            return None
        return record if digest_of(fd) == record["kept"] else None
    finally:
        os.close(fd)


def is_in_custody(record: Record) -> bool:
    """Whether the sender of a `delivery` was told that it is safe here, or will be."""
    return record.get("custody") is True


def write_record(record: Record, kept: str) -> bytes:
    """Write what stands beside an item: its `delivery`, as it is before it is a line."""
    copy = {name: value for name, value in record.items() if name not in _OF_THE_LINE}
    return orjson.dumps({**copy, "kept": kept}) + b"\n"


@contextlib.contextmanager
def drafted(folder: int, item: str, *contents: bytes) -> Iterator[list[str]]:
    """Write files that have no name yet, for the block; those that got none are gone after it.

    Raises OSError.
    """
    drafts = [new_name(item, new_token()) for _ in contents]
    try:
        for draft, content in zip(drafts, contents, strict=True):
            write_file(folder, draft, content)
        yield drafts
    finally:
        for draft in drafts:
            remove(folder, draft)


def add(
    folder: int, counts: Counts, item: str, drafts: Mapping[str, str], bounds: Count | None = None
) -> None:
    """Give drafts, each of a kind, the names that make them this item's. Under the store's lock.

    The record comes first, so that an item always has one. Raises OSError; `StoreError` where there
    would be more than `bounds` in the store.
    """
    new = {f"{item}.{kind}": drafts[kind] for kind in (RECORD, ITEM) if kind in drafts}
    replaced = [status for name in new if (status := look_up(folder, name))]
    items = int(f"{item}.{ITEM}" in new and look_up(folder, f"{item}.{ITEM}") is None)
    size = sum(os.stat(draft, dir_fd=folder).st_size for draft in new.values())
    size -= sum(status.st_size for status in replaced)
    if bounds is not None:
        refuse_beyond(bounds, Count(counts.total.items + items, counts.total.bytes + size))
    with counts.changing(number_of(item), items, size):
        for name, draft in new.items():
            rename(folder, draft, name)


def refuse_beyond(bounds: Count, count: Count) -> None:
    """Raise `StoreError` where there is more of something than there may be."""
    if count.items > bounds.items:
        raise StoreError(
            NotKept.FULL, f"it holds {bounds.items} items, which is quarantine.max_items"
        )
    if count.bytes > bounds.bytes:
        raise StoreError(
            NotKept.FULL, f"it holds nearly {bounds.bytes} bytes, which is quarantine.max_bytes"
        )
