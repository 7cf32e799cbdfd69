"""Networks as a person writes them, and the range sets that ship with the package."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import NamedTuple

import netaddr

from .cidr import SHORTEST_PREFIX, read_cidr
from .diagnosis import diagnose
from .error import NetworkError, Offer

# When the shipped sets were last compared with what is published.
REVIEWED = date(2026, 11, 22)


class ShippedSet(NamedTuple):
    """Hold source ranges, where they were read and when they were last reviewed."""

    cidrs: tuple[str, ...]
    page: str
    reviewed: str


SHIPPED = {
    "cm.com": ShippedSet(
        ("31.169.56.0/21", "85.119.48.0/21", "188.94.184.0/22"),
        "CM.com Business Messaging API, Incoming Events, Whitelisting",
        REVIEWED.isoformat(),
    ),
}
# Where CM.com's events might come from one day: hints to look, and no proof of anything.
WATCHED = {
    "cm.com-other": ShippedSet(
        ("185.162.145.0/24", "185.162.146.0/24"),
        "an undated list of what AS15447 announces beside the published ranges",
        REVIEWED.isoformat(),
    ),
}


def parse_networks(
    text: str, *, sets: Mapping[str, ShippedSet] = SHIPPED
) -> list[netaddr.IPNetwork]:
    """Return the networks of one entry: a shipped set's name, a CIDR, or a single address.

    `sets` are those that may be named. Raises `NetworkError`, with what to write instead where that
    is beyond doubt.
    """
    if text in sets:
        return [netaddr.IPNetwork(cidr) for cidr in sets[text].cidrs]
    if text in WATCHED:
        raise NetworkError(
            "is a list to watch, whose senders nothing proves to be CM.com",
            mend="name it in source.watch alone",
        )
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
