"""Whole lines of a file, many at a time, and the stretches of it that can be read at once."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import IO, NamedTuple

from .decoding import BUFFER
from .source import LONGEST_LINE, Source

# Larger ones are mapped and unmapped each time, which takes more than reading does.
PIECE = 1 << 17
STRETCH = 8 << 20


class Stretch(NamedTuple):
    """The lines of a source that begin at or after one byte and before another, if that is one.

    `is_apart` says that a line begins just there.
    """

    source: Source
    begin: int = 0
    end: int | None = None
    is_apart: bool = False


class Piece(NamedTuple):
    """Whole lines. `size` is what they took in the file's text, `read` what was read of the file.

    Of a line that is too long its beginning comes, as a piece of its own.
    """

    data: bytes
    size: int
    read: int


def can_be_scanned(source: Source) -> bool:
    """Tell whether a file's lines are those that were written, one after another."""
    return source.wrapper is None and not (source.bom or source.crlf)


def cut(source: Source) -> Iterator[Stretch]:
    """Cut a file into stretches, one where its lines are not in it as they are."""
    if starts := source.starts:
        for begin, end in zip_longest(starts, starts[1:]):
            yield Stretch(source, begin, end, is_apart=True)
        return
    begin = size = 0
    if source.compression is None and can_be_scanned(source):
        size = source.size
    while size - begin >= 2 * STRETCH:
        yield Stretch(source, begin, begin + STRETCH)
        begin += STRETCH
    yield Stretch(source, begin)


def pieces(stretch: Stretch) -> Iterator[Piece]:
    """Read a stretch. Raises `decoding.DAMAGE`, after all whole lines before."""
    source, begin, end, is_apart = stretch
    with source.open_text() as (raw, text):
        at = begin
        if begin and is_apart:
            text.seek(begin)
        elif begin:
            at = begin - 1
            text.seek(at)
            at += _skip_line(text, None if end is None else end - at)
        told = at
        rest = b""
        while end is None or at + len(rest) < end:
            size = PIECE if end is None else min(PIECE, end - at - len(rest))
            data = text.read1(size)  # type: ignore[attr-defined]  # of BufferedReader
            if not data:
                break
            data = rest + data
            whole = data.rfind(b"\n") + 1
            rest = data[whole:]
            if whole:
                yield Piece(data[:whole], whole, raw.tell() - told)
                at, told = at + whole, raw.tell()
            if len(rest) >= LONGEST_LINE:
                size = len(rest) + _skip_line(text)
                yield Piece(rest[:LONGEST_LINE], size, raw.tell() - told)
                rest, at, told = b"", at + size, raw.tell()
        if rest:
            rest += text.readline(LONGEST_LINE - len(rest))
            size = len(rest)
            if size == LONGEST_LINE and not rest.endswith(b"\n"):
                size += _skip_line(text)
            yield Piece(rest, size, raw.tell() - told)


def _skip_line(text: IO[bytes], most: int | None = None) -> int:
    """Skip what is left of a line, as far as it may matter; return how many bytes that was."""
    size = 0
    while (most is None or size < most) and (rest := text.readline(BUFFER)):
        size += len(rest)
        if rest.endswith(b"\n"):
            break
    return size
