"""Which records are asked for: of what time, and with which values."""

import math
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

from hookgate.ledger.reading.reader import timestamp
from hookgate.ledger.reading.sieve import MOST_TEXTS
from hookgate.ledger.record import Record
from hookgate.networks.addresses import parse_address
from hookgate.networks.diagnosis import diagnose
from hookgate.networks.mends import Notation, network_mend
from hookgate.policy import Reason
from hookgate.times import QueryError

from .identity import NAMES

# A stored file is asked for as well, and what was replayed by what it was before.
_NAMES = (*NAMES, "kept", "replay_of")

# All that nginx's log tells of what a foreign sender asked for.
_EVENT = "POST", "application/json"
_NOT_ALLOWED = Reason.SOURCE_NOT_ALLOWED.code

Network = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Query:
    """What a record must be: of that time, and in each field that is asked for one of its values.

    `since` (inclusive) and `until` (exclusive) are seconds since 1970. A record without the field
    is not what was asked for. `routes` are paths or names of contracts, `references` any names of
    events, request_ids or SHA-256, of bodies and of stored files. `near` asks for near misses: what
    a gate called one and, of nginx, which knows none, what comes from `watch` like an event.
    """

    since: float | None = None
    until: float | None = None
    outcome: frozenset[str] = frozenset()
    reason: frozenset[str] = frozenset()
    channel: frozenset[str] = frozenset()
    event_type: frozenset[str] = frozenset()
    routes: frozenset[str] = frozenset()
    front: frozenset[str] = frozenset()
    references: frozenset[str] = frozenset()
    clients: tuple[Network, ...] = ()
    near: bool = False
    watch: tuple[Network, ...] = ()

    @cached_property
    def fields(self) -> list[tuple[str, frozenset[str]]]:
        """The fields that are asked for by value."""
        names = ("outcome", "reason", "channel", "event_type", "front")
        return [(name, wanted) for name in names if (wanted := getattr(self, name))]

    @property
    def texts(self) -> frozenset[str]:
        """Texts of which any record that is asked for has one; none where that is not known."""
        fields = (self.reason, self.event_type, self.channel, self.outcome, self.routes, self.front)
        near = frozenset((_NOT_ALLOWED,) if self.near else ())
        found = (self.references, near, *(texts for texts in fields if len(texts) <= MOST_TEXTS))
        return next(filter(None, found), frozenset())

    @property
    def is_only_of_time(self) -> bool:
        """Whether nothing but the time matters."""
        others = self.fields or self.routes or self.references or self.clients
        return not (others or self.near)

    def matches(self, record: Record) -> bool:
        """Tell whether this record is asked for, whatever its members are."""
        return (
            self._is_in_time(record)
            and all(_is_one_of(record.get(name), wanted) for name, wanted in self.fields)
            and (
                not self.references
                or any(_is_one_of(record.get(name), self.references) for name in _NAMES)
                or ("names" in record and self._has_name(record["names"]))
            )
            and (
                not self.routes
                or _is_one_of(record.get("route"), self.routes)
                or (record.get("route") is not None and _is_one_of(record.get("path"), self.routes))
            )
            and (not self.clients or _is_from(record.get("client"), self.clients))
            and (not self.near or self._is_near(record))
        )

    def _has_name(self, names: object) -> bool:
        return type(names) is list and any(_is_one_of(name, self.references) for name in names)

    def _is_in_time(self, record: Record) -> bool:
        if self.since is None and self.until is None:
            return True
        moment = timestamp(record)
        return (self.since or 0.0) <= moment < (math.inf if self.until is None else self.until)

    def _is_near(self, record: Record) -> bool:
        return bool(record.get("near")) or (
            record.get("front") == "nginx"
            and record.get("reason") == _NOT_ALLOWED
            and (record.get("method"), record.get("content_type")) == _EVENT
            and _is_from(record.get("client"), self.watch)
        )


def _is_from(client: object, networks: tuple[Network, ...]) -> bool:
    return type(client) is str and _is_in(client, networks)


@lru_cache(maxsize=1024)
def _is_in(client: str, networks: tuple[Network, ...]) -> bool:
    address = parse_address(client)
    return address is not None and any(address in network for network in networks)


def _is_one_of(value: object, wanted: frozenset[str]) -> bool:
    return type(value) is str and value in wanted


def parse_network(text: str) -> Network:
    """Parse an address or a CIDR range. Raises `QueryError`, with what to write instead."""
    with suppress(ValueError):
        network = ip_network(text)
        # A record has such an address as IPv4.
        if isinstance(network, IPv4Network) or network.network_address.ipv4_mapped is None:
            return network
    error = diagnose(text)
    mend = network_mend(error, Notation.OPTION, "write an address, or a CIDR range of them")
    raise QueryError(f'"{text}" {mend}')
