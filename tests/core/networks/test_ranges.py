"""Networks as a person writes them."""

import datetime as dt

import netaddr
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hookgate.networks.cidr import SHORTEST_PREFIX
from hookgate.networks.error import NetworkError
from hookgate.networks.ranges import REVIEWED, SHIPPED, WATCHED, parse_networks
from support.examples import many


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
    ("text", "offered"),
    [
        ("203.0.113.0/255.255.255.0", "203.0.113.0/24"),
        ("31.169.56.0/255.255.248.0", "31.169.56.0/21"),
        ("203.0.113.0/0.0.0.255", "203.0.113.0/24"),
        ("203.0.113.5/255.255.255.255", "203.0.113.5"),
        ("203.0.113.0 255.255.255.0", "203.0.113.0/24"),
        ("203.0.113.0 0.0.0.255", "203.0.113.0/24"),
        ("203.0.113.0 / 255.255.255.0", "203.0.113.0/24"),
        ("2001:db8::/ffff:ffff::", "2001:db8::/32"),
        ("203.0.113.0-203.0.113.255", "203.0.113.0/24"),
        ("203.0.113.0 - 203.0.113.255", "203.0.113.0/24"),
        ("203.0.113.4-203.0.113.8", "203.0.113.4/30 203.0.113.8"),
        ("203.0.113.4-8", "203.0.113.4/30 203.0.113.8"),
        ("2001:db8::-2001:db8::ff", "2001:db8::/120"),
        ("203.0.113.*", "203.0.113.0/24"),
        ("203.0.*.*", "203.0.0.0/16"),
        ("203.0.*", "203.0.0.0/16"),
        ("203.0.113/24", "203.0.113.0/24"),
        ("10/8", "10.0.0.0/8"),
        ("203.0.113.0/024", "203.0.113.0/24"),
        ("203.0.113.0/+24", "203.0.113.0/24"),
        ("203.0.113.0/ 24", "203.0.113.0/24"),
        ("2001:db8::/032", "2001:db8::/32"),
        (" 203.0.113.0/24", "203.0.113.0/24"),
        ("203.0.113.0 /24", "203.0.113.0/24"),
        ("203.0.113.5\t", "203.0.113.5"),
        ("'203.0.113.0/24'", "203.0.113.0/24"),
        ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("::ffff:cb00:7105/128", "203.0.113.5"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::]/32", "2001:db8::/32"),
        ("203.0.113.5:80", "203.0.113.5"),
        ("[2001:db8::1]:80", "2001:db8::1"),
        ("203.0.113.0/24, 198.51.100.7", "203.0.113.0/24 198.51.100.7"),
        ("203.0.113.0/24;198.51.100.7", "203.0.113.0/24 198.51.100.7"),
        ("203.0.113.0/24 cm.com", "203.0.113.0/24 cm.com"),
        ('["cm.com", "203.0.113.0/24"]', "cm.com 203.0.113.0/24"),
        ("CM.com", "cm.com"),
        (" cm.com", "cm.com"),
    ],
)
def test_what_is_written_as_elsewhere_is_refused_with_the_same_addresses(
    text: str, offered: str
) -> None:
    """Masks, wildcards, ranges, short forms, ports, brackets, lists: no more and no less."""
    with pytest.raises(NetworkError) as caught:
        parse_networks(text)
    [offer] = caught.value.offers
    assert offer.entries == tuple(offered.split())
    assert all(parse_networks(entry) for entry in offer.entries)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0.0.0.0/0", "/8 or longer"),
        ("::/0", "/8 or longer"),
        ("0.0.0.0/7", "/8 or longer"),
        ("128.0.0.0/1", "/8 or longer"),
        ("2000::/3", "/8 or longer"),
        ("1.2.3.4/0", "/8 or longer"),
        ("0.0.0.0/128.0.0.0", "/8 or longer"),
        ("0.0.0.0-255.255.255.255", "/8 or longer"),
        ("::ffff:0:0/96", "/8 or longer"),
        ("203.0.113.5/0.0.0.0", "no prefix length"),
        ("0.0.0.0/255.255.255.255", "no prefix length"),
        ("203.0.113.0/255.0.255.0", "no prefix length"),
        ("203.0.113.0/0xffffff00", "no prefix length"),
        ("203.0.113.0/33", "longer than /32"),
        ("2001:db8::/129", "longer than /128"),
        ("203.0.113.0/", "leave out the slash for the one address"),
        ("203.0.113.0/-1", "no prefix length"),
        ("203.0.113.0/2\u0664", "no prefix length"),
        ("203.0.113.0/24/24", "no prefix length"),
        ("::ffff:0.0.0.0/90", "IPv4 written as IPv6"),
        ("", "empty; leave it out"),
        (" ", "empty; leave it out"),
        ("/24", "no network"),
        ("203.0.113", "no network"),
        ("10/16", "no network"),
        ("203.*.113.*", "no network"),
        ("203.0.113.*.*", "no network"),
        ("203.0.113.9-203.0.113.5", "no network"),
        ("203.0.113.9-5", "no network"),
        ("203.0.113.5-2001:db8::1", "no network"),
        ("203.0.113.05", "octal; write it without"),
        ("203.0.113.010/32", "octal; write it without"),
        ("0xcb.0.113.5", "no network"),
        ("3405803781", "no network"),
        ("203.0.113.256", "no network"),
        ("fe80::1%eth0", "zone"),
        ("fe80::%eth0/64", "zone"),
        ("gate.example", "no network"),
        ("cm.com/24", "no network"),
        ("cm.com, nowhere", "no network"),
        ("*", "everybody"),
        ("all", "everybody"),
        ("\u0662\u0660\u0663.0.113.5", "no network"),
    ],
)
def test_what_means_nothing_or_too_much_is_refused_without_an_offer(text: str, words: str) -> None:
    """Wide ranges, broken masks, octal, scope ids, names of nothing: nobody guesses."""
    with pytest.raises(NetworkError) as caught:
        parse_networks(text)
    assert words in str(caught.value)
    assert caught.value.offers == ()


