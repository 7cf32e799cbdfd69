"""Lines of a boot in the store, as a file that holds them would give them."""

import errno
import io
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from secrets import token_hex
from typing import Any

from hookgate.ledger.reading.decoding import BUFFER, Decoded
from hookgate.ledger.reading.line import EMPTY, Line
from hookgate.ledger.reading.scanning import Run
from hookgate.ledger.reading.source import Source

from .error import StoreError
from .queries import SHORTEST_LINE
from .reader import Chunk, Part, Reader, Row

# Stands where lines could not be read. No forger knows it, and it is shorter than any record.
_MARK = b"\0" + token_hex((SHORTEST_LINE - 4) // 2).encode()
_DAMAGED = "cannot be read: what the store has there is damaged, or no shipper made it"


@dataclass(frozen=True, kw_only=True)
class StoredBoot(Source):
    """Lines of a boot that follow one another; `size` is that of their text."""

    store: Reader
    part: Part

    @property
    def size(self) -> int:
        """Bytes of text."""
        return self._ends[-1]

    @property
    def changed(self) -> float | None:
        """Nothing is known of when its lines were written last: any may be in it."""
        return float("inf")

    @property
    def is_readable(self) -> bool:
        """Whether it may be read; if the store goes away, the reading says so."""
        return True

    @property
    def is_plain(self) -> bool:
        """Nobody else reads it."""
        return False

    @property
    def is_seekable(self) -> bool:
        """It is read from its beginning."""
        return False

    @property
    def starts(self) -> Sequence[int]:
        """Where chunks begin."""
        return [0, *self._ends[:-1]]

    @property
    def began(self) -> float:
        """The time of the first line, as whoever sent it said."""
        return self.part.began

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(chunk.size for chunk in self.part.chunks))

    def rows(self) -> Iterator[Row]:
        """Fetch its segments. Raises `StoreError`, and OSError where they are gone meanwhile."""
        for chunk in self.part.chunks:
            yield from _fetch(self.store, self.part, chunk)

    @contextmanager
    def open_text(self) -> Iterator[Decoded]:
        """Open the lines; reading raises OSError where the store cannot be used."""
        text = _Text(self.store, self.part, self.starts)
        yield Decoded(text, io.BufferedReader(text, BUFFER))  # type: ignore[arg-type]  # only told


class _Text(io.RawIOBase):
    """The bytes of a boot's lines, fetched a chunk at a time."""

    def __init__(self, store: Reader, part: Part, starts: Sequence[int]) -> None:
        self._store, self._part, self._starts = store, part, starts
        self._at = self._chunk = 0
        self._rows: Iterator[Row] = iter(())
        self._data = memoryview(b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET:
            offset += self._at
        self._chunk = bisect_right(self._starts, offset) - 1
        self._at = self._starts[self._chunk]
        self._rows, self._data = iter(()), memoryview(b"")
        while self._at < offset and (row := self._next()) is not None:
            skipped = min(row.size, offset - self._at)
            self._at += skipped
            if skipped < row.size:
                self._data = memoryview(_text_of(row))[skipped:]
        return self._at

    def readinto(self, buffer: Any) -> int:
        while not self._data:
            if (row := self._next()) is None:
                return 0
            self._data = memoryview(_text_of(row))
        size = min(len(buffer), len(self._data))
        buffer[:size] = self._data[:size]
        self._data = self._data[size:]
        self._at += size
        return size

    def _next(self) -> Row | None:
        try:
            while (row := next(self._rows, None)) is None:
                if self._chunk == len(self._part.chunks):
                    return None
                self._rows = _fetch(self._store, self._part, self._part.chunks[self._chunk])
                self._chunk += 1
        except StoreError as error:
            raise OSError(errno.EIO, str(error)) from None
        return row


def _fetch(store: Reader, part: Part, chunk: Chunk) -> Iterator[Row]:
    n = chunk.first_n
    for row in store.lines(part.gate, part.boot, chunk):
        if row.first_n != n:
            break
        n += row.lines
        yield row
    if n != chunk.first_n + chunk.lines:
        raise OSError(errno.ENOENT, "it was deleted from the store meanwhile")


def _text_of(row: Row) -> bytes:
    """The lines, or as many that say that they cannot be read, of the same size in all."""
    if row.raw is not None:
        return row.raw
    rest = b"\n" * row.lines
    return _MARK.ljust(row.size - len(rest)) + rest


def source_of(part: Part, store: Reader) -> StoredBoot:
    """Make a source of a part, called `GATE/BOOT`; its lines are numbered as in the boot."""
    name = f"{part.gate}/{part.boot}"
    return StoredBoot(Path(name), name, before=part.first_n - 1, store=store, part=part)


def hold(lines: Iterable[Line | Run]) -> Iterator[Line | Run]:
    """Pass lines of stored boots on: those of another boot than their gate said as no records.

    For a segment that cannot be read there is one such line, in the place of its first.
    """
    file, boot, is_damaged = "", "", False
    for line in lines:
        if line.file is not file:
            file, is_damaged = line.file, False
            boot = file.partition("/")[2]
        if isinstance(line, Run):
            is_damaged = False
            if line.told.boot == boot:
                yield line
            else:
                yield from map(_refuse, line.lines())
        elif line.record is None:
            if line.raw.startswith(_MARK):
                is_damaged = True
                yield line._replace(raw=b"", problem=_DAMAGED)
            elif not (is_damaged and line.problem == EMPTY):
                yield line
        else:
            is_damaged = False
            yield line if line.record.get("boot") == boot else _refuse(line)


def _refuse(line: Line) -> Line:
    if line.record is None:
        return line
    boot = line.record.get("boot")
    return line.refused(f"it says boot {boot}, and its gate sent it as of another")
