"""What happened between two answers of a gate's /status. Pure, and indifferent to their form: what
is not as it should be counts for nothing, and of what is more than a gate tells the rest is left.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, TypeGuard

Answer = Mapping[str, Any]
_NOTHING: Answer = {}
_LARGEST = 2**63
# Letters of a text, texts of a list, words that are counted, rows.
_LONGEST, _MOST_TEXTS, _MOST_WORDS, _MOST_ROWS = 256, 32, 256, 256
# In the year 2242.
_LATEST = 2.0**33


class Step(NamedTuple):
    """What was counted since the answer before, and the rows that are new, oldest first.

    `at` is the gate's time of the later answer, in seconds since 1970.
    """

    at: float
    outcomes: Counter[str]
    reasons: Counter[str]
    errors: Counter[str]
    foreign: int
    near: int
    missing: int
    not_kept: int
    rows: list[Answer]
    is_first: bool


def step(before: Answer | None, now: Answer) -> Step:
    """Compare two answers. Of one alone, and of a gate that has started anew, the rows are told and
    only the new start is counted.
    """
    old = before or _NOTHING
    was, new = _counts(old), _counts(now)
    if before is None:
        was = new
    elif any(new[name][word] < count for name in new for word, count in was[name].items()):
        was = _counts(_NOTHING)
    change = {name: new[name] - was[name] for name in new}
    known = {key_of(row) for row in rows_of(old)}
    return Step(
        seconds(now.get("time")) or 0.0,
        change["outcomes"],
        change["reasons"],
        change["errors"],
        change["alone"]["foreign"],
        change["alone"]["near"],
        change["alone"]["missing"],
        change["alone"]["not_kept"],
        [row for row in reversed(rows_of(now)) if key_of(row) not in known],
        before is None,
    )


def _counts(answer: Answer) -> dict[str, Counter[str]]:
    return {
        "outcomes": counts_of(answer, "outcomes"),
        "reasons": counts_of(answer, "reasons"),
        "errors": counts_of(part(answer, "endpoint"), "errors"),
        "alone": Counter(
            foreign=number(answer, "foreign"),
            near=number(part(answer, "near_misses"), "total"),
            missing=number(part(answer, "ledger"), "missing"),
            not_kept=number(part(answer, "quarantine"), "not_kept"),
        ),
    }


def part(answer: Answer, name: str) -> Answer:
    """Return a member that is an object, else an empty one."""
    value = answer.get(name)
    return value if isinstance(value, dict) else _NOTHING


def number(answer: Answer, name: str) -> int:
    """Return a member that is a count, else 0."""
    value = answer.get(name)
    return value if is_count(value) else 0


def is_count(value: object) -> TypeGuard[int]:
    """Tell whether a value is a count, of no more digits than one has."""
    return type(value) is int and 0 <= value < _LARGEST


def amount(answer: Answer, name: str) -> float | None:
    """Return a member that is a number and no less than 0, else None."""
    value = answer.get(name)
    if (type(value) is int or type(value) is float) and 0 <= value < _LARGEST:
        return float(value)
    return None


def text(answer: Answer, name: str, most: int = _LONGEST) -> str:
    """Return a member that is a text, at most so many letters of it, else ""."""
    value = answer.get(name)
    return value[:most] if type(value) is str else ""


def texts(answer: Answer, name: str) -> list[str]:
    """Return the texts of a member that is a list."""
    value = answer.get(name)
    if not isinstance(value, list):
        return []
    return [item[:_LONGEST] for item in value[:_MOST_TEXTS] if type(item) is str]


def counts_of(answer: Answer, name: str) -> Counter[str]:
    """Return a member that is an object of counts."""
    counts = part(answer, name)
    words = islice((key for key in counts if len(key) <= _LONGEST), _MOST_WORDS)
    return Counter({key: number(counts, key) for key in words})


def rows_of(answer: Answer) -> list[Answer]:
    """Return what was not delivered, newest first."""
    rows = answer.get("not_delivered")
    if not isinstance(rows, list):
        return []
    return [row for row in rows[:_MOST_ROWS] if isinstance(row, dict)]


def key_of(row: Answer) -> tuple[str, str]:
    """Return what names a request."""
    return text(row, "boot"), text(row, "request_id")


def seconds(moment: object) -> float | None:
    """Return an ISO 8601 time as seconds since 1970; None for anything else, or another age."""
    try:
        at = datetime.fromisoformat(moment).timestamp() if type(moment) is str else -1.0
    except (ValueError, OverflowError):
        return None
    return at if 0.0 <= at < _LATEST else None
