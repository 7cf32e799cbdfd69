"""Allowed ranges beside those that a network announces."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

import netaddr

Networks = Iterable[netaddr.IPNetwork]


class Standing(StrEnum):
    """Say how much of an allowed range is announced."""

    EXACTLY = "exactly"
    WITHIN = "within"
    WHOLE = "whole"
    PART = "part"
    NONE = "none"
    OWN = "own"

    @property
    def agrees(self) -> bool:
        """Whether nobody has to look."""
        return self not in (Standing.PART, Standing.NONE)


class Allowed(NamedTuple):
    """An allowed range, and the announced prefixes that it has addresses of."""

    network: netaddr.IPNetwork
    standing: Standing
    prefixes: tuple[netaddr.IPNetwork, ...]


class Beside(NamedTuple):
    """An announced prefix that is not all allowed, the rest of it, and whether that is watched."""

    network: netaddr.IPNetwork
    rest: tuple[netaddr.IPNetwork, ...]
    is_watched: bool


class Comparison(NamedTuple):
    """What agrees and what does not."""

    allowed: list[Allowed]
    beside: list[Beside]

    @property
    def agrees(self) -> bool:
        """Whether nobody has to look."""
        return all(found.standing.agrees for found in self.allowed) and all(
            found.is_watched for found in self.beside
        )


def compare(allow: Networks, shipped: Networks, watch: Networks, announced: Networks) -> Comparison:
    """Compare what is allowed with what is announced.

    Of what is allowed and not `shipped` nothing is expected: it may be anybody's.
    """
    announced, expected = list(announced), netaddr.IPSet(shipped)
    allowed, watched = netaddr.IPSet(allow), netaddr.IPSet(watch)
    everything = netaddr.IPSet(announced)
    found = [
        _look_at(network, announced, everything, is_expected=netaddr.IPSet([network]) <= expected)
        for network in dict.fromkeys(allow)
    ]
    beside = []
    for network in dict.fromkeys(announced):
        rest = netaddr.IPSet([network]) - allowed
        if rest:
            beside.append(Beside(network, tuple(rest.iter_cidrs()), rest <= watched))
    return Comparison(found, beside)


def _look_at(
    network: netaddr.IPNetwork,
    announced: list[netaddr.IPNetwork],
    everything: netaddr.IPSet,
    *,
    is_expected: bool,
) -> Allowed:
    whole = netaddr.IPSet([network])
    prefixes = tuple(p for p in announced if p in network or network in p)
    if network in announced:
        return Allowed(network, Standing.EXACTLY, (network,))
    if any(network in prefix for prefix in prefixes):
        return Allowed(network, Standing.WITHIN, prefixes)
    if whole <= everything:
        return Allowed(network, Standing.WHOLE, prefixes)
    if prefixes:
        return Allowed(network, Standing.PART, prefixes)
    return Allowed(network, Standing.NONE if is_expected else Standing.OWN, ())
