"""Lines that a running gate wrote and that are gone: its file was deleted, or cut by others.

A rotation is told by what it leaves: the file under another name, or a copy of it beside the
ledger. What is gone is told by the numbers of this boot's lines.
"""

import re
import time
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from gzip import BadGzipFile, GzipFile
from pathlib import Path
from typing import IO, NamedTuple

from hookgate.ledger.reading.files import find_files

from .background import Background

# A copy that a rotation made just now; older ones are not read whole.
_FRESH_SECONDS = 120.0
_TAIL = 1 << 20
_NUMBER = re.compile(rb',"n":([0-9]{1,18}),"prev":"')


class Sight(NamedTuple):
    """What is to be seen of a boot's lines: of those up to `last`, all up to `kept`.

    They were looked for because of `cause`, "deleted" or "truncated", when line `tip` was the last.
    Those after `before` are in the ledger's file.
    """

    cause: str
    tip: int
    kept: int
    last: int
    before: int


class GapSearch:
    """Search for the lines of one boot, on a thread: files may be large."""

    def __init__(self, path: Path, boot: str) -> None:
        self._path = path
        self._mark = b'"boot":"%b"' % boot.encode()
        self._thread = Background("ledger-search")
        self._under_way: deque[Future[Sight]] = deque()

    def begin(self, cause: str, before: int, tip: int) -> None:
        """Begin a search for the lines after number `before`, up to `tip`."""

        def look() -> Sight:
            try:
                return Sight(cause, tip, *self._look(before, tip))
            except OSError:
                return Sight(cause, tip, before, tip, tip)  # there may be some that cannot be read

        self._under_way.append(self._thread.submit(look))

    def results(self, *, wait: bool = False) -> Iterator[Sight]:
        """Yield what each search saw that is done, or with `wait` every one."""
        while self._under_way and (wait or self._under_way[0].done()):
            yield self._under_way.popleft().result()

    def close(self) -> None:
        """End the thread, after what is under way."""
        self._thread.close()

    def _look(self, before: int, tip: int) -> tuple[int, int, int]:
        kept, last = self._find_jump(before, tip)
        if kept == last:
            return kept, last, before
        for file in find_files(self._path):
            if file != self._path:
                number = self._last_number(file)
                kept = number if kept < number <= last else kept
        return kept, last, last

    def _find_jump(self, kept: int, last: int) -> tuple[int, int]:
        """In the ledger as it is: the last line before those that are gone, and the last gone."""
        try:
            with self._path.open("rb") as file:
                for number in self._numbers(file):
                    if number > last:
                        break
                    if number > kept + 1:
                        return kept, number - 1
                    kept = max(kept, number)
        except FileNotFoundError:
            pass
        return kept, last

    def _last_number(self, file: Path) -> int:
        """Of this boot's last line in a file; 0 where it has none, or is an old one."""
        with file.open("rb") as raw:
            if file.suffix != ".gz":
                raw.seek(max(0, file.stat().st_size - _TAIL))
                return max(self._numbers(raw), default=0)
            if time.time() - file.stat().st_mtime > _FRESH_SECONDS:
                return 0
            try:
                with GzipFile(fileobj=raw) as stream:
                    return max(self._numbers(stream), default=0)
            except (EOFError, BadGzipFile, zlib.error):
                return 0

    def _numbers(self, lines: "IO[bytes] | GzipFile") -> Iterator[int]:
        for line in lines:
            # In what a sender chose quotation marks are escaped.
            if self._mark in line and (found := _NUMBER.search(line)) is not None:
                yield int(found[1])
