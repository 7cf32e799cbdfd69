"""A ledger's file from its end: its lines backwards, and what is written to it from now on."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_BLOCK = 1 << 16


def read_backwards(file: Path, end: int | None = None) -> Iterator[bytes]:
    """Yield the lines of a file, or of what is before `end`, the last first, without newlines.

    Raises OSError.
    """
    with file.open("rb") as stream:
        position = last = stream.seek(0, os.SEEK_END) if end is None else end
        rest = b""
        while position:
            size = min(_BLOCK, position)
            stream.seek(position - size)
            data = stream.read(size) + rest
            if position == last:
                data = data.removesuffix(b"\n")
            rest, *lines = data.split(b"\n")
            yield from reversed(lines)
            position -= size
        if last:
            yield rest


def whole_lines(file: Path) -> int:
    """Count the bytes of a file that are whole lines; 0 where it is not there."""
    try:
        size = file.stat().st_size
        torn = next(read_backwards(file, size), b"")
        with file.open("rb") as stream:
            stream.seek(max(0, size - 1))
            return size if stream.read(1) == b"\n" else size - len(torn)
    except FileNotFoundError:
        return 0


class Follower:
    """A file that grows, is renamed and replaced, or truncated; it may not be there yet.

    `start` leaves out so many bytes of what is there already.
    """

    def __init__(self, path: Path, start: int = 0) -> None:
        self.path = path
        self._rest = b""
        self._stream = self._open()
        if self._stream is not None:
            self._stream.seek(start)

    def poll(self) -> Iterator[bytes]:
        """Yield the whole lines that were written since, without their newlines."""
        yield from self._lines()
        if self._is_replaced():
            yield from self._lines()  # what was written between the reading and the renaming
            if self._rest:
                yield self._rest
            self.close()
            self._stream = self._open()
            yield from self._lines()

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()
        self._stream, self._rest = None, b""

    def _open(self) -> IO[bytes] | None:
        try:
            return self.path.open("rb")
        except FileNotFoundError:
            return None

    def _lines(self) -> Iterator[bytes]:
        while self._stream is not None and (data := self._stream.read(_BLOCK)):
            *lines, self._rest = (self._rest + data).split(b"\n")
            yield from lines

    def _is_replaced(self) -> bool:
        try:
            now = self.path.stat()
        except FileNotFoundError:
            return False
        if self._stream is None:
            return True
        here = os.fstat(self._stream.fileno())
        is_same = (here.st_dev, here.st_ino) == (now.st_dev, now.st_ino)
        return not is_same or now.st_size < self._stream.tell()
