"""How an item comes into the store: written aside, then given its name."""

import contextlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256

from .counts import Count, Counts, glance
from .encryption import Recipients
from .entry import Entry
from .error import NotKept, StoreError
from .folders import (
    digest_of,
    look_up,
    new_token,
    open_file,
    opened,
    opened_if_there,
    remove,
    rename,
    sync_names,
    write_file,
)
from .item import Item, item_name, write_item
from .names import ITEM, RECORD, Record, folder_of, new_name, number_of
from .sweeping import LARGEST_ITEM, locked_store, read_record

# What the journal adds to a record as it writes it.
_OF_THE_LINE = ("n", "prev", "mac")


def keep(
    root: int,
    item: Item,
    record: Record,
    recipients: Recipients,
    bounds: Count,
    wanted: Callable[[], bool],
    synced: set[tuple[int, int]],
) -> str:
    """Keep an item, as `Store.keep` says it; `synced` as for `sync_names`. Raises OSError too."""
    name = item_name(sha256(item.body).hexdigest(), item.head.target)
    kept = _keep_again(root, name, record, bounds, synced)
    if kept is not None:
        return kept
    text = write_item(item)
    there = glance(root)
    if there is not None:  # who is full does not encrypt
        _refuse_beyond(bounds, Count(there.items + 1, there.bytes + len(text)))
    data = recipients.encrypt(text)
    kept = sha256(data).hexdigest()
    with opened(root, folder_of(name), create=True) as folder:
        with (
            _drafted(folder, name, _write_record(record, kept), data) as drafts,
            locked_store(root) as counts,
        ):
            known = _recall(folder, name, record, bounds, counts)
            if known is None:
                if not wanted():
                    raise StoreError(NotKept.TOO_SLOW, "nobody waits for it any more")
                _add(folder, counts, name, dict(zip((RECORD, ITEM), drafts, strict=True)), bounds)
        sync_names(root, folder, synced)
    return known or kept


def _keep_again(
    root: int, name: str, record: Record, bounds: Count, synced: set[tuple[int, int]]
) -> str | None:
    """Return what an item is kept as that is there already; None where there is none."""
    with opened_if_there(root, folder_of(name)) as folder:
        known = None if folder is None else _find(folder, name, bounds)
        if folder is None or known is None:
            return None
        kept: str | None = known["kept"]
        if is_in_custody(record) and not is_in_custody(known):
            with locked_store(root) as counts:
                kept = _recall(folder, name, record, bounds, counts)
        sync_names(root, folder, synced)
        return kept


def _recall(folder: int, name: str, record: Record, bounds: Count, counts: Counts) -> str | None:
    """As `_keep_again`, under the lock; what has custody from now on is noted beside it."""
    known = _find(folder, name, bounds)
    if known is None:
        return None
    kept: str = known["kept"]
    if is_in_custody(record) and not is_in_custody(known):
        beside = _write_record({**known, "custody": True}, kept)
        with _drafted(folder, name, beside) as (draft,):
            _add(folder, counts, name, {RECORD: draft})
    return kept


def _find(folder: int, item: str, bounds: Count) -> Record | None:
    """Find the record of an item that is whole: its file is the one that the record tells of.

    None where there is no such item; a file larger than all may be is none. Raises OSError.
    """
    file = f"{item}.{ITEM}"
    record = read_record(folder, file)
    if record is None:
        return None
    status = look_up(folder, file)
    most = min(bounds.bytes, LARGEST_ITEM)
    if status is None or not stat.S_ISREG(status.st_mode) or status.st_size > most:
        return None
    try:
        fd = open_file(folder, file)
    except FileNotFoundError:  # claimed in this moment
        return None
    try:
        return record if digest_of(fd) == record["kept"] else None
    finally:
        os.close(fd)


def is_in_custody(record: Record) -> bool:
    """Whether the sender of a `delivery` was told that it is safe here, or will be."""
    return record.get("custody") is True


def may_expire(entry: Entry) -> bool:
    """Whether its age may end it: not in custody, nor maybe so, as it has no record any more."""
    return entry.record is not None and not is_in_custody(entry.record)


def may_be_in_custody(entry: Entry) -> bool:
    """Whether it stays, and nobody is about to release it."""
    return entry.claimed is None and not may_expire(entry)


def _write_record(record: Record, kept: str) -> bytes:
    """Write what stands beside an item: its `delivery`, as it is before it is a line."""
    copy = {name: value for name, value in record.items() if name not in _OF_THE_LINE}
    return json.dumps({**copy, "kept": kept}, separators=(",", ":")).encode("ascii") + b"\n"


@contextlib.contextmanager
def _drafted(folder: int, item: str, record: bytes, *data: bytes) -> Iterator[list[str]]:
    """Write files that have no name yet, for the block; those that got none are gone after it.

    Raises OSError.
    """
    contents = (record, *data)
    drafts = [new_name(item, new_token()) for _ in contents]
    try:
        for draft, content in zip(drafts, contents, strict=True):
            write_file(folder, draft, content)
        yield drafts
    finally:
        for draft in drafts:
            remove(folder, draft)


def _add(
    folder: int, counts: Counts, item: str, drafts: Mapping[str, str], bounds: Count | None = None
) -> None:
    """Give drafts, each of a kind, the names that make them this item's. Under the store's lock.

    The record comes first, so that an item always has one. Raises OSError; `StoreError` where there
    would be more than `bounds` in the store.
    """
    new = {f"{item}.{kind}": drafts[kind] for kind in (RECORD, ITEM) if kind in drafts}
    there = {name: status for name in new if (status := look_up(folder, name))}
    replaced = {name: each for name, each in there.items() if stat.S_ISREG(each.st_mode)}
    items = int(f"{item}.{ITEM}" in new.keys() - replaced.keys())
    size = sum(os.stat(draft, dir_fd=folder).st_size for draft in new.values())
    size -= sum(each.st_size for each in replaced.values())
    if bounds is not None:
        _refuse_beyond(bounds, Count(counts.total.items + items, counts.total.bytes + size))
    with counts.changing(number_of(item), items, size):
        for name, draft in new.items():
            rename(folder, draft, name)


def _refuse_beyond(bounds: Count, count: Count) -> None:
    """Raise `StoreError` where there is more of something than there may be."""
    if count.items > bounds.items:
        raise StoreError(
            NotKept.FULL, f"it holds {bounds.items} items, which is quarantine.max_items"
        )
    if count.bytes > bounds.bytes:
        raise StoreError(
            NotKept.FULL, f"it holds nearly {bounds.bytes} bytes, which is quarantine.max_bytes"
        )
