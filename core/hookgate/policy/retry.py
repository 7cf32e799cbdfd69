"""How long a provider tries again what was not taken: data of a contract, not of the code."""

import re
from typing import NamedTuple

_TRIES = re.compile(r"([0-9]{1,9}) tries")
_SPAN = re.compile(r"([0-9]{1,9})(s|m|h|d)")
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
MOST_TRIES = 1_000_000
_LONGEST = 366 * _SECONDS["d"]


class RetryRule(NamedTuple):
    """Say after how many tries, or seconds since the first, an event is given up.

    Whichever comes first; None where there is no such end. One of the two is there.
    """

    tries: int | None
    span: int | None

    @classmethod
    def parse(cls, text: str) -> "RetryRule":
        """Parse what `text` writes: "3 tries, 24h", "3 tries" or "30d". Raises ValueError."""
        first, comma, second = text.partition(", ")
        tries = _TRIES.fullmatch(first)
        span = _SPAN.fullmatch(second if comma and tries else text if not tries else "")
        if (tries is None and span is None) or (comma and span is None):
            raise ValueError('is no retry rule; write one like "3 tries, 24h"')
        rule = cls(
            int(tries[1]) if tries is not None else None,
            int(span[1]) * _SECONDS[span[2]] if span is not None else None,
        )
        if rule.tries is not None and not 1 <= rule.tries <= MOST_TRIES:
            raise ValueError(f"has tries that are not between 1 and {MOST_TRIES}")
        if rule.span is not None and not 1 <= rule.span <= _LONGEST:
            raise ValueError("has a span that is not between 1s and 366d")
        return rule

    @property
    def text(self) -> str:
        """Write the rule as a record holds it."""
        parts = [] if self.tries is None else [f"{self.tries} tries"]
        if self.span is not None:
            unit = next(u for u, seconds in _SECONDS.items() if self.span % seconds == 0)
            parts.append(f"{self.span // _SECONDS[unit]}{unit}")
        return ", ".join(parts)
