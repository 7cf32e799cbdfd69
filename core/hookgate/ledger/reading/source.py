"""One ledger file: how it is compressed and wrapped, and its lines as the bytes that were written.

Nothing is parsed here but to tell a wrapper and the first record: who looks for a text in the lines
need not parse those without it.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import dropwhile
from pathlib import Path
from typing import IO, NamedTuple

from .decoding import (
    DAMAGE,
    HEAD,
    Compression,
    Decoded,
    check_text,
    is_compressed_name,
    open_decoded,
    tell_compression,
)
from .parsing import parse, timestamp
from .wrappers import Numbered, Wrapper, find_wrapper, unwrap

LONGEST_LINE = 1 << 20
_BOM = b"\xef\xbb\xbf"
# Among so many lines at its beginning a file shows what it is wrapped in.
_LEADING = 64


class Head(NamedTuple):
    """The first record of a file: its line's number, its bytes without the end, its time, and its
    boot and number in that, None where it has none.
    """

    number: int
    raw: bytes
    time: float
    boot: str | None
    n: int | None


@dataclass(frozen=True)
class Source:
    """A file that can be read. `name` is what it is called where its lines are told of.

    `head` is None where it holds no record. `skipped` is the number of the last line of those at
    its beginning that another file holds too, `before` that of the line before its first.
    """

    path: Path
    name: str
    compression: Compression | None = None
    wrapper: Wrapper | None = None
    bom: bool = False
    crlf: bool = False
    head: Head | None = None
    skipped: float = 0
    before: int = 0

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from other sources, as several parts of one thing are called the same."""
        return self.name, self.before

    @property
    def size(self) -> int:
        """Bytes on the disk, compressed ones as they are; 0 where it is gone."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    @property
    def changed(self) -> float | None:
        """When it was written to, in seconds since 1970; None where it is gone."""
        try:
            return self.path.stat().st_mtime
        except OSError:
            return None

    @property
    def is_readable(self) -> bool:
        """Whether it is still there, and may be read."""
        return os.access(self.path, os.R_OK)

    @property
    def starts(self) -> Sequence[int]:
        """Bytes of its text where lines are known to begin, far from each other; none of a file."""
        return ()

    @property
    def began(self) -> float:
        """The time of the first record, 0.0 where there is none."""
        return self.head.time if self.head is not None else 0.0

    @property
    def is_plain(self) -> bool:
        """Whether whoever reads JSON Lines, gzipped ones by their name, reads just these lines."""
        suffix = self.compression.suffix if self.compression is not None else ""
        named = self.path.suffix if is_compressed_name(self.path.name) else ""
        return (
            str(self.path) == self.name
            and suffix in ("", ".gz")
            and suffix == named
            and not (self.wrapper or self.bom or self.skipped)
        )

    @property
    def is_seekable(self) -> bool:
        """Whether the file holds its lines as they are, so that it can be read from its end."""
        return self.compression is None and self.wrapper is None and not self.bom

    @property
    def remarks(self) -> Iterator[str]:
        """What a reader of its lines should know, in words."""
        if self.compression is None and is_compressed_name(self.name):
            yield "not compressed, though its name says so: read as it is"
        if self.compression is not None and self.compression.suffix not in self.name:
            yield f"compressed with {self.compression.name}, which its name does not say"
        if self.wrapper is not None:
            yield f"its lines are wrapped ({self.wrapper.name}): read without that"
        if self.bom:
            yield "a byte order mark (BOM), which hookgate did not write: passed over"
        if self.crlf:
            yield "CRLF line ends, as copies through Windows have: read without the CR"

    def open_text(self) -> AbstractContextManager[Decoded]:
        """Open the bytes that were written. Raises OSError; reading raises `decoding.DAMAGE`."""
        return open_decoded(self.path, self.compression)

    @contextmanager
    def open(self) -> Iterator["Stream"]:
        """Open the file at its beginning. Raises OSError; reading raises `decoding.DAMAGE`."""
        with self.open_text() as (raw, text):
            if self.bom:
                text.read(len(_BOM))
            yield Stream(self, raw, text)


class Stream:
    """The lines of a source that is open."""

    __slots__ = ("_source", "position", "text")

    # Its lines come one by one: none was passed over.
    passed = 0

    def __init__(self, source: Source, raw: IO[bytes], text: IO[bytes]) -> None:
        self._source = source
        self.text = text
        # How many bytes of the file were read.
        self.position: Callable[[], int] = raw.tell

    def lines(self) -> Iterator[Numbered]:
        """Yield each line with its number from 1, with its end; of one too long its beginning.

        Call `end_line` then. Lines that another file holds too are left out.
        """
        source = self._source
        lines: Iterator[Numbered] = enumerate(
            iter(partial(self.text.readline, LONGEST_LINE), b""), source.before + 1
        )
        if source.wrapper is not None:
            lines = unwrap(lines, source.wrapper, LONGEST_LINE)
        if source.skipped:
            lines = dropwhile(lambda line: line[0] <= source.skipped, lines)
        return lines

    def end_line(self) -> None:
        """Skip the rest of a line that is too long."""
        while (rest := self.text.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
            pass


def without_end(data: bytes) -> bytes:
    """Return a line without its newline, or carriage return and newline."""
    return data.removesuffix(b"\n").removesuffix(b"\r")


def probe(path: Path, name: str | None = None) -> Source:
    """Read a file's beginning: how it is compressed and wrapped, and its first record.

    Raises OSError, with the file's name; it is an `UnreadableError` where hookgate cannot read what
    it holds.
    """
    name = str(path) if name is None else name
    try:
        return _probe(path, name)
    except OSError as error:
        error.filename = name
        raise


def _probe(path: Path, name: str) -> Source:
    with path.open("rb") as stream:
        compression = tell_compression(stream.read(HEAD))
    try:
        with open_decoded(path, compression) as (_, text):
            beginning = text.read(HEAD)
    except DAMAGE:
        return Source(path, name, compression)
    check_text(beginning)
    bom = beginning.startswith(_BOM)
    plain = Source(path, name, compression, bom=bom)
    wrapper, crlf = _look_at_lines(plain)
    return with_head(Source(path, name, compression, wrapper, bom, crlf))


def with_head(source: Source) -> Source:
    """Return a source with its first record."""
    return replace(source, head=_find_head(source))


def _look_at_lines(source: Source) -> tuple[Wrapper | None, bool]:
    crlf = False
    with source.open() as stream:
        try:
            for number, line in stream.lines():
                crlf = crlf or line.endswith(b"\r\n")
                if parse(line) is not None:
                    break
                if (wrapper := find_wrapper(line)) is not None:
                    return wrapper, crlf
                if number == _LEADING:
                    break
        except DAMAGE:
            pass
    return None, crlf


def _find_head(source: Source) -> Head | None:
    with source.open() as stream:
        try:
            for number, line in stream.lines():
                if (record := parse(line)) is not None:
                    boot, n = record.get("boot"), record.get("n")
                    if type(boot) is not str or type(n) is not int:
                        boot = n = None
                    return Head(number, without_end(line), timestamp(record), boot, n)
                if len(line) == LONGEST_LINE:
                    stream.end_line()
        except DAMAGE:
            pass
    return None
