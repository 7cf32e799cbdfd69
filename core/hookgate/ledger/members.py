"""What each member of a record may be. A member that is missing or null is not known.

Older ledgers lack what was added since, and newer ones hold what is not listed here: both are
records. What is listed and is something else was written by no gate.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from .record import FIELDS, SEAL, Record

# RFC 3339, in the years that every reader can count with, and print in any zone.
TIME = (
    "(?:19[7-9][0-9]|[2-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])"
    "-(?:0[1-9]|1[0-2])-[0-3][0-9]T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(?:\.[0-9]{1,6})?(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
)
_is_time = re.compile(TIME).fullmatch
# JSON's whole numbers are read with at most so many bits.
_END = 2**64
_MOST_SHAPES = 1024


class Form(NamedTuple):
    """A type of member. `wrong` says what something else is not."""

    holds: Callable[[Any], bool]
    wrong: str


def is_time(value: Any) -> bool:
    """Whether this is a time as gates write it."""
    return type(value) is str and _is_time(value) is not None and _is_day(value[:10])


@lru_cache(maxsize=1024)
def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < _END


def _is_duration(value: Any) -> bool:
    return type(value) in (float, int) and 0 <= value < _END


def _is_flag(value: Any) -> bool:
    return type(value) is bool


def _is_texts(value: Any) -> bool:
    return type(value) is list and all(type(item) is str for item in value)


MOMENT = Form(is_time, "no RFC 3339 time from 1970 to 9998")
TEXT = Form(_is_text, "no text")
COUNT = Form(_is_count, "no whole number from 0 on")
DURATION = Form(_is_duration, "no duration in milliseconds")
FLAG = Form(_is_flag, "neither true nor false")
TEXTS = Form(_is_texts, "no list of texts")

FORMS: dict[str, Form] = {
    **{name: TEXT for fields in FIELDS.values() for name in fields},
    SEAL: TEXT,
    "ts": MOMENT,
    **dict.fromkeys(
        (
            *("seq", "status", "bytes", "upstream_status", "unknown", "worker", "count"),
            *("first_seq", "last_seq", "received", "delivered", "refused", "failed", "aborted"),
            *("in_flight", "n"),
        ),
        COUNT,
    ),
    **dict.fromkeys(("duration_ms", "upstream_ms"), DURATION),
    "answered": FLAG,
    **dict.fromkeys(("observed", "unknown_in", "errors"), TEXTS),
}

_TEXT_NAMES = frozenset(name for name, form in FORMS.items() if form is TEXT)

# A gate's lines are of few shapes, names and types; of a known one only what may still be wrong is
# looked at: the numbers of a record, and its lists.
_shapes: dict[tuple[object, ...], tuple[Callable[[Record], Any], tuple[str, ...]]] = {}


def fault(record: Record) -> str:
    """The first member that is not what it may be, in words; "" where all are."""
    shape = (*record, *map(type, record.values()))
    known = _shapes.get(shape)
    if known is not None:
        numbers, lists = known
        values = numbers(record)
        if min(values) >= 0 and max(values) < _END and is_time(record["ts"]):
            for name in lists:
                if record[name] and not _is_texts(record[name]):
                    break
            else:
                return ""
    wrong = fault_among(record, FORMS)
    if not wrong and known is None and len(_shapes) < _MOST_SHAPES:
        _learn(shape, record)
    return wrong


def fault_among(record: Record, names: Iterable[str]) -> str:
    """As `fault`, of these members alone."""
    for name in names:
        value = record.get(name)
        if value is None or (type(value) is str and name in _TEXT_NAMES):
            continue
        if not FORMS[name].holds(value):
            return f'"{name}" is {FORMS[name].wrong}'
    return ""


def _learn(shape: tuple[object, ...], record: Record) -> None:
    forms = {name: FORMS.get(name) for name, value in record.items() if value is not None}
    numbers = [name for name, form in forms.items() if form in (COUNT, DURATION)]
    if "ts" in forms and numbers:
        lists = tuple(name for name, form in forms.items() if form is TEXTS)
        _shapes[shape] = itemgetter(*numbers, numbers[0]), lists
