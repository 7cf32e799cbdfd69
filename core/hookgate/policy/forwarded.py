"""The fields in which proxies name a client, as lists of addresses.

X-Forwarded-For and X-Real-IP hold addresses between commas, Forwarded (RFC 7239) elements with a
`for`; any other field holds one address.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from hookgate.networks.addresses import Address, parse_address

# address, address:port, [v6], [v6]:port
_HOST_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[0-9.]+)(?::(?P<port>[0-9]{1,5}))?")
# RFC 7239 6: node = nodename [ ":" node-port ]; IPv6 is always bracketed, a port may be obfuscated.
_NODE = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[0-9.]+)(?::(?:(?P<port>[0-9]{1,5})|_[0-9A-Za-z._-]+))?"
)
_LAST_PORT = 65535

# RFC 7239 4: forwarded-pair = token "=" ( token / quoted-string )
_PAIR = re.compile(
    r"[ \t]*(?P<name>[!#$%&'*+\-.^_`|~0-9A-Za-z]+)="
    r'(?:(?P<token>[!#$%&\'*+\-.^_`|~0-9A-Za-z]+)|"(?P<quoted>(?:[^"\\]|\\.)*)")[ \t]*'
)


def _parse_list_entry(text: str) -> Address | None:
    text = text.strip(" \t")
    if text.count(":") > 1 and "[" not in text:
        return parse_address(text)  # a bare IPv6 address, which has no port
    return _parse_node(text, _HOST_PORT)


def _parse_node(text: str, pattern: re.Pattern[str] = _NODE) -> Address | None:
    match = pattern.fullmatch(text)
    if match is None or int(match["port"] or 0) > _LAST_PORT:
        return None
    host = match["host"]
    if host.startswith("["):
        return parse_address(host[1:-1]) if ":" in host else None
    return parse_address(host)


def _from_list(joined: str) -> list[str] | None:
    return joined.split(",")


def _from_forwarded(joined: str) -> list[str] | None:
    """The `for` of each element (RFC 7239), "" where an element has none or repeats it."""
    hops: list[str] = []
    position = 0
    while True:
        hop: str | None = None
        while True:
            match = _PAIR.match(joined, position)
            if match is None:
                return None
            if match["name"].lower() == "for":
                text = match["token"] or re.sub(r"\\(.)", r"\1", match["quoted"] or "")
                hop = text if hop is None else ""
            position = match.end()
            if joined[position : position + 1] != ";":
                break
            position += 1
        hops.append(hop or "")
        if position == len(joined):
            return hops
        if joined[position] != ",":
            return None
        position += 1


class FieldReader(NamedTuple):
    """Read a field: `split` joined lines into entries, `parse` an entry; None what is malformed."""

    split: Callable[[str], list[str] | None]
    parse: Callable[[str], Address | None]


_READERS = {
    "x-forwarded-for": FieldReader(_from_list, _parse_list_entry),
    "x-real-ip": FieldReader(_from_list, _parse_list_entry),
    "forwarded": FieldReader(_from_forwarded, _parse_node),
}
# The fields that may name several proxies.
HEADERS = tuple(_READERS)
# Without a port: where one begins behind a bare IPv6 address cannot be told.
ONE_ADDRESS = FieldReader(lambda line: [line], parse_address)


def reader_of(header: str) -> FieldReader:
    """Return how to read a field, by its name in lower case: `ONE_ADDRESS` if not of `HEADERS`."""
    return _READERS.get(header, ONE_ADDRESS)
