"""Lines that two files hold: counted once, from the file that is read first.

Where the first record of one file is found among the lines of another, both are followed as long as
they are the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from math import inf

from .decoding import DAMAGE
from .parsing import parse
from .source import Source, Stream, without_end

# A file's time and its lines' own differ by less than so many seconds.
_CLOCKS = 3600


class Copies:
    """What files that are read in this order have in common. `remarks` are (file, text).

    `sooner` is a file, and one after it that begins alike and goes on with earlier lines of a boot:
    that of which lines were cut off, and what is left of it.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self.remarks: list[tuple[str, str]] = []
        self.sooner: tuple[Source, Source] | None = None
        self._order = {source.key: place for place, source in enumerate(sources)}
        self._skipped: dict[tuple[str, int], float] = {}
        self._heads: dict[bytes, list[Source]] = {}
        for source in sources:
            if source.head is not None:
                self._heads.setdefault(source.head.raw, []).append(source)
        # Those that begin alike are looked at first: that can be said before anything is read.
        for source in sources:
            if source.head is not None and not self.is_left_out(source):
                self.compare(source, source.head.number, source.head.raw)

    def is_left_out(self, source: Source) -> bool:
        """Tell whether all of its lines are in files before it."""
        return self._skipped.get(source.key) == inf

    def without(self, source: Source) -> Source:
        """Return the source less its first lines, as far as a file before it has them."""
        return replace(source, skipped=self._skipped.get(source.key, 0.0))

    def heads_after(self, source: Source) -> frozenset[int | None]:
        """Return the `n` of the first records of the files after this one that were not found yet.

        That is its number in its boot, None in older formats.
        """
        return frozenset(
            other.head.n
            for sources in self._heads.values()
            for other in sources
            if other.head is not None and self._is_open(source, other)
        )

    def sought_in(self, source: Source) -> list[bytes]:
        """Return the first records of files after this one that may stand in it.

        One that was written long after the last change of the file does not.
        """
        if (changed := source.changed) is None:  # it was there a moment ago
            return []
        return [
            other.head.raw
            for sources in self._heads.values()
            for other in sources
            if other.head is not None
            and other.head.time < changed + _CLOCKS
            and self._is_open(source, other)
        ]

    def compare(self, source: Source, number: int, raw: bytes) -> None:
        """Find out how far files after a source go along with it from one of its lines on."""
        for other in self._heads.get(raw, ()):
            if other.head is not None and self._is_open(source, other):
                self._follow(source, number, other, other.head.number)

    def _is_open(self, source: Source, other: Source) -> bool:
        is_after = self._order[other.key] > self._order[source.key]
        return is_after and other.key not in self._skipped

    def _follow(self, source: Source, number: int, other: Source, first: int) -> None:
        same, last, is_whole = 0, 0, True
        with source.open() as here, other.open() as there:
            for mine, its in zip_longest(_lines_from(here, number), _lines_from(there, first)):
                if its is None:
                    break
                if mine is None or its[1] is None or not _is_same(mine[1], its[1]):
                    is_whole = False
                    if mine is not None and _is_after(mine[1], its[1]):
                        self.sooner = source, other
                    break
                same, last = same + 1, its[0]
        self._skipped[other.key] = inf if is_whole else last
        those = f"those of {source.name} from line {number} on: counted once"
        text = f"all of its {same:,} lines are {those}"
        if not is_whole:
            text = f"its first {same:,} lines are {those}"
        self.remarks.append((other.name, text))


def in_turn(sources: Sequence[Source]) -> tuple[list[Source], Copies]:
    """Return sources that are sorted, and what they have in common, once those that begin alike are
    in the order in which they go on.
    """
    ordered = list(sources)
    copies = Copies(ordered)
    for _ in sources:
        if copies.sooner is None:
            break
        after, sooner = copies.sooner
        ordered.remove(sooner)
        ordered.insert(ordered.index(after), sooner)
        copies = Copies(ordered)
    return ordered, copies


def _is_after(mine: bytes | None, its: bytes | None) -> bool:
    """Whether the first is a later line of the boot of the second."""
    one, other = (parse(without_end(line)) or {} for line in (mine or b"", its or b""))
    n, m = one.get("n"), other.get("n")
    return type(n) is type(m) is int and m < n and one.get("boot") == other.get("boot")


def _lines_from(stream: Stream, number: int) -> Iterator[tuple[int, bytes | None]]:
    """The lines from this one on; None in place of what is damaged."""
    last = number
    try:
        for last, line in stream.lines():
            if last >= number:
                yield last, line
    except DAMAGE:
        yield last + 1, None


def _is_same(one: bytes | None, other: bytes) -> bool:
    if one is None:
        return False
    is_torn = not other.endswith(b"\n") and one.startswith(other)
    return one == other or is_torn or without_end(one) == without_end(other)
