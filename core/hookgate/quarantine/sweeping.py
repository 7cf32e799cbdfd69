"""Looking through a folder of the store: what is there, and what a crash has left."""

import contextlib
import errno
import json
from collections.abc import Iterator
from os import stat_result
from typing import NamedTuple, Self

from .counts import Count, Counts, locked
from .folders import date_anew, opened_if_there, read_file, remove, rename, scan
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
# The largest body that a gate reads (`request.max_body`), its head, and what encryption adds. What
# is larger is of another hand: it is listed, and never read, which of a sparse file takes hours.
LARGEST_ITEM = (1 << 30) + (4 << 20)
# What a planted file may say: a time before 1970, or one that no calendar has. This is in 2106.
_LATEST = 2.0**32
# 2025, before there were gates: what has an earlier date was kept before the clock was set, as on a
# machine that has none of its own.
EARLIEST = 1_735_689_600.0
# What the store does not write and may find in its place: nothing, a link, a socket; None is of
# `open_file`. Any other error is the disk's, or this process's, and may be over in a moment.
_NO_RECORD = (None, errno.ENOENT, errno.ELOOP, errno.ENXIO)


class Found(NamedTuple):
    """The file of an item, claimed or not; `at` is when it was kept, in seconds since 1970."""

    name: FileName
    size: int
    at: float

    @classmethod
    def of(cls, name: FileName, status: stat_result) -> Self:
        """Make it of what is known of a file."""
        return cls(name, status.st_size, kept_at(status))


def kept_at(status: stat_result) -> float:
    """Tell when an item was kept, in seconds from 1970 to 2106."""
    return min(max(status.st_mtime, 0.0), _LATEST)


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
    files = [Found.of(name, status) for name, status in scan(folder, named)]
    items = [file for file in files if file.name.kind in (ITEM, CLAIM)]
    return Count(len(items), sum(file.size for file in files if file.name.kind != NEW)), items


def tidy(folder: int, named: str, now: float) -> None:
    """Mend what a crash left half done, and remove what it left over. Under the store's lock.

    Nothing that is kept is removed, however old: a clock may be wrong. What it dated before
    `EARLIEST` is dated `now`, once the clock is right. Raises OSError.
    """
    files = {name: status.st_mtime for name, status in scan(folder, named)}
    there = {name.text for name in files}
    for name in files:
        if name.kind == CLAIM:
            _finish(folder, name, there)
    for name, at in files.items():
        if name.text in there and _is_left_over(name, there) and abs(now - at) > LEFTOVER_SECONDS:
            remove(folder, name.text)
        elif name.kind == ITEM and at < EARLIEST <= now:
            date_anew(folder, name.text, now)


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
    """Read the record beside the file of an item; None where that is none. Raises OSError where
    there may be one, which cannot be read now.
    """
    try:
        record = json.loads(read_file(folder, record_name(file), _LARGEST_RECORD))
    except OSError as error:
        if error.errno in _NO_RECORD:
            return None
        raise
    except (ValueError, RecursionError):
        return None
    return record if type(record) is dict and type(record.get("kept")) is str else None
