"""The name of the field that names the client, as a person writes it."""

import re
from typing import Any

from hookgate.policy import HEADERS

# A token (RFC 9110 5.6.2) that every proxy passes on: nginx drops names with other signs.
_NAME = re.compile(r"[a-z][a-z0-9-]*[a-z0-9]")
# What a request says of itself, of its body, of its connection or of other things than the client.
_OTHERS = re.compile(
    r"accept.*|authorization|cache-control|connection|content-.*|cookie|date|expect|from|host"
    r"|http2-settings|if-.*|keep-alive|max-forwards|origin|pragma|proxy-.*|range|referer|sec-.*|te"
    r"|trailer|transfer-encoding|upgrade|user-agent|via|x-forwarded-.*|x-request-id"
)
# address:port, an IPv6 address without brackets: where it ends nobody can tell.
_WITH_PORT = ("cloudfront-viewer-address",)


def client_field(value: Any) -> str:
    """Return a field's name in lower case. Raises ValueError, with words that follow its value.

    One of `HEADERS`, which may name several proxies too, or any that holds a single address.
    """
    name = value.lower() if isinstance(value, str) else ""
    if name in HEADERS:
        return name
    if name in _WITH_PORT:
        raise ValueError('holds a port behind the address; write "x-forwarded-for"')
    if not _NAME.fullmatch(name) or _OTHERS.fullmatch(name):
        raise ValueError(
            f"is no field that names a client; write {', '.join(HEADERS)}, or the name of one that "
            'holds a single address, like "cf-connecting-ip"'
        )
    return name
