"""Networks as they are written elsewhere: masks, ranges, wildcards, short forms."""

import re
from typing import NamedTuple

import netaddr

from .addresses import parse_address
from .cidr import read_cidr

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,2}")
_LOOSE_PREFIX = re.compile(r"\+?0*([0-9]{1,3})", re.ASCII)
_OCTETS = re.compile(r"(?:(?:0|[1-9][0-9]{0,2})\.){0,3}(?:0|[1-9][0-9]{0,2})", re.ASCII)
_WILDCARD = re.compile(r"((?:(?:0|[1-9][0-9]{0,2})\.){1,3})\*(?:\.\*){0,2}", re.ASCII)
_WITH_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9.]+):[0-9]{1,5}", re.ASCII)
_MAPPED = netaddr.IPNetwork("::ffff:0:0/96")


class Reading(NamedTuple):
    """Tell what is odd about a text, and the networks that it means; one may have host bits set."""

    why: str
    networks: list[netaddr.IPNetwork]


def read_spelling(text: str) -> Reading | None:
    """Read a network in a spelling of other programs; None where its meaning is in doubt."""
    bare = re.sub(r"\s*([-/])\s*", r"\1", text.strip(" \t\r\n\v\f\"'"))
    for read in (_read_plain, _read_mask, _read_range, _read_short, _read_mapped, _read_bare):
        reading = read(bare)
        if reading is not None:
            return reading
    return None


def _read_plain(text: str) -> Reading | None:
    network = read_cidr(text)
    return network and Reading("has white space or quotes in it", [network])


def _read_mask(text: str) -> Reading | None:
    """An address with a netmask or, as routers write it, its complement; also behind a space."""
    host, separator, mask = re.sub(r"\s+", "/", text).partition("/")
    address, bits = parse_address(host), parse_address(mask)
    if not separator or address is None or bits is None or address.version != bits.version:
        return None
    if ":" in host and address.version == 4:
        return None
    full = (1 << bits.max_prefixlen) - 1
    number = int(bits)
    if number in (0, full) and not (number and int(address)):
        return None  # by one way to read it one address, by the other all
    for inverted in (full ^ number, number):
        if not inverted & (inverted + 1):
            length = bits.max_prefixlen - inverted.bit_length()
            why = "has a mask where the length of a prefix belongs"
            return Reading(why, [netaddr.IPNetwork(f"{address}/{length}")])
    return None


def _read_range(text: str) -> Reading | None:
    first, dash, last = text.partition("-")
    low = parse_address(first)
    if low is not None and low.version == 4 and _DECIMAL.fullmatch(last):
        last = f"{first.rpartition('.')[0]}.{last}"
    high = parse_address(last)
    if (
        not dash
        or low is None
        or high is None
        or low.version != high.version
        or int(low) > int(high)
    ):
        return None
    if ":" in first and low.version == 4:
        return None
    return Reading("is a range", netaddr.iprange_to_cidrs(str(low), str(high)))


def _read_short(text: str) -> Reading | None:
    """`10/8`, `203.0.113/24`, `203.0.113.*`; a prefix with a plus or zeros before it."""
    wildcard = _WILDCARD.fullmatch(text)
    host, _, prefix = text.partition("/")
    if wildcard is not None:
        octets = wildcard[1].count(".")
        if octets + text.count("*") > 4:
            return None
        host, length = wildcard[1].rstrip("."), 8 * octets
    else:
        match = _LOOSE_PREFIX.fullmatch(prefix)
        if match is None:
            return None
        length = int(match[1])
        if ":" in host:
            network = read_cidr(f"{host}/{length}")
            return network and Reading("has a prefix that is no plain number", [network])
        octets = host.count(".") + 1
        if not _OCTETS.fullmatch(host) or length > 8 * octets:
            return None
    network = read_cidr(f"{host}{'.0' * (4 - octets)}/{length}")
    why = "is written short" if octets < 4 else "has a prefix that is no plain number"
    return network and Reading(why, [network])


def _read_mapped(text: str) -> Reading | None:
    try:
        network = netaddr.IPNetwork(text) if "%" not in text else None
    except (netaddr.AddrFormatError, ValueError):
        return None
    if network is None or network.version != 6 or network not in _MAPPED:
        return None
    plain = netaddr.IPNetwork(f"{parse_address(str(network.ip))}/{network.prefixlen - 96}")
    return Reading("is IPv4 written as IPv6", [plain])


def _read_bare(text: str) -> Reading | None:
    """Brackets as in a URL or a list, and a port."""
    port = _WITH_PORT.fullmatch(text)
    inner = (port[1] if port else text).translate({ord(mark): None for mark in "[]\"'"})
    network = read_cidr(inner) if inner != text else None
    why = "has a port, which is another for each connection" if port else "has brackets around it"
    return network and Reading(why, [network])
