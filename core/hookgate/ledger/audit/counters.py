"""Counts, latencies and times whose memory is bounded whatever is counted."""

import heapq
import math
from dataclasses import dataclass
from typing import Any

_WIDTHS = (1, 5, 15, 30, 60, 180, 360, 720, 1440, 10080)
_PERCENTILES = (50, 90, 99, 99.9)
_MOST_KINDS = 5000


class Tally:
    """Counts by name. Beyond twice `most` names the rarest are given up: `dropped` counts them."""

    def __init__(self, most: int = 50_000) -> None:
        self.counts: dict[Any, int] = {}
        self.dropped = 0
        self._most = most

    def add(self, name: Any, count: int = 1) -> None:
        """Count a name `count` times; None is no name."""
        if name is not None:
            self.counts[name] = self.counts.get(name, 0) + count
            if len(self.counts) > 2 * self._most:
                kept = dict(self.top(self._most))
                self.dropped += self.total - sum(kept.values())
                self.counts = kept

    def top(self, most: int | None = None) -> list[tuple[Any, int]]:
        """Return (name, count), the commonest first, equally common names in their own order."""
        return heapq.nsmallest(
            len(self.counts) if most is None else most,
            self.counts.items(),
            key=lambda item: (-item[1], str(item[0])),
        )

    @property
    def total(self) -> int:
        """The count of all names that are kept."""
        return sum(self.counts.values())

    @property
    def total_with_dropped(self) -> int:
        """The count of all names, those given up included."""
        return self.total + self.dropped


class Latency:
    """Milliseconds in buckets of 1 % each, so that any number of them stays small."""

    def __init__(self) -> None:
        self.buckets: dict[int, int] = {}
        self.maximum: float | None = None

    def add(self, ms: Any) -> None:
        """Count a duration; what is no duration is none."""
        if is_duration(ms):
            self.add_bucket(bucket_of(ms), 1, float(ms))

    def add_bucket(self, bucket: int, count: int, maximum: float) -> None:
        """Count durations whose greatest is `maximum` and that share a bucket."""
        self.buckets[bucket] = self.buckets.get(bucket, 0) + count
        self.maximum = maximum if self.maximum is None else max(self.maximum, maximum)

    @property
    def count(self) -> int:
        """The number of durations that were counted."""
        return sum(self.buckets.values())

    def percentile(self, percent: float) -> float | None:
        """Return a percentile in milliseconds, within 1 %; None where nothing was counted."""
        if self.maximum is None:
            return None
        rank = math.ceil(self.count * percent / 100)
        below = 0
        for bucket in sorted(self.buckets):
            below += self.buckets[bucket]
            if below >= rank:
                return min(math.exp((bucket + 0.5) / 100), self.maximum)
        return self.maximum

    def percentiles(self) -> dict[str, float | None]:
        """Return p50, p90, p99, p99.9 and max, in milliseconds rounded to microseconds."""
        found = {f"p{percent:g}": self.percentile(percent) for percent in _PERCENTILES}
        found["max"] = self.maximum
        return {name: None if ms is None else round(ms, 3) for name, ms in found.items()}


def bucket_of(ms: float) -> int:
    """Return a duration's bucket: the whole hundredths of its natural logarithm."""
    return math.floor(100 * math.log(max(ms, 0.001)))


class Timeline:
    """Counts by outcome per minute, or per coarser bucket once there are too many minutes."""

    def __init__(self, most: int = 20_000) -> None:
        self.minutes = 1
        self.buckets: dict[int, dict[str, int]] = {}
        self._most = most

    def add(self, minute: int, outcome: str, count: int) -> None:
        """Count requests of an outcome at a minute since 1970."""
        if not count:
            return
        start = minute - minute % self.minutes
        counts = self.buckets.setdefault(start, {})
        counts[outcome] = counts.get(outcome, 0) + count
        while len(self.buckets) > self._most and self.minutes < _WIDTHS[-1]:
            wider = _WIDTHS[_WIDTHS.index(self.minutes) + 1]
            self.minutes, self.buckets = wider, _widen(self.buckets, wider)

    def coarsened(self, most: int) -> tuple[int, list[tuple[float, dict[str, int]]]]:
        """Return at most about `most` buckets, empty ones between them included.

        Returns their width in minutes, and each one's start (seconds since 1970) and counts.
        """
        if not self.buckets:
            return self.minutes, []
        first, last = min(self.buckets), max(self.buckets)
        width = self.minutes
        while (last - first) / width >= most:
            width = next((wider for wider in _WIDTHS if wider > width), 2 * width)
        buckets = _widen(self.buckets, width)
        starts = range(min(buckets), max(buckets) + 1, width)
        return width, [(start * 60.0, buckets.get(start, {})) for start in starts]


def _widen(buckets: dict[int, dict[str, int]], width: int) -> dict[int, dict[str, int]]:
    wide: dict[int, dict[str, int]] = {}
    for start, counts in buckets.items():
        into = wide.setdefault(start - start % width, {})
        for outcome, count in counts.items():
            into[outcome] = into.get(outcome, 0) + count
    return wide


@dataclass
class Seen:
    """How often something was seen, and from when to when (seconds since 1970, or None)."""

    count: int = 0
    first: float | None = None
    last: float | None = None

    def add(self, count: int, first: float | None, last: float | None) -> None:
        """Add `count` more that were seen from `first` to `last`."""
        self.count += count
        if first is not None and (self.first is None or first < self.first):
            self.first = first
        if last is not None and (self.last is None or last > self.last):
            self.last = last


def see(
    table: dict[Any, Seen], key: Any, count: int, first: float | None, last: float | None
) -> None:
    """Count under a key of a bounded table; a new key when it is full goes under "more"."""
    if key not in table and len(table) >= _MOST_KINDS:
        key = ("more",) * len(key)
    table.setdefault(key, Seen()).add(count, first, last)


def is_duration(ms: Any) -> bool:
    """Tell whether this is a finite number, not negative."""
    return type(ms) in (float, int) and 0 <= ms < math.inf
