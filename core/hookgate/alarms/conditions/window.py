"""How often something happened of late, in bounded memory. Pure."""

from collections import Counter
from typing import Any

_SLICES = 60
# A look at least each day sees all spans from a quarter of an hour on.
_MOST_SLICES = 6000
_MOST_LABELS = 32
OTHERS = "others"


class Window:
    """Counts by label within `seconds`, to a sixtieth of them.

    Beyond 32 labels at a time the rest count as `OTHERS`.
    """

    def __init__(self, seconds: float) -> None:
        self._slice = seconds / _SLICES
        self._counts: dict[int, Counter[str]] = {}
        self._new: set[int] = set()

    def add(self, at: float, label: str = "", count: int = 1) -> None:
        """Count something at a time, which may be any before now."""
        number = int(at // self._slice)
        counts = self._counts.setdefault(number, Counter())
        if label not in counts and len(counts) >= _MOST_LABELS:
            label = OTHERS
        counts[label] += count
        self._new.add(number)
        if len(self._counts) > _MOST_SLICES:
            oldest = min(self._counts)
            del self._counts[oldest]
            self._new.discard(oldest)

    def counts(self, now: float) -> Counter[str]:
        """Return the counts by label of the span up to now; or of a fuller one that has ended since
        this was asked last: who looks seldom misses nothing.
        """
        last = int(now // self._slice)
        best = self._up_to(last)
        for end in self._new:
            if end < last and (counts := self._up_to(end)).total() > best.total():
                best = counts
        self._new.clear()
        self._counts = {n: c for n, c in self._counts.items() if n > last - _SLICES}
        return best

    def _up_to(self, end: int) -> Counter[str]:
        total: Counter[str] = Counter()
        for number in range(end - _SLICES + 1, end + 1):
            total.update(self._counts.get(number, ()))
        return total

    def save(self) -> Any:
        """Return it as JSON may hold it."""
        return [self._slice, [[number, dict(counts)] for number, counts in self._counts.items()]]

    def load(self, saved: Any) -> None:
        """Take over what was saved, of a window of any length: its key may be another by now."""
        # An earlier watcher saved no length.
        is_whole = saved and type(saved[0]) is not list
        length, slices = saved if is_whole else (self._slice, saved)
        self._counts = {}
        for number, counts in slices:
            at = int(int(number) * float(length) // self._slice)
            labels = {str(label): int(count) for label, count in counts.items()}
            self._counts.setdefault(at, Counter()).update(labels)
