"""What a cause is, and what keeps one while it lasts. Pure."""

import math
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import IntEnum
from typing import NamedTuple

from .step import Answer, Step, seconds, text, texts

# Of what is as bad the first is told first.
_ORDER = (
    *("stopped", "ledger_fails", "not_ready", "gate_fails", "endpoint", "silence", "ledger_gone"),
    *("refusals", "workers", "not_kept", "quarantine", "near", "shipped", "shipping"),
    "unread",
    *("flood", "custody", "read_since", "observing", "changed"),
)
_LONGEST = 80
_MOST_PLACES = _MOST_LABELS = 64
# What happened so shortly ago happens now.
_NOW_SECONDS = 5.0


class Level(IntEnum):
    """How bad it is: `NOTE` explains what is seen and needs nobody."""

    NOTE = 0
    WARNING = 1
    CRITICAL = 2


class Cause(NamedTuple):
    """What is or was wrong: `what` is a sentence, `first` is what to do first, "" for nothing.

    `name` is its alarm in docs/alarms.md, or "flood", "observing", "unread", "read_since",
    "changed". Times are seconds since 1970; `until` is None while it lasts.
    """

    name: str
    level: Level
    what: str
    first: str
    since: float
    until: float | None = None

    @property
    def rank(self) -> tuple[int, int]:
        """Its place among others: the worst is the least."""
        return -self.level, _ORDER.index(self.name)


class Spell:
    """A time in which something happened again and again: how often of what, and where."""

    def __init__(self, began: float) -> None:
        self.since = self.last = self._now = began
        self.labels: Counter[str] = Counter()
        self.places: Counter[tuple[str, str, str]] = Counter()
        self.delivered = self._delivered_since = 0
        self.newest: Answer = {}
        # Of what happened before the first look only what went wrong is told.
        self._is_of_all = True

    @property
    def count(self) -> int:
        """How often it happened."""
        return self.labels.total()

    def share(self, what: str) -> str:
        """Write how many of those that could have been delivered it happened to, as far as that
        is known.
        """
        if not self._is_of_all:
            return plural(self.count, what)
        return f"{self.count:,} of {plural(self.count + self.delivered, what)}"

    def end(self) -> None:
        """Note that it will not happen again."""
        self._now = math.inf

    @property
    def is_over(self) -> bool:
        """Whether it has not happened for a while, and may happen again."""
        return self._now - self.last > _NOW_SECONDS

    def add(self, labels: Counter[str], rows: Sequence[Answer], now: Step) -> None:
        """Count what happened in a step. `rows` are those of it, oldest first."""
        for label, count in labels.items():
            if label in self.labels or len(self.labels) < _MOST_LABELS:
                self.labels[label] += count
        self._now = now.at
        self.last = min(self.last, now.at)  # its clock may have been set back
        self._delivered_since += now.outcomes["delivered"]
        if labels:
            times = [at for row in rows if (at := seconds(row.get("time"))) is not None]
            self._is_of_all = self._is_of_all and not now.is_first
            self.last = min(now.at, max(times, default=now.at)) if now.is_first else now.at
            self.delivered += self._delivered_since
            self._delivered_since = 0
        for row in rows:
            self.newest = row
            where = text(row, "reason"), _found(row), shown(row, "route")
            if where in self.places or len(self.places) < _MOST_PLACES:
                self.places[where] += 1


def _found(row: Answer) -> str:
    """Return what was found where in a document, "" where it was found elsewhere."""
    errors = [error for error in texts(row, "errors")[:1] if error.startswith("/")]
    return shown({"error": errors[0]}, "error") if errors else shown(row, "pointer")


def shown(row: Answer, name: str) -> str:
    """Return a member as it can stand in a sentence: a sender may have chosen it."""
    value = text(row, name)
    value = "".join(letter if letter.isprintable() else " " for letter in value[: _LONGEST + 1])
    return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…"


def clock(at: float) -> str:
    """Write a time of today."""
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S} UTC"


def plural(count: int, what: str) -> str:
    """Write a number of things."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def span(seconds: float) -> str:
    """Write how long something lasts."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{int(seconds / size)} {unit}"
    return f"{seconds:.0f} s"
