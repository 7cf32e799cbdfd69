"""The patterns for an address's bytes say what the networks say."""

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

import netaddr
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.nginx.patterns import within
from support.examples import many

V4 = st.integers(0, 2**32 - 1)
V6 = st.integers(0, 2**128 - 1)


def network(number: int, length: int, version: Literal[4, 6]) -> netaddr.IPNetwork:
    address = netaddr.IPAddress(number, version)
    return netaddr.IPNetwork(f"{address}/{length}").cidr


def matches(found: netaddr.IPNetwork, packed: bytes) -> bool:
    return re.search(within(found).encode(), packed) is not None


def near(found: netaddr.IPNetwork) -> list[int]:
    """The numbers on both sides of both ends."""
    top = 2**32 if found.version == 4 else 2**128
    ends = (found.first - 1, found.first, found.last, found.last + 1)
    return [number for number in ends if 0 <= number < top]


@settings(max_examples=many(400), deadline=None)
@given(V4, st.integers(8, 32), V4)
def test_ipv4_as_four_bytes_and_mapped(number: int, length: int, other: int) -> None:
    """Membership as netaddr sees it, for an address as it is and as IPv6 maps it."""
    found = network(number, length, 4)
    for candidate in (number, other, *near(found)):
        packed = IPv4Address(candidate).packed
        belongs = netaddr.IPAddress(candidate, 4) in found
        assert matches(found, packed) is belongs
        assert matches(found, bytes(10) + b"\xff\xff" + packed) is belongs
        assert not matches(found, bytes(12) + packed)
        assert not matches(found, packed + bytes(12))


@settings(max_examples=many(400), deadline=None)
@given(V6, st.integers(8, 128), V6)
def test_ipv6_as_sixteen_bytes(number: int, length: int, other: int) -> None:
    """Membership as netaddr sees it, and never for four bytes."""
    found = network(number, length, 6)
    for candidate in (number, other, *near(found)):
        packed = IPv6Address(candidate).packed
        assert matches(found, packed) is (netaddr.IPAddress(candidate, 6) in found)
        assert not matches(found, packed[:4])


def test_line_feeds_are_bytes_like_any_other() -> None:
    """10.10.10.10 is four of them."""
    ten = netaddr.IPNetwork("10.0.0.0/8")
    assert matches(ten, b"\n\n\n\n")
    assert not matches(ten, b"\n\n\n")
    assert not matches(netaddr.IPNetwork("10.10.10.0/24"), b"\n\n\x0b\n")
