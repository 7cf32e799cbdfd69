"""How often something happened of late, in bounded memory. Pure."""

from collections import Counter
from typing import Any

_SLICES = 60
_MOST_LABELS = 32
OTHERS = "others"


class Window:
    """Counts by label within the last `seconds`, to a sixtieth of them.

    Beyond 32 labels at a time the rest count as `OTHERS`.
    """

    def __init__(self, seconds: float) -> None:
        self._slice = seconds / _SLICES
        self._counts: dict[int, Counter[str]] = {}

    def add(self, at: float, label: str = "", count: int = 1) -> None:
        """Count something at a time, which may be any before now."""
        number = int(at // self._slice)
        counts = self._counts.setdefault(number, Counter())
        if label not in counts and len(counts) >= _MOST_LABELS:
            label = OTHERS
        counts[label] += count
        if len(self._counts) > 2 * _SLICES:
            self._drop(max(self._counts))

    def counts(self, now: float) -> Counter[str]:
        """Return the counts by label."""
        self._drop(int(now // self._slice))
        return sum(self._counts.values(), Counter())

    def _drop(self, last: int) -> None:
        for number in [number for number in self._counts if number <= last - _SLICES]:
            del self._counts[number]

    def save(self) -> Any:
        """Return it as JSON may hold it."""
        return [[number, dict(counts)] for number, counts in self._counts.items()]

    def load(self, saved: Any) -> None:
        """Take over what was saved of a window of the same length."""
        self._counts = {
            int(number): Counter({str(label): int(count) for label, count in counts.items()})
            for number, counts in saved
        }
