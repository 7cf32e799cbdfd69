"""Networks as a person writes them, and the range sets that ship with the package."""

import re
from typing import NamedTuple

import netaddr

from .policy import parse_address

SHORTEST_PREFIX = 8


class ShippedSet(NamedTuple):
    """Published source ranges, where they were read and when they were last reviewed."""

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

_PREFIX = re.compile(r"0|[1-9][0-9]{0,2}")


def parse_networks(text: str) -> list[netaddr.IPNetwork]:
    """The networks of one entry: a shipped set's name, a CIDR, or a single address.

    Raises ValueError, saying what is wrong and how to write it.
    """
    if text in SHIPPED:
        return [netaddr.IPNetwork(cidr) for cidr in SHIPPED[text].cidrs]
    return [_parse_cidr(text)]


def _parse_cidr(text: str) -> netaddr.IPNetwork:
    host, slash, prefix = text.partition("/")
    address = parse_address(host)
    if address is None:
        names = ", ".join(f'"{name}"' for name in SHIPPED)
        raise ValueError(f"is no network; write a CIDR like 203.0.113.0/24, or {names}")
    if ":" in host and address.version == 4:
        raise ValueError(f"is IPv4 written as IPv6; write it with {address}")
    width = 32 if address.version == 4 else 128
    if slash and _PREFIX.fullmatch(prefix) is None:
        raise ValueError(f"has no prefix length after the slash; write {host}/{width}")
    length = int(prefix) if slash else width
    if length > width:
        raise ValueError(f"has a prefix longer than /{width}")
    if length < SHORTEST_PREFIX:
        raise ValueError(
            f"admits too much of the internet; a prefix is at least /{SHORTEST_PREFIX}"
        )
    network = netaddr.IPNetwork(f"{address}/{length}")
    if network.ip != network.network:
        raise ValueError(f"has host bits set; write {network.cidr}")
    return network
