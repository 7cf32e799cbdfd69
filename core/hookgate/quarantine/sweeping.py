"""Looking through a folder of the store: what is there, and what a crash has left."""

import contextlib
import json
import os
from collections.abc import Iterator
from typing import NamedTuple

from .counts import Count, Counts, locked
from .folders import opened_if_there, read_file, remove, rename, scan
from .names import (
    CLAIM,
    CLAIM_RECORD,
    FOLDERS,
    ITEM,
    NEW,
    RECORD,
    FileName,
    Record,
    file_name,
    record_name,
)

# Younger files may be somebody's who is at work.
LEFTOVER_SECONDS = 60.0
_LARGEST_RECORD = 1 << 20


class Found(NamedTuple):
    """The file of an item, claimed or not; `at` is when it was kept, in seconds since 1970."""

    name: FileName
    size: int
    at: float


@contextlib.contextmanager
def locked_store(root: int, *, create: bool = False) -> Iterator[Counts]:
    """Hold the store's lock for the block, as `locked` does; what has no count is counted."""

    def measure(number: int) -> Count:
        named = FOLDERS[number]
        with opened_if_there(root, named) as folder:
            return Count(0, 0) if folder is None else find_items(folder, named)[0]

    with locked(root, measure, create=create) as counts:
        yield counts


def find_items(folder: int, named: str) -> tuple[Count, list[Found]]:
    """Count what is in a folder, and list the files of its items. Raises OSError."""
    files = [Found(name, status.st_size, status.st_mtime) for name, status in scan(folder, named)]
    items = [file for file in files if file.name.kind in (ITEM, CLAIM)]
    return Count(len(items), sum(file.size for file in files if file.name.kind != NEW)), items


def tidy(folder: int, named: str, now: float) -> None:
    """Mend what a crash left half done, and remove what it left over. Under the store's lock.

    What was kept in the future, by a clock that was set back since, is taken to be kept now. Raises
    OSError.
    """
    files = {name: status.st_mtime for name, status in scan(folder, named)}
    there = {name.text for name in files}
    for name, at in files.items():
        if name.kind == CLAIM:
            _finish(folder, name, there)
        elif name.kind == ITEM and at > now + LEFTOVER_SECONDS:
            os.utime(name.text, (now, now), dir_fd=folder, follow_symlinks=False)
    for name, at in files.items():
        if name.text in there and _is_left_over(name, there) and abs(now - at) > LEFTOVER_SECONDS:
            remove(folder, name.text)


def _finish(folder: int, name: FileName, there: set[str]) -> None:
    """Give a claim the record that its item had: whoever was killed had come as far as that."""
    old, new = f"{name.item}.{RECORD}", record_name(name.text)
    if old in there and not there & {new, f"{name.item}.{ITEM}"}:
        rename(folder, old, new)
        there.remove(old)


def _is_left_over(name: FileName, there: set[str]) -> bool:
    if name.kind in (RECORD, CLAIM_RECORD):
        return file_name(name.text) not in there
    return name.kind == NEW


def read_record(folder: int, file: str) -> Record | None:
    """Read the record beside the file of an item; None where that is none."""
    try:
        record = json.loads(read_file(folder, record_name(file), _LARGEST_RECORD))
    except (OSError, ValueError, RecursionError):
        return None
    return record if type(record) is dict and type(record.get("kept")) is str else None
