"""Items on their way out: claimed by one process, which records that and drops them.

A claim is the item's file under another name, locked by who claimed it: once that process has
ended the lock is free, and the claim is another's to record. It may have been recorded already: who
counts what was released counts each `kept` once.
"""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from .counts import Counts, try_lock
from .entry import Entry
from .error import NotKept, StoreError
from .folders import look_up, new_token, open_file, remove, rename
from .names import ITEM, Record, claim_name, number_of, record_name
from .sweeping import LARGEST_ITEM, kept_at, read_record


@dataclass(slots=True)
class Claim:
    """An item that this process alone may record as released and drop, or restore.

    `kept` is the SHA-256 of the stored file in hex, worked out from its bytes. `record` is the
    `delivery` beside it, None where that is none. `path` is where it is now; `fd` holds the claim,
    and reads the file, until it is closed.
    """

    item: str
    cause: str
    path: Path
    fd: int
    kept: str = ""
    record: Record | None = None

    @property
    def sha256(self) -> str:
        """The SHA-256 of the body in hex, as the item's name says it."""
        return self.item.partition("-")[0]

    @property
    def line(self) -> dict[str, str]:
        """What a `released` line says of it."""
        return {"cause": self.cause, "kept": self.kept, "sha256": self.sha256}

    def close(self) -> None:
        """Let go of it: as long as it is neither dropped nor restored, it is stale."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


def begin_claim(folder: int, counts: Counts, entry: Entry, cause: str) -> tuple[str, int] | None:
    """Claim an item, under the store's lock: the file's name now, and the file, locked.

    None where it is not there as it was seen. Raises OSError, and `StoreError` for what is too
    large to be an item.
    """
    if entry.size > LARGEST_ITEM:
        why = f"{entry.path} is larger than any item, so of another hand: remove it"
        raise StoreError(NotKept.UNAVAILABLE, why)
    old, new = f"{entry.name}.{ITEM}", claim_name(entry.name, cause, new_token())
    fd = _lock(folder, old)
    if fd is None:
        return None
    with contextlib.ExitStack() as unless_claimed:
        unless_claimed.callback(os.close, fd)
        status = os.fstat(fd)
        there = (status.st_size, kept_at(status), read_record(folder, old))
        if there != (entry.size, entry.kept_at, entry.record):
            return None
        with counts.changing(number_of(entry.name), 0, 0):
            rename(folder, old, new)
            with contextlib.suppress(FileNotFoundError):
                rename(folder, record_name(old), record_name(new))
        unless_claimed.pop_all()
        return new, fd


def take_over(folder: int, claim: str) -> int | None:
    """Lock a claim whose process has ended, under the store's lock; None where it has not, or the
    claim is gone. Raises OSError.
    """
    return _lock(folder, claim)


def _lock(folder: int, name: str) -> int | None:
    try:
        fd = open_file(folder, name, os.O_RDWR)
    except FileNotFoundError:
        return None
    if try_lock(fd):
        return fd
    os.close(fd)
    return None


def end_claim(folder: int, counts: Counts, claim: Claim) -> None:
    """Remove the files of a claim, under the store's lock. Raises OSError."""
    files = (claim.path.name, record_name(claim.path.name))
    there = [status.st_size for name in files if (status := look_up(folder, name))]
    with counts.changing(number_of(claim.item), -1, -sum(there)):
        for name in files:
            remove(folder, name)


def undo_claim(folder: int, counts: Counts, claim: Claim) -> None:
    """Make a claim an item again, under the store's lock, unless there is one: then it stays a
    claim, which is stale. Raises OSError.
    """
    old, new = claim.path.name, f"{claim.item}.{ITEM}"
    if look_up(folder, new) is None:
        with counts.changing(number_of(claim.item), 0, 0):
            with contextlib.suppress(FileNotFoundError):
                rename(folder, record_name(old), record_name(new))
            rename(folder, old, new)
