"""Lines of a file that was scanned, read once more for whoever wants them one by one."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from itertools import islice
from typing import IO

from .copies import Copies
from .decoding import DAMAGE
from .reader import Line, damage_line, read_lines
from .source import LONGEST_LINE, Source
from .wrappers import Numbered


class Again:
    """A source whose lines are asked for again; they are asked for in order."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.skipped = source.skipped
        self._opened = ExitStack()
        self._text: IO[bytes] | None = None
        self._at = 0

    def __enter__(self) -> "Again":
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def read(self, at: int, number: int, count: int, copies: Copies | None) -> Iterator[Line]:
        """Yield so many lines from one byte of the text on, which follow one of this number."""
        try:
            text = self._seek(at)
        except DAMAGE as damage:
            yield damage_line(self._source, number + 1, damage)
            return
        yield from read_lines(self._source, _Part(text, number, count, self), _ignore, copies)

    def moved(self, size: int) -> None:
        """Note how many bytes were read."""
        self._at += size

    def _seek(self, at: int) -> IO[bytes]:
        if self._text is None or at < self._at:
            self._opened.close()
            source = self._source
            decoded = self._opened.enter_context(source.open_text())
            self._text, self._at = decoded.text, 0
        text = self._text
        if self._source.compression is None:
            text.seek(at)
            self._at = at
        while self._at < at and (data := text.read(min(at - self._at, LONGEST_LINE))):
            self._at += len(data)
        return text


class _Part:
    """Some lines of an open file, as a stream."""

    passed = 0

    def __init__(self, text: IO[bytes], number: int, count: int, again: Again) -> None:
        self._text, self._number, self._count, self._again = text, number, count, again

    def lines(self) -> Iterator[Numbered]:
        lines = iter(partial(self._text.readline, LONGEST_LINE), b"")
        for number, line in enumerate(islice(lines, self._count), self._number + 1):
            self._again.moved(len(line))
            if number > self._again.skipped:
                yield number, line

    def position(self) -> int:
        return 0

    def end_line(self) -> None:
        """No line of a run is too long."""


def _ignore(size: int) -> None:
    """Nobody looks at the progress, or it is told already."""
