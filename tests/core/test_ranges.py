"""Networks as a person writes them."""

import datetime as dt

import netaddr
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hookgate.ranges import SHIPPED, SHORTEST_PREFIX, parse_networks


def test_the_providers_ranges_ship() -> None:
    """By name, all three, with the page they were read from and the day."""
    assert [str(network) for network in parse_networks("cm.com")] == [
        "31.169.56.0/21",
        "85.119.48.0/21",
        "188.94.184.0/22",
    ]
    assert SHIPPED["cm.com"].page
    assert dt.date.fromisoformat(SHIPPED["cm.com"].reviewed)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_range_is_one_that_could_be_written(name: str) -> None:
    """No host bits, no shorthand, no range that is too wide."""
    for cidr in SHIPPED[name].cidrs:
        assert [str(network) for network in parse_networks(cidr)] == [cidr]


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("203.0.113.0/24", "203.0.113.0/24"),
        ("203.0.113.5", "203.0.113.5/32"),
        ("203.0.113.5/32", "203.0.113.5/32"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("2001:DB8:0:0::/64", "2001:db8::/64"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("2000::/8", "2000::/8"),
        ("::1", "::1/128"),
    ],
)
def test_a_cidr_or_an_address_is_a_network(text: str, network: str) -> None:
    """A single address is /32, or /128 in IPv6."""
    assert [str(parsed) for parsed in parse_networks(text)] == [network]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0.0.0.0/0", "/8"),
        ("::/0", "/8"),
        ("0.0.0.0/7", "/8"),
        ("128.0.0.0/1", "/8"),
        ("2000::/3", "/8"),
        ("203.0.113.5/24", "write 203.0.113.0/24"),
        ("203.0.113.255/25", "write 203.0.113.128/25"),
        ("2001:db8::1/64", "write 2001:db8::/64"),
        ("203.0.113.0/33", "/32"),
        ("2001:db8::/129", "/128"),
        ("203.0.113.0/", "write 203.0.113.0/32"),
        ("203.0.113.0/024", "prefix length"),
        ("203.0.113.0/+24", "prefix length"),
        ("203.0.113.0/-1", "prefix length"),
        ("203.0.113.0/ 24", "prefix length"),
        ("203.0.113.0/2\u0664", "prefix length"),
        ("203.0.113.0/24/24", "prefix length"),
        ("203.0.113.0/255.255.255.0", "prefix length"),
        ("203.0.113.0/0.0.0.255", "prefix length"),
        ("::ffff:203.0.113.0/120", "write it with 203.0.113.0"),
        ("::ffff:203.0.113.5", "write it with 203.0.113.5"),
        ("::ffff:cb00:7105", "write it with 203.0.113.5"),
        ("", "CIDR"),
        ("/24", "CIDR"),
        (" 203.0.113.0/24", "CIDR"),
        ("203.0.113.0 /24", "CIDR"),
        ("203.0.113", "CIDR"),
        ("203.0.113/24", "CIDR"),
        ("10/8", "CIDR"),
        ("203.0.113.05", "CIDR"),
        ("0xcb.0.113.5", "CIDR"),
        ("3405803781", "CIDR"),
        ("203.0.113.0-203.0.113.255", "CIDR"),
        ("203.0.113.*", "CIDR"),
        ("203.0.113.256", "CIDR"),
        ("[2001:db8::1]", "CIDR"),
        ("fe80::1%eth0", "CIDR"),
        ("fe80::%eth0/64", "CIDR"),
        ("203.0.113.5:80", "CIDR"),
        ("gate.example", "CIDR"),
        ("CM.com", '"cm.com"'),
        ("cm.com/24", '"cm.com"'),
        ("all", "CIDR"),
        ("\u0662\u0660\u0663.0.113.5", "CIDR"),
    ],
)
def test_anything_else_is_refused_with_the_mend(text: str, words: str) -> None:
    """Host bits, wide ranges, masks, shorthand, octal, scope ids and names of nothing."""
    with pytest.raises(ValueError) as caught:
        parse_networks(text)
    assert words in str(caught.value)


ADDRESSES = st.one_of(
    st.tuples(st.integers(0, 2**32 - 1).map(lambda n: netaddr.IPAddress(n, 4)), st.integers(0, 32)),
    st.tuples(
        st.integers(0, 2**128 - 1).map(lambda n: netaddr.IPAddress(n, 6)), st.integers(0, 128)
    ),
)


@settings(max_examples=300, deadline=None)
@given(ADDRESSES)
def test_only_a_networks_own_address_may_be_written(
    parts: tuple[netaddr.IPAddress, int],
) -> None:
    """Any address and prefix is either the network it says or refused with the right one."""
    address, length = parts
    assume(not (address.version == 6 and address.is_ipv4_mapped()))
    network = netaddr.IPNetwork(f"{address}/{length}")
    if length >= SHORTEST_PREFIX and network.ip == network.network:
        assert parse_networks(f"{address}/{length}") == [network]
        return
    with pytest.raises(ValueError) as caught:
        parse_networks(f"{address}/{length}")
    if length >= SHORTEST_PREFIX:
        assert parse_networks(str(caught.value).rsplit(" ", 1)[1]) == [network.cidr]
