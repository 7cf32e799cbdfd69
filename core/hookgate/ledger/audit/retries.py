"""How long an event is tried: its attempts, held against the retry rule of its contract."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from hookgate.ledger.record import Record
from hookgate.policy.retry import RetryRule

# 9999-01-01, from where on dates of some zone cannot be printed.
_LAST = 253_370_764_800.0
# A contract whose provider gives up nobody knows when.
NO_RULE = RetryRule(None, None)
# What older gates went by; these wrote no rule down.
UNWRITTEN = dict.fromkeys(("cm-events", "cm-events-strict"), RetryRule(3, 86_400))


def rule_of(record: Record) -> RetryRule | None:
    """Return the rule that a `delivery` tells; None where it tells nothing, not even its route."""
    text, route = record.get("retry"), record.get("route")
    if text is not None:
        return _parse(text)
    return UNWRITTEN.get(route, NO_RULE) if route is not None else None


@lru_cache(maxsize=256)
def _parse(text: str) -> RetryRule:
    try:
        return RetryRule.parse(text)
    except ValueError:
        return NO_RULE  # of a newer version


class Retries:
    """Count the attempts at an event that was never delivered, and tell when they end.

    The latest attempt's rule counts. Times are seconds since 1970; an attempt whose time cannot be
    read is a try and no more.
    """

    __slots__ = ("_first", "_latest", "_ruled", "rule", "tries")

    def __init__(self) -> None:
        self.tries = 0
        self.rule = NO_RULE
        self._first = self._latest = self._ruled = 0.0

    def add(self, moment: float, rule: RetryRule | None) -> None:
        """Count an attempt of that time, 0.0 where none can be read, and the rule that it tells."""
        self.tries += 1
        if moment:
            self._first = min(self._first or moment, moment)
            self._latest = max(self._latest, moment)
        if rule is not None and moment >= self._ruled:
            self.rule, self._ruled = rule, moment

    def save(self) -> tuple[object, ...]:
        """Return it as JSON may hold it."""
        return self.tries, self._first, self._latest, self._ruled, self.rule.text

    def load(self, saved: Sequence[Any]) -> None:
        """Take over what `save` gave. Raises TypeError or ValueError for anything else."""
        tries, first, latest, ruled, rule = saved
        self.tries, self.rule = int(tries), _parse(str(rule))
        self._first, self._latest, self._ruled = float(first), float(latest), float(ruled)

    @property
    def until(self) -> float | None:
        """When the rule's span is over; None where it has none, or no attempt's time can be read.

        An attempt after that shows that the span had not begun with the first: a clock stood wrong,
        or equal bytes were sent anew. Then it counts from the latest.
        """
        span = self.rule.span
        if span is None or not self._first:
            return None
        end = self._first + span
        return min(end if self._latest <= end else self._latest + span, _LAST)

    @property
    def tries_left(self) -> int | None:
        """How many tries the rule leaves, 0 where none; None where it does not count them."""
        return None if self.rule.tries is None else max(0, self.rule.tries - self.tries)

    def are_over(self, now: float) -> bool:
        """Tell whether the rule has run out, by tries or by time."""
        until = self.until
        return self.tries_left == 0 or (until is not None and until <= now)

    @property
    def will_end(self) -> bool:
        """Tell whether it is known how they end; without a rule, or a readable time, it is not."""
        return self.until is not None if self.rule.span is not None else self.rule.tries is not None
