"""Why an entry is no network here, and how to write the same addresses."""

import re

import netaddr

from .addresses import parse_address
from .cidr import SHORTEST_PREFIX, read_cidr
from .error import NetworkError, Offer
from .spellings import Reading, read_spelling

_LEADING_ZERO = re.compile(r"(?:[0-9]+\.){0,3}0[0-9]+(?:\.[0-9]+){0,3}(?:/.*)?", re.ASCII)


def diagnose(text: str) -> NetworkError:
    """Say what is wrong with an entry, and what to write instead where that is beyond doubt."""
    network = read_cidr(text)
    reading = Reading("", [network]) if network is not None else read_spelling(text)
    if reading is None:
        return _unreadable(text)
    why, networks = reading
    if any(network.prefixlen < SHORTEST_PREFIX for network in networks):
        return NetworkError(
            "admits too much of the internet",
            mend=f"name the networks that are meant, each of them /{SHORTEST_PREFIX} or longer",
        )
    if len(networks) == 1 and networks[0].ip != networks[0].network:
        return NetworkError(
            "has host bits set",
            Offer((str(networks[0].cidr),), "for the network"),
            Offer((str(networks[0].ip),), "for the one address"),
        )
    return NetworkError(why, Offer(tuple(_shortest(network) for network in networks)))


def _shortest(network: netaddr.IPNetwork) -> str:
    return str(network.ip) if network.size == 1 else str(network)


def _unreadable(text: str) -> NetworkError:
    bare = text.strip()
    host, slash, prefix = bare.partition("/")
    if not bare:
        return NetworkError("is empty", mend="leave it out")
    if bare.lower() in ("*", "all", "any"):
        return NetworkError("would be everybody")
    if "%" in host:
        return NetworkError(
            "has a zone, without which addresses are seen here", mend="use one that needs none"
        )
    if _LEADING_ZERO.fullmatch(bare):
        return NetworkError(
            "has a number that begins with 0, which some read as octal", mend="write it without"
        )
    address = parse_address(host)
    if address is None or not slash:
        return NetworkError("is no network")
    if ":" in host and address.version == 4:
        return NetworkError("is IPv4 written as IPv6")
    if not prefix:
        return NetworkError(
            "has no prefix length after the slash",
            mend="write the length, or leave out the slash for the one address",
        )
    if prefix.isascii() and prefix.isdigit():
        return NetworkError(f"has a prefix longer than /{address.max_prefixlen}")
    return NetworkError("has no prefix length after the slash")
