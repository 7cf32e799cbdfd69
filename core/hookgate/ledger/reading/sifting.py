"""The lines of ledgers that a sieve does not leave out, found ahead of whoever reads them."""

from collections.abc import Callable, Iterator

from .decoding import DAMAGE
from .pieces import Stretch, can_be_scanned, pieces
from .sieve import Sieve, Sifted
from .source import LONGEST_LINE, Source, without_end
from .wrappers import Numbered

# Progress is told at least as often as so many bytes were read.
_TOLD = 4 << 20
_WRAPPED = 4096

# What was found; at the end the damage that ended it, if any.
Sifting = Iterator[Sifted | Exception]


class SiftedStream:
    """The lines of a source that are to be seen; `passed` is the number of the last one read."""

    def __init__(
        self, source: Source, sifting: Sifting, sieve: Sieve, tell: Callable[[int], None]
    ) -> None:
        self.passed = source.before
        self._skipped = source.skipped
        self._sifting, self._sieve, self._tell = sifting, sieve, tell

    def lines(self) -> Iterator[Numbered]:
        """Yield each line with its number from 1, as `Stream.lines` does."""
        for found in self._sifting:
            if isinstance(found, Exception):
                raise found
            for number, line in found.lines:
                if (at := self.passed + number) > self._skipped:
                    yield at, line
            self.passed += found.passed
            self._sieve.unseen += found.passed - len(found.lines)
            self._tell(found.size)

    def position(self) -> int:
        """Return 0: how much was read is told as it is."""
        return 0

    def end_line(self) -> None:
        """Do nothing: the rest of a line that is too long was left out."""


def sift(stretch: Stretch, sieve: Sieve) -> Sifting:
    """Sift a stretch. Lines are numbered from 1 in each part that is yielded."""
    passed = size = 0
    damage: Exception | None = None
    try:
        for lines, count, read in _sift(stretch, sieve):
            found = [(passed + number, line) for number, line in lines]
            passed, size = passed + count, size + read
            if found or size >= _TOLD:
                yield Sifted(found, passed, size)
                passed = size = 0
    except DAMAGE as error:
        damage = error
    yield Sifted([], passed, size)
    if damage is not None:
        yield damage


def _sift(stretch: Stretch, sieve: Sieve) -> Iterator[Sifted]:
    if not can_be_scanned(stretch.source):
        yield from _sift_one_by_one(stretch.source, sieve)
        return
    is_seen = True
    for data, size, read in pieces(stretch):
        if len(data) == size and data.endswith(b"\n"):
            lines, passed, _ = sieve.sift(data, is_first=is_seen)
            is_seen = bool(lines) and lines[-1][0] == passed
            yield Sifted(lines, passed, read)
        else:
            is_seen = True
            yield Sifted([(1, data)], 1, read)


def _sift_one_by_one(source: Source, sieve: Sieve) -> Iterator[Sifted]:
    lines: list[Numbered] = []
    number = last = told = 0
    is_seen = True
    damage: Exception | None = None
    with source.open() as stream:
        try:
            for number, line in stream.lines():
                if len(line) >= LONGEST_LINE and not line.endswith(b"\n"):
                    stream.end_line()
                is_left_out = sieve.leaves_out(without_end(line))
                if is_seen or not is_left_out:
                    lines.append((number - last, line))
                is_seen = not is_left_out
                if number - last >= _WRAPPED:
                    position = stream.position()
                    yield Sifted(lines, number - last, position - told)
                    lines, last, told = [], number, position
        except DAMAGE as error:
            damage = error
        yield Sifted(lines, number - last, stream.position() - told)
    if damage is not None:
        raise damage
