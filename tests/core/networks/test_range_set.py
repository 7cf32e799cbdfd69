"""What a set of ranges holds."""

from ipaddress import IPv4Address, IPv6Address

import netaddr
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.networks.range_set import RangeSet
from support.examples import many

V4 = st.tuples(st.integers(0, 2**32 - 1).map(IPv4Address), st.integers(1, 32))
V6 = st.tuples(st.integers(0, 2**128 - 1).map(IPv6Address), st.integers(1, 128))
NETWORKS = st.lists(V4 | V6, min_size=1, max_size=6).map(
    lambda parts: [netaddr.IPNetwork(f"{address}/{length}").cidr for address, length in parts]
)


@settings(max_examples=many(300), deadline=None)
@given(NETWORKS, st.data())
def test_membership_is_netaddrs(networks: list[netaddr.IPNetwork], data: st.DataObject) -> None:
    """A look-up says what netaddr says, on the bounds, beside them and anywhere else."""
    ranges = RangeSet(networks)
    numbers = {
        (network.version, edge + step)
        for network in networks
        for edge in (int(network.first), int(network.last))
        for step in (-1, 0, 1)
    }
    numbers |= set(data.draw(st.lists(st.tuples(st.just(4), st.integers(0, 2**32 - 1)))))
    numbers |= set(data.draw(st.lists(st.tuples(st.just(6), st.integers(0, 2**128 - 1)))))
    for version, number in numbers:
        if 0 <= number < 2 ** (32 if version == 4 else 128):
            address = IPv4Address(number) if version == 4 else IPv6Address(number)
            plain = netaddr.IPAddress(str(address))
            assert (address in ranges) is any(plain in network for network in networks)


def test_an_empty_set_holds_nothing() -> None:
    """Without networks there are no members of either family."""
    assert IPv4Address("203.0.113.5") not in RangeSet([])
    assert IPv6Address("::1") not in RangeSet([])


def test_the_families_are_apart() -> None:
    """An IPv6 network never holds an IPv4 address of the same number."""
    assert IPv4Address(5) not in RangeSet([netaddr.IPNetwork("::/8")])
    assert IPv6Address(5) not in RangeSet([netaddr.IPNetwork("0.0.0.0/8")])
