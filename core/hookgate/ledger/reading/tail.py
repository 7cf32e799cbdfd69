"""One file of a ledger from where it was read to, over rotation, truncation and deletion."""

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hookgate.files import kind_of

from .source import LONGEST_LINE

# At a time, so that whoever reads can be told to stop.
MOST_BYTES = 4 << 20
PATIENCE_SECONDS = 1.5
_TAIL = 64


class Position(NamedTuple):
    """How far a file was read. `mark` is what stood before there, in hex: a file that was cut and
    grew again is told by it.
    """

    device: int
    inode: int
    offset: int
    mark: str


class Tail:
    """Whole lines of a file that grows. `back` says how much of it is read that is there already.

    `trouble` says why it cannot be read, "" where it can. `is_gone` says that it was deleted.
    `is_part` says that more was there already than is read, `is_behind` that there was more to read
    than is read at a time. `was_cut` says that it
    was shorter than what was read of it, and is read again from its beginning; `was_removed` that
    it had no name any more when another was begun. A line longer than any record is left out. A
    file that was renamed is read for `patience` seconds after there is another.
    """

    def __init__(
        self,
        path: Path,
        back: int,
        position: Position | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.path = path
        self._patience = patience
        self._replaced_at: float | None = None
        self.trouble = ""
        self.is_gone = self.is_behind = self.was_cut = self.was_removed = False
        self.is_part = False
        self._fd = -1
        self._rest = b""
        self._offset = 0
        self._is_too_long = False
        self._resume(back, position)

    def _resume(self, back: int, position: Position | None) -> None:
        if position is not None and self._find(position):
            return
        if self._open():
            size = os.fstat(self._fd).st_size
            self._offset = max(0, size - back) if position is None else 0
            self.is_part = position is None and self._offset > 0
            self._is_too_long = self._offset > 0  # it may be in the middle of a line

    def _find(self, position: Position) -> bool:
        """Open the file that was read, by its name or by that which a rotation gave it."""
        prefix = self.path.name.removesuffix(self.path.suffix)
        try:
            found = os.scandir(self.path.parent)
            others = [
                e.path for e in found if e.inode() == position.inode and e.name.startswith(prefix)
            ]
        except OSError:
            others = []
        for name in (str(self.path), *others):
            if self._open(Path(name)):
                status = os.fstat(self._fd)
                mark = os.pread(self._fd, _TAIL, max(0, position.offset - _TAIL))
                mark = mark[: min(_TAIL, position.offset)]
                is_it = (status.st_dev, status.st_ino) == position[:2]
                if is_it and status.st_size >= position.offset and mark.hex() == position.mark:
                    self._offset = position.offset
                    return True
                self.close()
        self.trouble = ""
        return False

    def poll(self) -> Iterator[bytes]:
        """Yield lines that were written since, without their ends; of much, a part at a time."""
        yield from self._lines()
        if self.is_behind or not self._is_replaced():
            return
        yield from self._lines()  # what was written between the reading and the renaming
        if not self.is_behind:
            before = None if self._fd < 0 else os.fstat(self._fd)
            self.close()
            if self._open() and before is not None:
                self.was_cut = os.path.samestat(before, os.fstat(self._fd))
                self.was_removed = not before.st_nlink
            yield from self._lines()

    @property
    def position(self) -> Position | None:
        """How far whole lines were read; None where no file is open."""
        if self._fd < 0:
            return None
        offset = self._offset - len(self._rest)
        try:
            status = os.fstat(self._fd)
            length = min(_TAIL, offset)
            mark = os.pread(self._fd, length, offset - length)
        except OSError:
            return None
        return Position(status.st_dev, status.st_ino, offset, mark.hex())

    @property
    def inode(self) -> tuple[int, int, int] | None:
        """The open file's major and minor device and inode, as /proc/locks tells them."""
        if self._fd < 0:
            return None
        status = os.fstat(self._fd)
        return os.major(status.st_dev), os.minor(status.st_dev), status.st_ino

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._rest, self._offset, self._is_too_long = -1, b"", 0, False
        self._replaced_at = None

    def _open(self, path: Path | None = None) -> bool:
        try:
            fd = os.open(
                path or self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
            )
        except FileNotFoundError:
            self.trouble = ""
            return False
        except OSError as error:
            self.trouble = f"cannot be read: {error.strerror}"
            return False
        if not stat.S_ISREG(mode := os.fstat(fd).st_mode):
            os.close(fd)
            self.trouble = f"it is {kind_of(mode)}"
            return False
        self._fd, self.trouble, self.is_gone = fd, "", False
        return True

    def _lines(self) -> Iterator[bytes]:
        most, self.is_behind = MOST_BYTES, False
        while most > 0 and self._fd >= 0:
            try:
                data = os.pread(self._fd, min(most, 1 << 16), self._offset)
            except OSError as error:
                self.trouble = f"cannot be read: {error.strerror}"
                return
            if not data:
                return
            most -= len(data)
            self._offset += len(data)
            *lines, rest = data.split(b"\n")
            if lines:
                lines[0] = self._rest + lines[0]
                self._rest = rest
                if self._is_too_long:
                    lines, self._is_too_long = lines[1:], False
                yield from lines
            else:
                self._rest += rest
            if len(self._rest) > LONGEST_LINE:
                self._rest, self._is_too_long = b"", True
        self.is_behind = most <= 0

    def _is_replaced(self) -> bool:
        """Look whether the path names another file since a while, or less of this one now.

        A gate may write to a file that was renamed for a second, until it sees the new one.
        """
        try:
            now = self.path.stat()
        except FileNotFoundError:
            self.is_gone = self._fd >= 0 and os.fstat(self._fd).st_nlink == 0
            return False
        except OSError as error:
            self.trouble = f"cannot be read: {error.strerror}"
            return False
        self.is_gone = False
        if self._fd < 0:
            return True
        here = os.fstat(self._fd)
        if (here.st_dev, here.st_ino) == (now.st_dev, now.st_ino):
            self._replaced_at = None
            return now.st_size < self._offset
        self._replaced_at = self._replaced_at or time.monotonic()
        return time.monotonic() - self._replaced_at >= self._patience
