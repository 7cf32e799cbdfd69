"""A network as it is written here: a CIDR or one address."""

import re

import netaddr

from .addresses import parse_address

# Bits: what is shorter admits more than 2^24 addresses.
SHORTEST_PREFIX = 8
_PREFIX = re.compile(r"0|[1-9][0-9]{0,2}")


def read_cidr(text: str) -> netaddr.IPNetwork | None:
    """Return a CIDR or an address as written here, host bits and any width allowed, or None."""
    host, slash, prefix = text.partition("/")
    address = parse_address(host)
    if address is None or (":" in host and address.version == 4):
        return None
    width = 32 if address.version == 4 else 128
    if slash and (_PREFIX.fullmatch(prefix) is None or int(prefix) > width):
        return None
    return netaddr.IPNetwork(f"{address}/{int(prefix) if slash else width}")
