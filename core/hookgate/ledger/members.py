"""What each member of a record may be. A member that is missing or null is not known.

Older ledgers lack what was added since, and newer ones hold what is not listed here: both are
records. What is listed and is something else was written by no gate.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

from .record import CHAINED, FIELDS, RARE, SEAL, Record

# RFC 3339, in the years that every reader can count with, and print in any zone.
TIME = (
    "(?:19[7-9][0-9]|[2-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])"
    "-(?:0[1-9]|1[0-2])-[0-3][0-9]T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(?:\.[0-9]{1,6})?(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
)
_is_time = re.compile(TIME).fullmatch
# JSON's whole numbers are read with at most so many bits.
_END = 2**64


class Form(NamedTuple):
    """A type of member. `wrong` says what something else is not."""

    holds: Callable[[Any], bool]
    wrong: str


def is_time(value: Any) -> bool:
    """Tell whether this is a time as gates write it."""
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
            *("in_flight", "n", "first_n", "last_n"),
        ),
        COUNT,
    ),
    **dict.fromkeys(("duration_ms", "upstream_ms"), DURATION),
    **dict.fromkeys(("answered", "custody"), FLAG),
    **dict.fromkeys(
        ("observed", "unknown_in", "unusual", "errors", "libraries", "names", "near"), TEXTS
    ),
}

_TEXT_NAMES = frozenset(name for name, form in FORMS.items() if form is TEXT)

_DAY = (
    "(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)"
    "|(?:0[13578]|1[02])-31)"
)
# Of a text that JSON spells in one way only: printable ASCII without a quotation mark or an escape.
PLAIN = r"[ !#-\[\]-~]"
_USUAL_FORMS = {
    MOMENT: rf'"20[0-9]{{2}}-{_DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{{6}}Z"',
    TEXT: f'(?:"{PLAIN}*+"|null)',
    COUNT: "(?:[1-9][0-9]{0,17}+|0|null)",
    DURATION: r"(?:(?:[1-9][0-9]{0,14}+|0)(?:\.[0-9]++)?|null)",
    FLAG: "(?:true|false|null)",
    TEXTS: rf'\[(?:"{PLAIN}*+"(?:,"{PLAIN}*+")*+)?+\]',
}


def usual(kind: str, **forms: str) -> str:
    """Make a pattern of hookgate's lines of a kind. What is of it is JSON, and a record.

    `forms` are patterns of values, in place of what a member usually is.
    """
    members = {
        name: f',"{name}":{forms.get(name) or _USUAL_FORMS[FORMS[name]]}' for name in FIELDS[kind]
    }
    names = FIELDS[kind][1:]
    parts = []
    for is_rare, group in groupby(names, RARE.__contains__):
        some = [members[name] for name in group]
        # Most lines have none: to find that at once takes a tenth off the whole.
        after = f'(?!,"{CHAINED[0]}":)'
        parts += [f"(?:{after}{''.join(f'(?:{one})?' for one in some)})?"] if is_rare else some
    return rf'\{{"event":"{kind}"{"".join(parts)}(?:,"{SEAL}":"{PLAIN}*+")?\}}'


USUAL = f"{usual('delivery')}|{usual('forward')}"
_match_usual = re.compile(USUAL.encode()).fullmatch


def is_usual(raw: bytes) -> bool:
    """Tell by its bytes whether a line is surely a record, as most are. It takes less than half of
    the time that `fault` takes.
    """
    return _match_usual(raw) is not None


def fault(record: Record) -> str:
    """Say in words which member first is not what it may be; "" where all are."""
    return fault_among(record, filter(FORMS.__contains__, record))


def fault_among(record: Record, names: Iterable[str]) -> str:
    """Say as `fault` does what is wrong, of these members alone."""
    for name in names:
        value = record.get(name)
        if value is None or (type(value) is str and name in _TEXT_NAMES):
            continue
        if not FORMS[name].holds(value):
            return f'"{name}" is {FORMS[name].wrong}'
    return ""
