"""Times as the provider writes them."""

import re
from datetime import datetime
from functools import lru_cache

_UTC_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d(?:\.\d{1,9})?(?:Z|(\+00:00))?", flags=re.ASCII
)
_TO_THE_SECOND = len("2025-09-03T08:00:05")
_LONGEST = len("2025-09-03T08:00:05.123456789+00:00")
_NO_TIME, _WITH_OFFSET, _PLAIN = range(3)


def is_utc_time(text: str) -> bool:
    """Tell a real calendar time like 2025-09-03T08:00:05; tolerates a fraction, Z and +00:00."""
    return len(text) <= _LONGEST and _form(text) > _NO_TIME


def is_utc_time_without_offset(text: str) -> bool:
    """Tell the same, but for +00:00."""
    return len(text) <= _LONGEST and _form(text) == _PLAIN


# The schema asks and then the record, and events come in bursts: a look-up takes a tenth.
@lru_cache(maxsize=1024)
def _form(text: str) -> int:
    match = _UTC_TIME.fullmatch(text)
    if match is None:
        return _NO_TIME
    try:
        datetime.fromisoformat(text[:_TO_THE_SECOND])
    except ValueError:
        return _NO_TIME
    return _PLAIN if match[1] is None else _WITH_OFFSET
