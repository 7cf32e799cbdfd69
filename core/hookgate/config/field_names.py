"""Names of fields that vary, as a person writes them."""

import re
from typing import Any

from hookgate.policy import is_read

from .parsers import strings

# RFC 9110 5.6.2
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
# They are parts of one expression.
_MOST = 32


def field_names(value: Any) -> tuple[str, ...]:
    """Take names of fields that nothing goes by; returns them in lower case, each once."""
    names = strings(value)
    if len(names) > _MOST:
        raise ValueError(f"holds more than {_MOST} names; leave out those that seldom differ")
    for name in names:
        if not _TOKEN.fullmatch(name):
            raise ValueError('may hold names of fields alone; write them like "x-my-request-id"')
        if is_read(name.lower()):
            raise ValueError(f'may not hold "{name}", which hookgate reads itself; leave it out')
    return tuple(dict.fromkeys(name.lower() for name in names))
