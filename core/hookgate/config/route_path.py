"""A route's path as a person writes it: the bytes of a target before `?`, and no pattern."""

import json
import re
from typing import Any
from urllib.parse import quote, urlsplit

# What other servers' routes are written with: globs, {id}, <id>, :id, regular expressions. Of these
# only * : $ ( + may stand in a path (RFC 3986 3.3), and then in other places.
_PATTERN = re.compile(r"[*{}\[\]<>^|\\]|/:(?=[A-Za-z_])|\$\Z|\.\+|\(\?")
# RFC 3986 3.3: pchar and "/"; a stray percent sign is taken, as senders may send it.
_PATH_CHARACTERS = "/%:@!$&'()*+,;=~"
_PATH = re.compile(r"/[A-Za-z0-9._\-" + re.escape(_PATH_CHARACTERS) + "]*")


def parse_route_path(value: Any) -> str:
    """Return the path. Raises ValueError, with words that follow its value."""
    if not isinstance(value, str) or not value:
        raise ValueError('is no path; write it as it is sent, like "/cm/events"')
    if value != value.strip():
        raise ValueError(f"is no path: white space is around it; write {_shown(value.strip())}")
    if re.match(r"https?://", value, re.IGNORECASE):
        path = urlsplit(value).path or "/"
        raise ValueError(f"is no path but a URL; write what stands behind the host, {_shown(path)}")
    if found := _PATTERN.search(value):
        raise ValueError(
            f"is no exact path: {_shown(found[0])} stands for itself here, and not for what a "
            "sender may write in its place; write a [[route]] for each path, letter by letter, or "
            "none at all to take every path"
        )
    if "?" in value or "#" in value:
        raise ValueError(
            "is no path alone: a query and a fragment play no part; "
            f"write {_shown(re.split('[?#]', value)[0] or '/')}"
        )
    if not value.startswith("/"):
        raise ValueError(f"is no path: it does not begin with a slash; write {_shown('/' + value)}")
    if not _PATH.fullmatch(value):
        sent = quote(value, safe=_PATH_CHARACTERS)
        raise ValueError(f"is no path as it is sent; write {_shown(sent)}")
    return value


def _shown(text: str) -> str:
    return json.dumps(text)
