"""Who really sent a request, and may they?

`peer` is who opened the connection, `client` is who sent the request. They differ only when the
peer is a trusted proxy: then the chosen field's lines are joined and read from the right until the
first address that is not a trusted proxy (what nginx calls `real_ip_recursive`), or, where trusted
proxies speak the PROXY protocol, the address in its header alone. Anything that cannot be parsed on
the way leaves the source unresolved; nothing is guessed. A field that is none of these lists holds
one address, on one line.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

import netaddr

from hookgate.networks.addresses import Address, parse_address

from .request import Head
from .verdict import Finding, Reason

# address, address:port, [v6], [v6]:port
_HOST_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[0-9.]+)(?::(?P<port>[0-9]{1,5}))?")
# RFC 7239 6: node = nodename [ ":" node-port ]; IPv6 is always bracketed, a port may be obfuscated.
_NODE = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[0-9.]+)(?::(?:(?P<port>[0-9]{1,5})|_[0-9A-Za-z._-]+))?"
)
_LAST_PORT = 65535

# RFC 7239 4: forwarded-pair = token "=" ( token / quoted-string )
_PAIR = re.compile(
    r"[ \t]*(?P<name>[!#$%&'*+\-.^_`|~0-9A-Za-z]+)="
    r'(?:(?P<token>[!#$%&\'*+\-.^_`|~0-9A-Za-z]+)|"(?P<quoted>(?:[^"\\]|\\.)*)")[ \t]*'
)


# Who connects to a Unix socket: it has no address.
UNIX_PEER = "unix"


class Standing(Enum):
    """Whom a connection is known to be from; `TRUSTED` is a proxy that has named nobody yet."""

    ALLOWED = "allowed"
    TRUSTED = "trusted proxy"
    FOREIGN = "foreign"


class Origin(NamedTuple):
    """Where a request came from.

    `client` is "" while unresolved. `chain` holds the verified addresses that a trusted proxy
    named: the client, then the proxies behind it, nearest last; empty from any other peer.
    """

    peer: str
    client: str
    chain: tuple[str, ...]
    finding: Finding | None


def _parse_list_entry(text: str) -> Address | None:
    text = text.strip(" \t")
    if text.count(":") > 1 and "[" not in text:
        return parse_address(text)  # a bare IPv6 address, which has no port
    return _parse_node(text, _HOST_PORT)


def _parse_node(text: str, pattern: re.Pattern[str] = _NODE) -> Address | None:
    match = pattern.fullmatch(text)
    if match is None or int(match["port"] or 0) > _LAST_PORT:
        return None
    host = match["host"]
    if host.startswith("["):
        return parse_address(host[1:-1]) if ":" in host else None
    return parse_address(host)


def _from_list(joined: str) -> list[str] | None:
    return joined.split(",")


def _from_forwarded(joined: str) -> list[str] | None:
    """The `for` of each element (RFC 7239), "" where an element has none or repeats it."""
    hops: list[str] = []
    position = 0
    while True:
        hop: str | None = None
        while True:
            match = _PAIR.match(joined, position)
            if match is None:
                return None
            if match["name"].lower() == "for":
                text = match["token"] or re.sub(r"\\(.)", r"\1", match["quoted"] or "")
                hop = text if hop is None else ""
            position = match.end()
            if joined[position : position + 1] != ";":
                break
            position += 1
        hops.append(hop or "")
        if position == len(joined):
            return hops
        if joined[position] != ",":
            return None
        position += 1


class _Reader(NamedTuple):
    """How a field's joined lines become entries, and an entry an address."""

    split: Callable[[str], list[str] | None]
    parse: Callable[[str], Address | None]


_READERS = {
    "x-forwarded-for": _Reader(_from_list, _parse_list_entry),
    "x-real-ip": _Reader(_from_list, _parse_list_entry),
    "forwarded": _Reader(_from_forwarded, _parse_node),
}
HEADERS = tuple(_READERS)
# Without a port: where one begins behind a bare IPv6 address cannot be told.
_ONE_ADDRESS = _Reader(lambda line: [line], parse_address)


class RangeSet:
    """Membership in a set of networks, compiled to sorted integer bounds (0.3 us a look-up)."""

    def __init__(self, networks: Iterable[netaddr.IPNetwork]) -> None:
        self._bounds: dict[int, tuple[list[int], list[int]]] = {4: ([], []), 6: ([], [])}
        for network in netaddr.cidr_merge(list(networks)):
            firsts, lasts = self._bounds[network.version]
            firsts.append(int(network.first))
            lasts.append(int(network.last))

    def __contains__(self, address: Address) -> bool:
        firsts, lasts = self._bounds[address.version]
        number = int(address)
        place = bisect_right(firsts, number) - 1
        return place >= 0 and number <= lasts[place]


class SourcePolicy:
    """Decides on a request's origin; the ranges are those of `SourceSettings`, already checked."""

    def __init__(
        self,
        allow: Iterable[netaddr.IPNetwork],
        trusted_proxies: Iterable[netaddr.IPNetwork],
        header: str,
        proxy_protocol: bool = False,
        trusts_unix: bool = False,
    ) -> None:
        self._allow = RangeSet(allow)
        self._trusted = RangeSet(trusted_proxies)
        self._header = header.encode()
        self._reader = _READERS.get(header)
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
        client = str(address)
        return Origin(client, client, (), self._judge_client(address))

    def _judge_client(self, address: Address) -> Finding | None:
        if address in self._allow:
            return None
        return Finding(Reason.SOURCE_NOT_ALLOWED, ("the client is in no allowed range",))

    def _judge_proxied(self, peer: str, proxied_for: str | None) -> Origin:
        peer = _plain(peer)
        address = parse_address(proxied_for or "")
        if proxied_for is None:
            return _unresolved(peer, "a trusted proxy sent no PROXY header")
        if address is None:
            return _unresolved(peer, "the PROXY header names no address")
        if address in self._trusted:
            return _unresolved(peer, "the PROXY header names a trusted proxy")
        client = str(address)
        return Origin(peer, client, (client,), self._judge_client(address))

    def _through_proxies(self, head: Head) -> Origin:
        peer = _plain(head.peer)
        lines = head.named.get(self._header)
        if lines is None:
            return _unresolved(peer, f"a trusted proxy sent no {self._header.decode()}")
        reader = self._reader
        if reader is None:
            reader = _ONE_ADDRESS
            if len(lines) != 1:
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
                return Origin(peer, chain[0], tuple(chain), self._judge_client(address))
        return _unresolved(peer, f"{self._header.decode()} names only trusted proxies")


def _plain(peer: str) -> str:
    """A trusted peer as it is recorded."""
    return peer if peer == UNIX_PEER else str(parse_address(peer))


def _unresolved(peer: str, why: str) -> Origin:
    return Origin(peer, "", (), Finding(Reason.SOURCE_UNRESOLVED, (why,)))
