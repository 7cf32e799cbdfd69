"""Reading ledgers: their lines, parsed, whole or not."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import orjson

from . import source as _source
from .ahead import read_ahead
from .copies import Copies
from .decoding import DAMAGE
from .files import find_files, in_order
from .line import EMPTY, NO_RECORD, SURVIVED, TORN, Line, is_damage, is_malformed
from .parsing import parse, timestamp
from .pieces import Stretch
from .sieve import Sieve, Sifted
from .sifting import SiftedStream, sift
from .source import Source, probe, without_end
from .wrappers import Numbered

__all__ = [
    "LONGEST_LINE",
    "NO_RECORD",
    "TORN",
    "Line",
    "find_files",
    "in_order",
    "is_damage",
    "is_malformed",
    "parse",
    "read",
    "read_file",
    "timestamp",
]

LONGEST_LINE = _source.LONGEST_LINE
TOO_LONG = "longer than any record"
# Progress is told at each line whose number has none of these bits.
_PROGRESS_MASK = 4095
_NO_HEADS: frozenset[int | None] = frozenset()


def read(
    files: Iterable[Path | Source],
    on_progress: Callable[[int], None] | None = None,
    copies: Copies | None = None,
    sieve: Sieve | None = None,
) -> Generator[Line, None, None]:
    """Yield every line of the files, in turn. `on_progress` is told the bytes read since.

    Lines that two files hold come once where `copies` is given. With a `sieve` the lines that it
    leaves out do not come; they are records. Raises OSError, with the file's name, where one cannot
    be read, and `WorkerError` where a process that sifted some of them ended.
    """
    if sieve is None:
        for file in files:
            yield from read_file(file, on_progress, copies)
        return
    sources = [file if isinstance(file, Source) else probe(file) for file in files]
    by, tell = sieve, on_progress or _ignore

    def work(stretch: Stretch) -> Iterator[Sifted | Exception]:
        sought = copies.sought_in(stretch.source) if copies is not None else ()
        return sift(stretch, by.with_lines(sought))

    with read_ahead(sources, work) as sifted:
        for source in sources:
            yield from read_file(
                source, tell, copies, lambda one: SiftedStream(one, sifted(one), by, tell)
            )


def read_file(
    file: Path | Source,
    on_progress: Callable[[int], None] | None = None,
    copies: Copies | None = None,
    sifted: Callable[[Source], SiftedStream] | None = None,
) -> Iterator[Line]:
    """Yield every line of one file, or those that are `sifted`.

    One that is no record comes with its problem: torn, garbled, longer than `LONGEST_LINE`, or
    where the file is damaged.
    """
    source = file if isinstance(file, Source) else probe(file)
    if copies is not None:
        if copies.is_left_out(source):
            return
        source = copies.without(source)
    with ExitStack() as opened:
        try:
            stream = opened.enter_context(source.open())
        except OSError as error:  # it was there a moment ago
            yield Line(source.name, 0, b"", None, f"cannot be read: {error.strerror}")
            return
        yield from read_lines(
            source, sifted(source) if sifted is not None else stream, on_progress or _ignore, copies
        )


class Lines(Protocol):
    """Lines with their numbers, as `Stream` gives them. `passed` is the number of the last one read
    where some do not come, else 0.
    """

    passed: int

    def lines(self) -> Iterator[Numbered]:
        """Yield each line with its number and its end; of one too long its beginning."""

    def end_line(self) -> None:
        """Skip the rest of a line that is too long."""

    def position(self) -> int:
        """Return how many bytes were read."""


def read_lines(
    source: Source, stream: Lines, on_progress: Callable[[int], None], copies: Copies | None
) -> Iterator[Line]:
    """Yield the lines of a source that a stream gives, parsed, with what is wrong with them."""
    name = source.name
    heads = copies.heads_after(source) if copies is not None else _NO_HEADS
    number, told = source.before, 0
    most = LONGEST_LINE
    loads, error = orjson.loads, orjson.JSONDecodeError
    # A NamedTuple's own takes twice the time.
    make = tuple.__new__
    # A whole line that is no record: it may be one that a crash tore and the next start ended.
    held: Line | None = None
    try:
        for number, data in stream.lines():
            try:
                record = loads(data)
            except error:
                record = None
            if (
                type(record) is dict
                and type(record.get("event")) is str
                and data[-2:] == b"}\n"
                and len(data) < most
            ):
                line = make(Line, (name, number, data[:-1], record, ""))
            else:
                line = _line(name, number, data, stream)
                record = line.record
            if held is not None:
                yield _settle(held, line)
                held = None
            if record is None:
                if line.problem == NO_RECORD:
                    held = line
                    continue
            elif heads and copies is not None:
                n = record.get("n")
                if n in heads if type(n) is int else None in heads:
                    copies.compare(source, number, line.raw)
                    heads = copies.heads_after(source)
            yield line
            if not number & _PROGRESS_MASK:
                position = stream.position()
                on_progress(position - told)
                told = position
    except DAMAGE as damage:
        if held is not None:
            yield held
            held = None
        last = max(number, stream.passed, int(source.skipped))
        yield damage_line(source, last + 1, damage)
    if held is not None:
        yield held
    on_progress(stream.position() - told)


def _line(name: str, number: int, data: bytes, stream: Lines) -> Line:
    raw = without_end(data)
    if len(data) >= LONGEST_LINE:
        if not data.endswith(b"\n"):
            stream.end_line()
        return Line(name, number, raw[:LONGEST_LINE], None, TOO_LONG)
    if (record := parse(raw)) is not None:
        return Line(name, number, raw, record, "")
    if not data.endswith(b"\n"):
        return Line(name, number, raw, None, TORN)
    return Line(name, number, raw, None, NO_RECORD if raw.strip() else EMPTY)


def _settle(held: Line, after: Line) -> Line:
    """A line that is no record, by what comes after it: the start after a crash has its digest."""
    record = after.record
    if record is not None and record["event"] == "start":
        found = record.get("previous_line")
        if found and found == sha256(held.raw).hexdigest():
            return held._replace(problem=SURVIVED)
    return held


def damage_line(source: Source, number: int, damage: Exception) -> Line:
    """Make the line that stands for what could not be read, from that number on."""
    return Line(source.name, number, b"", None, _words(source, damage))


def _words(source: Source, damage: Exception) -> str:
    what = source.compression.name if source.compression is not None else ""
    text = getattr(damage, "strerror", None)
    if getattr(damage, "errno", None) is not None:
        return f"cannot be read from here on: {text}"
    return f"the {what} file is cut off or damaged here"


def _ignore(size: int) -> None:
    """Nobody looks at the progress."""