@pytest.mark.parametrize(
    ("text", "network", "address"),
    [
        ("203.0.113.5/24", "203.0.113.0/24", "203.0.113.5"),
        ("203.0.113.255/25", "203.0.113.128/25", "203.0.113.255"),
        ("2001:db8::1/64", "2001:db8::/64", "2001:db8::1"),
        ("203.0.113.5/255.255.255.0", "203.0.113.0/24", "203.0.113.5"),
        ("203.0.113.5/024", "203.0.113.0/24", "203.0.113.5"),
        ("::ffff:203.0.113.5/120", "203.0.113.0/24", "203.0.113.5"),
        ("203.0.113/16", "203.0.0.0/16", "203.0.113.0"),
    ],
)
def test_host_bits_may_mean_the_network_or_the_address(
    text: str, network: str, address: str
) -> None:
    """Both are offered, and it is said which is which."""
    with pytest.raises(NetworkError, match="host bits") as caught:
        parse_networks(text)
    assert [offer.entries for offer in caught.value.offers] == [(network,), (address,)]
    assert [offer.means for offer in caught.value.offers] == [
        "for the network",
        "for the one address",
    ]


ADDRESSES = st.one_of(
    st.tuples(st.integers(0, 2**32 - 1).map(lambda n: netaddr.IPAddress(n, 4)), st.integers(0, 32)),
    st.tuples(
        st.integers(0, 2**128 - 1).map(lambda n: netaddr.IPAddress(n, 6)), st.integers(0, 128)
    ),
)


@settings(max_examples=many(300), deadline=None)
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
    with pytest.raises(NetworkError) as caught:
        parse_networks(f"{address}/{length}")
    if length >= SHORTEST_PREFIX:
        found = [parse_networks(offer.entries[0]) for offer in caught.value.offers]
        assert found == [[network.cidr], [netaddr.IPNetwork(address)]]


@settings(max_examples=many(200), deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(SHORTEST_PREFIX, 31), st.booleans())
def test_a_mask_of_either_kind_is_offered_as_the_prefix_that_it_is(
    number: int, length: int, inverted: bool
) -> None:
    """As the library reads masks, which hookgate does not."""
    network = netaddr.IPNetwork((number, length), version=4).cidr
    mask = network.hostmask if inverted else network.netmask
    with pytest.raises(NetworkError) as caught:
        parse_networks(f"{network.network}/{mask}")
    [offer] = caught.value.offers
    assert parse_networks(*offer.entries) == [network]


@settings(max_examples=many(200), deadline=None)
@given(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**24 - 1)))
def test_a_range_is_offered_as_exactly_its_addresses(parts: tuple[int, int]) -> None:
    """Both ends included, nothing beside them."""
    low = parts[0]
    high = min(low + parts[1], 2**32 - 1)
    with pytest.raises(NetworkError) as caught:
        parse_networks(f"{netaddr.IPAddress(low, 4)}-{netaddr.IPAddress(high, 4)}")
    [offer] = caught.value.offers
    found = [parse_networks(entry)[0] for entry in offer.entries]
    assert netaddr.IPSet(found) == netaddr.IPSet(netaddr.IPRange(low, high))


def test_what_is_watched_is_never_allowed() -> None:
    """Its name is refused where senders are admitted, and its ranges are beside those."""
    for name, ranges in WATCHED.items():
        with pytest.raises(NetworkError) as caught:
            parse_networks(name)
        assert caught.value.mend == "name it in source.watch alone"
        assert [str(n) for n in parse_networks(name, sets=WATCHED)] == list(ranges.cidrs)
        watched = netaddr.IPSet(ranges.cidrs)
        assert watched.isdisjoint(netaddr.IPSet(SHIPPED["cm.com"].cidrs))


def test_the_review_has_a_date() -> None:
    """Whoever is told that a review is old goes by it."""
    assert {shipped.reviewed for shipped in (*SHIPPED.values(), *WATCHED.values())} == {
        REVIEWED.isoformat()
    }
