"""Numbers that arrive nearly in order, kept as intervals so that ten million take no room."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

# Beyond this many intervals the lower half becomes one `Zone`; of as many zones two become one.
MOST = 1 << 16

Mark = tuple[str, int]


class Gap(NamedTuple):
    """`missing` numbers among `first` to `last` did not arrive; below 0, more than fit did.

    `mark` came with the number after them; None where the gap lies at the end or was folded.
    """

    first: int
    last: int
    missing: int
    mark: Mark | None = None


class Zone(NamedTuple):
    """A stretch of which only sums are known: `counted` of its numbers did not arrive singly.

    `holes` is how many are missing in the part of it that was folded.
    """

    first: int
    last: int
    counted: int
    holes: int = 0


class Intervals:
    """The numbers from 1 that arrived, singly or counted.

    `base` may be raised: what is missing below it is nobody's concern.
    """

    __slots__ = ("_counted", "_ends", "_floor", "_late", "_marks", "_starts", "_zones", "base")

    def __init__(self) -> None:
        self.base = 1
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._marks: list[Mark] = []
        self._zones: list[Zone] = []
        self._floor = self._counted = 0
        self._late = 0

    @property
    def top(self) -> int:
        """The highest number so far, 0 at first."""
        return max(self._ends[-1] if self._ends else self._floor, self._counted)

    def add(self, number: int, file: str, line: int) -> bool:
        """Add a number with where it came from; False if it was there before."""
        starts, ends = self._starts, self._ends
        if ends and number == ends[-1] + 1:
            ends[-1] = number
            return True
        if number <= self._floor:
            self._late += 1
            return True
        after = bisect_right(starts, number)
        if after and number <= ends[after - 1]:
            return False
        joins_before = after > 0 and number == ends[after - 1] + 1
        if after < len(starts) and starts[after] == number + 1:
            if joins_before:
                ends[after - 1] = ends[after]
                del starts[after], ends[after], self._marks[after]
            else:
                starts[after] = number
                self._marks[after] = file, line
        elif joins_before:
            ends[after - 1] = number
        else:
            starts.insert(after, number)
            ends.insert(after, number)
            self._marks.insert(after, (file, line))
            if len(starts) > MOST:
                self._fold()
        return True

    def are_new(self, first: int, last: int) -> bool:
        """Tell whether none of these was there before, and all are told apart."""
        after = bisect_right(self._starts, first)
        return (
            first > self._floor
            and (not after or first > self._ends[after - 1])
            and (after == len(self._starts) or last < self._starts[after])
        )

    def extend(self, number: int, last: int, file: str, line: int) -> None:
        """Add the numbers after one that was just added, up to the last; they are new."""
        if self._ends and self._ends[-1] == number:
            self._ends[-1] = last
            return
        for other in range(number + 1, last + 1):
            self.add(other, file, line)

    def cover(self, first: int, last: int) -> None:
        """Add all numbers from `first` to `last`, whether they were there before or not; it is not
        kept where they came from.
        """
        if self._ends and first == self._ends[-1] + 1 <= last:
            self._ends[-1] = last
            return
        first = max(first, self._floor + 1)
        if first > last:
            return
        begin = bisect_left(self._ends, first - 1)
        end = bisect_right(self._starts, last + 1)
        if begin < end:
            first = min(first, self._starts[begin])
            last = max(last, self._ends[end - 1])
        self._starts[begin:end] = [first]
        self._ends[begin:end] = [last]
        self._marks[begin:end] = [("", 0)]
        if len(self._starts) > MOST:
            self._fold()

    def missing(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Yield the stretches among `first` to `last` of which no number is known to be here."""
        at = bisect_left(self._ends, first)
        for start, end in zip(self._starts[at:], self._ends[at:], strict=True):
            if start > last:
                break
            if start > first:
                yield first, start - 1
            first = end + 1
        if first <= last:
            yield first, last

    def count(self, first: int, last: int, count: int) -> None:
        """Add `count` numbers between `first` and `last`, whichever, that arrived as a sum."""
        self._counted = max(self._counted, last)
        self._zones.append(Zone(first, last, count))
        if len(self._zones) > MOST:
            zones = sorted(self._zones)
            pairs = zip_longest(zones[::2], zones[1::2])
            self._zones = [_join(one, other) if other else one for one, other in pairs]

    def gaps(self, top: int) -> Iterator[Gap]:
        """Yield what is missing from `base` to `top`, in no order."""
        zones = _merged(self._zones)
        holes = [0] * len(zones)
        firsts = [zone.first for zone in zones]
        for first, last, mark in self._holes(top):
            while first <= last:
                at = bisect_right(firsts, first) - 1
                if at >= 0 and first <= zones[at].last:
                    end = min(last, zones[at].last)
                    holes[at] += end - first + 1
                else:
                    end = min(last, firsts[at + 1] - 1) if at + 1 < len(firsts) else last
                    yield Gap(first, end, end - first + 1, mark)
                first = end + 1
        late = self._late
        for zone, seen in zip(zones, holes, strict=True):
            missing = zone.holes + seen - zone.counted
            if zone.first <= self._floor:
                missing, late = missing - late, 0
            if missing > 0 or (missing < 0 and zone.first >= self.base):
                yield Gap(zone.first, zone.last, missing)

    def _holes(self, top: int) -> Iterator[tuple[int, int, Mark | None]]:
        before = max(self._floor, self.base - 1)
        for start, end, mark in zip(self._starts, self._ends, self._marks, strict=True):
            if start > before + 1:
                yield before + 1, start - 1, mark
            before = max(before, end)
        if top > before:
            yield before + 1, top, None

    def _fold(self) -> None:
        half = len(self._starts) // 2
        floor = self._ends[half - 1]
        holes = sum(last - first + 1 for first, last, _ in self._holes(floor) if last < floor)
        below = [zone for zone in self._zones if zone.last <= floor]
        self._zones = [zone for zone in self._zones if zone.last > floor]
        counted = sum(zone.counted for zone in below)
        holes += sum(zone.holes for zone in below)
        self._zones.append(Zone(self.base, floor, counted, holes))
        self._floor = floor
        del self._starts[:half], self._ends[:half], self._marks[:half]


def _merged(zones: list[Zone]) -> list[Zone]:
    merged: list[Zone] = []
    for zone in sorted(zones):
        if merged and zone.first <= merged[-1].last:
            zone = _join(merged.pop(), zone)
        merged.append(zone)
    return merged


def _join(one: Zone, other: Zone) -> Zone:
    return Zone(
        one.first,
        max(one.last, other.last),
        one.counted + other.counted,
        one.holes + other.holes,
    )
