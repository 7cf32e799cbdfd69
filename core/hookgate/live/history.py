"""What one gate's figures were of late: rates, a quarter of an hour by outcome, percentiles. Pure.

All are differences of two answers of /status. A time without an answer is a gap, and never a 0.
"""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from itertools import islice

from .step import Answer, Step, is_count, part

COLUMNS, COLUMN_SECONDS = 180, 5
# The rows of the strip: outcomes, and of what is refused where it came from.
ROWS = ("delivered", "inside", "foreign", "failed", "aborted")
_RATE_SECONDS = 5.0
_PERCENTILE_SECONDS = 60.0
_MOST_BUCKETS = 64
# Seconds that a bucket may be for.
_LONGEST = 2**31

Buckets = list[tuple[float, int]]


def rows_of_step(made: Step) -> Counter[str]:
    """Count what ended in a step, by the rows of the strip."""
    return Counter(
        delivered=made.outcomes["delivered"],
        foreign=made.foreign,
        inside=max(0, made.outcomes["refused"] - made.foreign),
        failed=made.outcomes["failed"],
        aborted=made.outcomes["aborted"],
    )


class History:
    """The last quarter of an hour of one gate, by the clock of whoever looks."""

    def __init__(self) -> None:
        self._columns: dict[int, Counter[str]] = {}
        self._steps: deque[tuple[float, Counter[str]]] = deque()
        self._answers: deque[tuple[float, Buckets]] = deque()

    def add(self, made: Step, answer: Answer, now: float) -> None:
        """Take in what happened up to now."""
        if self._steps and now < self._steps[-1][0]:
            self._go_back(now)
        counts = Counter[str]() if made.is_first else rows_of_step(made)
        self._steps.append((now, counts))
        while self._steps[0][0] <= now - _RATE_SECONDS:
            self._steps.popleft()
        column = self._columns.setdefault(int(now // COLUMN_SECONDS), Counter())
        column.update(counts)
        oldest = int(now // COLUMN_SECONDS) - COLUMNS
        for number in [number for number in self._columns if number <= oldest]:
            del self._columns[number]
        buckets = read_buckets(part(answer, "endpoint").get("answer_seconds"))
        if self._answers and _fell(self._answers[-1][1], buckets):
            self._answers.clear()
            self._answers.append((now, [(bound, 0) for bound, _ in buckets]))
        self._answers.append((now, buckets))
        while self._answers[0][0] < now - _PERCENTILE_SECONDS:
            self._answers.popleft()

    def _go_back(self, now: float) -> None:
        """Forget what the clock, which was set back, says is still to come."""
        self._steps.clear()
        self._answers.clear()
        present = int(now // COLUMN_SECONDS)
        self._columns = {n: counts for n, counts in self._columns.items() if n <= present}

    def rates(self) -> dict[str, float]:
        """Return how many a second ended in the last seconds, by the rows of the strip."""
        total: Counter[str] = Counter()
        # The first of the steps counts what was before its time.
        for _, counts in islice(self._steps, 1, None):
            total.update(counts)
        spanned = self._steps[-1][0] - self._steps[0][0] if self._steps else 0.0
        return {row: total[row] / spanned if spanned else 0.0 for row in ROWS}

    def strip(self, row: str, now: float) -> list[int | None]:
        """Return the columns of a row, oldest first; None where the gate did not answer."""
        last = int(now // COLUMN_SECONDS)
        numbers = range(last - COLUMNS + 1, last + 1)
        return [None if (c := self._columns.get(n)) is None else c[row] for n in numbers]

    def percentiles(self, shares: Sequence[float]) -> list[float | None]:
        """Return within how many seconds these shares of the last minute's answers came."""
        return percentiles(self.answers(), shares)

    def answers(self) -> Buckets:
        """Return the endpoint's answers of the last minute: bounds, and how many are within."""
        if not self._answers:
            return []
        before = dict(self._answers[0][1])
        return [(bound, count - before.get(bound, 0)) for bound, count in self._answers[-1][1]]


def add_buckets(histograms: Iterable[Buckets]) -> Buckets:
    """Sum the answers of several gates."""
    total: Counter[float] = Counter()
    for buckets in histograms:
        total.update(dict(buckets))
    return sorted(total.items())


def percentiles(buckets: Buckets, shares: Sequence[float]) -> list[float | None]:
    """Return each share's place in a histogram, as Prometheus' histogram_quantile finds it."""
    whole = buckets[-1][1] if buckets else 0
    return [_place(buckets, share * whole) if whole else None for share in shares]


def _place(buckets: Buckets, rank: float) -> float:
    low, below = 0.0, 0
    for bound, count in buckets:
        if count >= rank and count > below:
            if bound == float("inf"):
                return low
            return low + (bound - low) * (rank - below) / (count - below)
        low, below = bound, count
    return low


def read_buckets(told: object) -> Buckets:
    """Read a histogram of /status; the last bound, which is none, is infinity."""
    found: Buckets = []
    for pair in told[:_MOST_BUCKETS] if isinstance(told, list) else []:
        match pair:
            case [None, count] if is_count(count):
                found.append((float("inf"), count))
            case [int() | float() as bound, count] if 0 <= bound < _LONGEST and is_count(count):
                found.append((float(bound), count))
    return sorted(found)


def _fell(before: Buckets, now: Buckets) -> bool:
    known = dict(now)
    return any(known.get(bound, 0) < count for bound, count in before)
