"""Ledgers of which most lines need not be seen one by one: on each core a scan makes runs of them.

A scan says in a few words what is to be known of many lines that follow from one another. Whoever
cannot use that asks for the lines.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

from .again import Again
from .ahead import read_ahead
from .copies import Copies
from .decoding import DAMAGE
from .parsing import parse
from .pieces import Piece, Stretch, can_be_scanned, pieces
from .reader import Line, damage_line, read_file, read_lines
from .source import LONGEST_LINE, Source
from .wrappers import Numbered


class Found(NamedTuple):
    """Lines of a stretch, `size` bytes of text: as they are, or `total` of which a scan tells.

    `n` is the number of the first line in its boot; those of a run are numbered one by one.
    """

    lines: list[bytes]
    total: int
    size: int
    n: int = 0
    told: Any = None


Scan = Callable[[Iterator[Piece]], Iterator[Found]]


class Run(NamedTuple):
    """Lines of a file that were scanned: `total` of them from number `first` on.

    `n` is the first one's number in its boot, `told` what the scan says of all; its `last` is the
    last line. `lines` gives them one by one.
    """

    file: str
    first: int
    total: int
    n: int
    told: Any
    lines: Callable[[], Iterator[Line]]

    @property
    def last_line(self) -> Line:
        """The last of the lines."""
        raw = self.told.last
        return Line(self.file, self.first + self.total - 1, raw, parse(raw), "")


def scan(
    sources: Sequence[Source],
    by: Scan,
    on_progress: Callable[[int], None] | None = None,
    copies: Copies | None = None,
) -> Generator[Line | Run, None, None]:
    """Yield the lines of sources as `reader.read` does, and runs in the place of some.

    Raises `WorkerError` where a process that read some of them ended.
    """
    with read_ahead(list(filter(can_be_scanned, sources)), partial(_work, by)) as sent:
        for source in sources:
            if copies is not None and copies.is_left_out(source):
                continue
            if not can_be_scanned(source) or not source.is_readable:
                yield from read_file(source, on_progress, copies)
                continue
            seen = copies.without(source) if copies is not None else source
            with Again(seen) as again:
                yield from _join(seen, sent(source), again, on_progress or _ignore, copies)


class _Sent(NamedTuple):
    """What a process says of a stretch: bytes that were read, what was found, what ended it."""

    read: int
    found: Found | None = None
    damage: Exception | None = None


def _work(by: Scan, stretch: Stretch) -> Iterator[_Sent]:
    read = 0
    damage: Exception | None = None

    def whole() -> Iterator[Piece]:
        nonlocal read, damage
        try:
            for piece in pieces(stretch):
                read += piece.read
                yield piece
        except DAMAGE as error:
            damage = error

    for found in by(whole()):
        yield _Sent(read, found)
        read = 0
    yield _Sent(read, None, damage)


def _join(
    source: Source,
    sent: Iterator[_Sent],
    again: Again,
    on_progress: Callable[[int], None],
    copies: Copies | None,
) -> Iterator[Line | Run]:
    at, number = 0, source.before
    damage: Exception | None = None

    def parts() -> Iterator[Found]:
        nonlocal damage
        for read, found, damage in sent:
            on_progress(read)
            if found is not None:
                yield found
            if damage is not None:
                return

    for is_run, group in groupby(parts(), lambda found: found.told is not None):
        if not is_run:
            gap = _Gap(group, number, source.skipped)
            yield from read_lines(source, gap, _ignore, copies)
            at, number = at + gap.size, gap.number
            continue
        for found in group:
            lines = partial(again.read, at, number, found.total, copies)
            run = Run(source.name, number + 1, found.total, found.n, found.told, lines)
            if number < source.skipped or _holds(found, copies, source):
                yield from run.lines()
            else:
                yield run
            at, number = at + found.size, number + found.total
    if damage is not None:
        yield damage_line(source, max(number, int(source.skipped)) + 1, damage)


def _holds(run: Found, copies: Copies | None, source: Source) -> bool:
    """Whether the first record of a file after it may be in a run."""
    if copies is None:
        return False
    numbers = range(run.n, run.n + run.total)
    return any(n in numbers for n in copies.heads_after(source) if n is not None)


class _Gap:
    """The lines between runs, as a stream."""

    passed = 0

    def __init__(self, found: Iterator[Found], number: int, skipped: float) -> None:
        self.number, self.size = number, 0
        self._found, self._skipped = found, skipped

    def lines(self) -> Iterator[Numbered]:
        for item in self._found:
            self.size += item.size
            begin, lines = self.number + 1, item.lines
            if item.size >= LONGEST_LINE:
                lines = [line[:LONGEST_LINE] for line in lines]
            self.number += len(lines)
            if begin > self._skipped:
                yield from enumerate(lines, begin)
            else:
                yield from (one for one in enumerate(lines, begin) if one[0] > self._skipped)

    def position(self) -> int:
        return 0

    def end_line(self) -> None:
        """The rest of a line that is too long was left out."""


def _ignore(size: int) -> None:
    """Nobody looks at the progress, or it is told already."""
