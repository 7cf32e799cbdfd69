"""Networks as a person writes them, and the range sets that ship with the package."""

import re
from contextlib import suppress
from typing import NamedTuple

import netaddr

from .cidr import SHORTEST_PREFIX, read_cidr
from .diagnosis import diagnose
from .error import NetworkError, Offer


class ShippedSet(NamedTuple):
    """Hold published source ranges, where they were read and when they were last reviewed."""

    cidrs: tuple[str, ...]
    page: str
    reviewed: str


SHIPPED = {
    "cm.com": ShippedSet(
        ("31.169.56.0/21", "85.119.48.0/21", "188.94.184.0/22"),
        "CM.com Business Messaging API, Incoming Events, Whitelisting",
        "2026-11-22",
    ),
}


def parse_networks(text: str) -> list[netaddr.IPNetwork]:
    """Return the networks of one entry: a shipped set's name, a CIDR, or a single address.

    Raises `NetworkError`, with what to write instead where that is beyond doubt.
    """
    if text in SHIPPED:
        return [netaddr.IPNetwork(cidr) for cidr in SHIPPED[text].cidrs]
    network = read_cidr(text)
    if network is None or network.ip != network.network or network.prefixlen < SHORTEST_PREFIX:
        raise _diagnose(text)
    return [network]


def _diagnose(text: str) -> NetworkError:
    error = diagnose(text)
    if not error.offers and read_cidr(text) is None:
        parts = [part for part in re.split(r"[\s,;\"'\[\]]+", text.lower()) if part]
        with suppress(NetworkError):
            if text not in parts and parts and all(map(parse_networks, parts)):
                why = "holds several" if len(parts) > 1 else "is not written as here"
                return NetworkError(why, Offer(tuple(parts)))
    return error
