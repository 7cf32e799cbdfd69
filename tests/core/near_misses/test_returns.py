"""Who came back after about five minutes."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate.near_misses.returns import ENTRIES, Returns, network_of
from hookgate.networks.addresses import parse_address

NETWORK = "203.0.113"


@pytest.mark.parametrize(
    ("after", "comes_back"),
    [
        *((minutes * 60.0, False) for minutes in (0, 1, 2, 3, 7, 8, 12, 13, 17, 60, 8 * 24 * 60)),
        *((minutes * 60.0, True) for minutes in (5, 10, 15)),
        *((300.0 + more, True) for more in (-30, -1, 1, 30)),
    ],
)
@pytest.mark.parametrize("start", [0.0, 14.0, 29.9, 5e8])
def test_it_comes_back_after_about_five_minutes_or_a_multiple(
    start: float, after: float, comes_back: bool
) -> None:
    returns = Returns()
    assert not returns.note(NETWORK, start)
    assert returns.note(NETWORK, start + after) is comes_back


def test_it_comes_back_whatever_it_did_meanwhile() -> None:
    returns = Returns()
    came = [returns.note(NETWORK, 10.0 * number) for number in range(31)]
    assert (any(came[:24]), came[-1]) == (False, True)


def test_a_flood_takes_no_memory_and_drives_nobody_out() -> None:
    returns = Returns()
    assert not returns.note(NETWORK, 0.0)
    for number in range(4 * ENTRIES):
        returns.note(f"flood {number}", 100.0)
    assert returns.note(NETWORK, 300.0)
    assert len(returns._entries) == ENTRIES


def test_few_share_an_entry() -> None:
    returns, draw = Returns(), Random(1)
    networks = {
        f"{draw.randrange(256)}.{draw.randrange(256)}.{draw.randrange(256)}" for _ in "x" * 200
    }
    for network in networks:
        returns.note(network, 0.0)
    others = [returns.note(f"other {number}", 300.0) for number in range(200)]
    assert sum(others) < 40


@given(st.ip_addresses())
def test_a_network_is_a_slash_24_or_a_slash_48(address: object) -> None:
    text = str(parse_address(str(address)) or "::1")
    groups = 3
    if ":" in text:
        exploded = parse_address(text)
        assert exploded is not None
        first = exploded.exploded.split(":")[:groups]
        assert network_of(text).split(":") == [group.lstrip("0") or "0" for group in first]
    else:
        assert network_of(text) == ".".join(text.split(".")[:groups])
