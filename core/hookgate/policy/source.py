"""Who really sent a request, and may they?

`peer` is who opened the connection, `client` is who sent the request. They differ only when the
peer is a trusted proxy: then the chosen field's lines are joined and read from the right until the
first address that is not a trusted proxy (what nginx calls `real_ip_recursive`), or, where trusted
proxies speak the PROXY protocol, the address in its header alone. Anything that cannot be parsed on
the way leaves the source unresolved; nothing is guessed. A field that is none of these lists holds
one address, on one line.
"""

from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

import netaddr

from hookgate.networks.addresses import Address, parse_address
from hookgate.networks.range_set import RangeSet

from .forwarded import ONE_ADDRESS, reader_of
from .request import Head
from .verdict import Finding, Reason

# Who connects to a Unix socket: it has no address.
UNIX_PEER = "unix"


_NOT_ALLOWED = Finding(Reason.SOURCE_NOT_ALLOWED, ("the client is in no allowed range",))


class Standing(Enum):
    """Name whom a connection is from, as known; `TRUSTED` is a proxy that has named nobody yet."""

    ALLOWED = "allowed"
    TRUSTED = "trusted proxy"
    FOREIGN = "foreign"


class Origin(NamedTuple):
    """Tell where a request came from.

    `client` is "" while unresolved. `chain` holds the verified addresses that a trusted proxy
    named: the client, then the proxies behind it, nearest last; empty from any other peer.
    `watched` says that the client may not send and is in `source.watch`.
    """

    peer: str
    client: str
    chain: tuple[str, ...]
    finding: Finding | None
    watched: bool = False


class SourcePolicy:
    """Decide on a request's origin.

    The parameters are those of `SourceSettings`, already checked: the ranges do not overlap.
    """

    def __init__(
        self,
        allow: Iterable[netaddr.IPNetwork],
        trusted_proxies: Iterable[netaddr.IPNetwork],
        header: str,
        proxy_protocol: bool = False,
        trusts_unix: bool = False,
        watch: Iterable[netaddr.IPNetwork] = (),
    ) -> None:
        self._allow = RangeSet(allow)
        self._watch = RangeSet(watch)
        self._trusted = RangeSet(trusted_proxies)
        self._header = header.encode()
        self._reader = reader_of(header)
        # Peers come back: a look-up in this cache costs a tenth of parsing the address again.
        self._direct = lru_cache(maxsize=4096)(self._judge_peer)
        self._proxied = lru_cache(maxsize=4096)(self._judge_proxied)
        self._proxy_protocol = proxy_protocol
        self._trusts_unix = trusts_unix

    def known_origin(self, peer: str, proxied_for: str | None) -> Origin | None:
        """Tell where all that comes on a connection is from; None where each head is to tell.

        `proxied_for` is as in `Head`. Text that is no address is a source that is not resolved.
        """
        direct = self._direct(peer)
        if direct is not None or proxied_for is None:
            return direct
        # Also behind one that no longer has to: it lets fields pass as they are.
        return self._proxied(peer, proxied_for)

    def standing(self, peer: str, proxied_for: str | None = None) -> Standing:
        """Tell whom a connection is known to be from; foreign is who is not known to be allowed."""
        origin = self.known_origin(peer, proxied_for)
        if origin is None:
            return Standing.TRUSTED
        return Standing.ALLOWED if origin.finding is None else Standing.FOREIGN

    def origin(self, head: Head) -> Origin:
        """Resolve the client of a request and say whether it may send."""
        known = self.known_origin(head.peer, head.proxied_for)
        if known is not None:
            return known
        if self._proxy_protocol:
            return self._proxied(head.peer, None)
        return self._through_proxies(head)

    def _judge_peer(self, peer: str) -> Origin | None:
        if peer == UNIX_PEER and self._trusts_unix:
            return None
        address = parse_address(peer)
        if address is None:
            return _unresolved(peer, "the peer has no plain address")
        if address in self._trusted:
            return None
        return self._judge_client(str(address), address, ())

    def _judge_client(self, peer: str, address: Address, chain: tuple[str, ...]) -> Origin:
        if address in self._allow:
            return Origin(peer, str(address), chain, None)
        return Origin(peer, str(address), chain, _NOT_ALLOWED, address in self._watch)

    def _judge_proxied(self, peer: str, proxied_for: str | None) -> Origin:
        peer = _plain(peer)
        address = parse_address(proxied_for or "")
        if proxied_for is None:
            return _unresolved(peer, "a trusted proxy sent no PROXY header")
        if address is None:
            return _unresolved(peer, "the PROXY header names no address")
        if address in self._trusted:
            return _unresolved(peer, "the PROXY header names a trusted proxy")
        return self._judge_client(peer, address, (str(address),))

    def _through_proxies(self, head: Head) -> Origin:
        peer = _plain(head.peer)
        lines = head.named.get(self._header)
        if lines is None:
            return _unresolved(peer, f"a trusted proxy sent no {self._header.decode()}")
        reader = self._reader
        if reader is ONE_ADDRESS and len(lines) != 1:
            return _unresolved(peer, f"{self._header.decode()} is there more than once")
        hops = reader.split(b",".join(lines).decode("latin-1"))
        if hops is None:
            return _unresolved(peer, f"{self._header.decode()} is malformed")
        chain: list[str] = []
        for hop in reversed(hops):
            address = reader.parse(hop)
            if address is None:
                return _unresolved(peer, f"{self._header.decode()} holds an entry without address")
            chain.insert(0, str(address))
            if address not in self._trusted:
                return self._judge_client(peer, address, tuple(chain))
        return _unresolved(peer, f"{self._header.decode()} names only trusted proxies")


def _plain(peer: str) -> str:
    """A trusted peer as it is recorded."""
    return peer if peer == UNIX_PEER else str(parse_address(peer))


def _unresolved(peer: str, why: str) -> Origin:
    return Origin(peer, "", (), Finding(Reason.SOURCE_UNRESOLVED, (why,)))
