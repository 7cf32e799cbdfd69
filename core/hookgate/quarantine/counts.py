"""The lock of the store, and in its file how much there is.

Whoever holds the lock may change what is in the store. The file has a row for each folder: its
items and its bytes. While a folder changes, its row holds no count; so it is counted anew after
whoever changed it was killed, by who has the lock next.
"""

import contextlib
import fcntl
import os
import struct
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from .error import NotKept, StoreError
from .folders import open_file

LOCK = "lock"
# What a sender may wait, who is answered within two seconds, for a process that has been stopped.
LOCK_SECONDS = 1.0
_PAUSES = (0.0005, 0.02)
_TABLE = struct.Struct("<512Q")  # items and bytes, of 256 folders
_ROW = struct.Struct("<QQ")
_NONE = 2**64 - 1


class Count(NamedTuple):
    """How many items there are, and how many bytes their files have."""

    items: int
    bytes: int


class Counts:
    """The rows, for as long as the lock is held. `measure` counts what is in a folder."""

    def __init__(self, fd: int, measure: Callable[[int], Count]) -> None:
        self._fd = fd
        table = os.pread(fd, _TABLE.size + 1, 0)
        if len(table) == _TABLE.size:
            self._table = list(_TABLE.unpack(table))
        else:
            os.truncate(fd, 0)
            self._table = [_NONE] * 512
        if _NONE in self._table:
            for number in range(256):
                if _NONE in self._table[2 * number : 2 * number + 2]:
                    self.set(number, measure(number))

    @property
    def total(self) -> Count:
        """How much there is in all folders."""
        return Count(sum(self._table[::2]), sum(self._table[1::2]))

    def set(self, number: int, count: Count) -> None:
        """Note what is in a folder. Raises OSError."""
        self._table[2 * number : 2 * number + 2] = count
        os.pwrite(self._fd, _ROW.pack(*count), number * _ROW.size)

    @contextlib.contextmanager
    def changing(self, number: int, items: int, size: int) -> Iterator[None]:
        """Change a folder in the block, by so many items and bytes. Raises OSError."""
        old_items, old_bytes = self._table[2 * number : 2 * number + 2]
        self.set(number, Count(_NONE, _NONE))
        yield
        new = Count(old_items + items, old_bytes + size)
        if min(new) >= 0:  # else a hand has changed what is there
            self.set(number, new)


@contextlib.contextmanager
def locked(
    root: int,
    measure: Callable[[int], Count],
    *,
    create: bool = False,
    seconds: float = LOCK_SECONDS,
) -> Iterator[Counts]:
    """Hold the lock for the block. Raises OSError; `StoreError` where it cannot be had in time, or
    its file is gone, which `create` makes.
    """
    fd = _open(root, os.O_RDWR | (os.O_CREAT if create else 0))
    try:
        _wait(fd, seconds)
        yield Counts(fd, measure)
    finally:
        os.close(fd)


def glance(root: int) -> Count | None:
    """Tell how much there is, as far as can be told without the lock. Raises as `locked`."""
    fd = _open(root, os.O_RDONLY)
    try:
        table = os.pread(fd, _TABLE.size, 0)
    finally:
        os.close(fd)
    if len(table) < _TABLE.size or _NONE in (values := _TABLE.unpack(table)):
        return None
    return Count(sum(values[::2]), sum(values[1::2]))


def _open(root: int, flags: int) -> int:
    try:
        fd = open_file(root, LOCK, flags)
    except FileNotFoundError:
        why = f"its file {LOCK} is gone: is the disk mounted? hookgate makes it when it starts"
        raise StoreError(NotKept.UNAVAILABLE, why) from None
    # Root would empty and fill whatever its owner has linked there.
    if os.geteuid() == 0 and os.fstat(fd).st_uid != os.fstat(root).st_uid:
        os.close(fd)
        why = f"its file {LOCK} is not its owner's; remove it, and restart hookgate"
        raise StoreError(NotKept.UNAVAILABLE, why)
    return fd


def _wait(fd: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    pause, longest = _PAUSES
    while not try_lock(fd):
        if time.monotonic() > deadline:
            why = f"another process held {LOCK} for {seconds:g} s: stopped, or the disk is slow"
            raise StoreError(NotKept.UNAVAILABLE, why)
        time.sleep(pause)
        pause = min(pause * 2, longest)


def try_lock(fd: int) -> bool:
    """Lock an open file, unless another has it locked; closing it unlocks. Raises OSError."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
