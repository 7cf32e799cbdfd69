"""How much admitted traffic is usual at this hour, and whether there is less than half of it."""

from collections import deque

BUCKET_SECONDS = 300
DAY = 86_400 // BUCKET_SECONDS
DAYS = 7
# The last two buckets are compared with two of other days: of those within half an hour the fewest,
# so that a day may begin late.
_RECENT, _AROUND = 2, 6
# Fewer events in ten minutes come and go by chance.
LEAST_USUAL = 20


class Traffic:
    """Count admitted requests by five minutes, of a week at most.

    `quiet` says that in the last ten minutes there were less than half of what is usual at this
    time of day: by the lower median of the days before. It needs a day of history.
    """

    def __init__(self) -> None:
        self.quiet = False
        self._counts = deque[int](maxlen=DAYS * DAY + _RECENT + _AROUND)
        self._until: float | None = None
        self._total = 0

    def is_due(self, now: float) -> bool:
        """Tell whether five minutes are over by now, in seconds, or none have begun."""
        return self._until is None or now >= self._until

    def tick(self, now: float, total: int) -> None:
        """Note how many were admitted in all, once `is_due`."""
        if self._until is None:
            self._until = now + BUCKET_SECONDS
            self._total = total
            return
        missed = min(int((now - self._until) // BUCKET_SECONDS), DAYS * DAY)
        self._counts.append(total - self._total)
        self._counts.extend([0] * missed)  # nobody was there to admit anything
        self._until += BUCKET_SECONDS * (missed + 1)
        self._total = total
        self.quiet = self._is_quiet()

    def _is_quiet(self) -> bool:
        counts = list(self._counts)
        end = len(counts)
        days = []
        for day in range(1, DAYS + 1):
            first = end - day * DAY - _RECENT - _AROUND
            if first < 0:
                break
            days.append(min(_sums(counts[first : first + _RECENT + 2 * _AROUND])))
        usual = sorted(days)[(len(days) - 1) // 2] if days else 0
        return usual >= LEAST_USUAL and 2 * sum(counts[-_RECENT:]) < usual


def _sums(counts: list[int]) -> list[int]:
    """The sums of each `_RECENT` neighbours."""
    return [sum(counts[at : at + _RECENT]) for at in range(len(counts) - _RECENT + 1)]
