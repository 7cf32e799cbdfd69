"""What the ledger's end says of who sends: a proxy that nobody named, or one that names nobody."""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from typing import Any

import netaddr

from hookgate.networks.addresses import Address, is_loopback, parse_address
from hookgate.policy import Outcome, Reason
from hookgate.samples import CONTRACTS
from hookgate.wording import argument_in_shell
from hookgate_cli.samples import clean, hostile
from hookgate_cli.terminal import to_json

from .check import Finding, look, wrong
from .scene import Scene

# Fewer are chance.
_FEWEST = 3
# A share of the requests.
_MANY = 0.5
# Requests that are looked at, and peers that are named.
_RECENT, _MOST_PEERS = 100, 8
# Where proxies and balancers are: loopback, RFC 1918, 6598, 3927, 4193 and 4291.
_PRIVATE = netaddr.IPSet(
    ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
     "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10"]
)  # fmt: skip


def proxies(scene: Scene) -> Iterator[Finding]:
    """Whether most come by a proxy that is not named, or by one that names nobody."""
    deliveries = _recent(scene)
    refused = _by_private_peer(deliveries)
    if _are_most(refused.total(), deliveries):
        yield _unnamed(scene, refused, len(deliveries))
    unresolved = [r for r in deliveries if r.get("reason") == Reason.SOURCE_UNRESOLVED.code]
    if _are_most(len(unresolved), deliveries):
        yield wrong(
            f"of {len(deliveries)} requests {len(unresolved)} came by a trusted proxy that did not "
            "say plainly who the client is (source_unresolved)",
            f"let the proxy set the field of source.header ({scene.settings.source.header}), or "
            f"name the one that it sets; the last of them, at {unresolved[0].get('ts')}:",
            _explain(scene, unresolved),
        )


def _unnamed(scene: Scene, refused: Counter[str], count: int) -> Finding:
    peers = [peer for peer, _ in refused.most_common(_MOST_PEERS)]
    told = ", ".join(f"{peer} ({refused[peer]})" for peer in peers)
    says = (
        f"of the last {count} requests {refused.total()} were refused as source_not_allowed, and "
        f"came from private addresses: {told}. That is a proxy or balancer in front that is not "
        "named, and everybody behind it is refused"
    )
    if all(is_loopback(peer) for peer in peers):
        says += "; or somebody who tries it from this machine, as hookgate send does"
    networks = scene.settings.source.trusted_proxies
    new = [peer for peer in peers if not any(peer in network for network in networks)]
    if not new:
        return wrong(says, f"{scene.named_file} names them now: reload the gate")
    mend = (
        f"if {' and '.join(new)} {'is' if len(new) == 1 else 'are'} yours, and the sender's "
        f"address is in {scene.settings.source.header}, write below [source] in "
        f"{scene.named_file}: trusted_proxies = {to_json(new)}; then reload. "
    )
    given = scene.sources.keys["source.trusted_proxies"].value
    if given:
        mend += f"Of those that are named now ({to_json(given)}) keep what is in front too. "
    more = "For another field, or the PROXY protocol: docs/running.md, Behind a load balancer"
    return wrong(says, mend + more)


def private_peers(scene: Scene) -> list[str]:
    """Return the private addresses whose requests were refused of late, the commonest first."""
    return [peer for peer, _ in _by_private_peer(_recent(scene)).most_common(_MOST_PEERS)]


def foreign_clients(scene: Scene) -> list[Address]:
    """Return the client of each request that was refused as foreign of late. Raises OSError."""
    refused = (r for r in _recent(scene) if r.get("reason") == Reason.SOURCE_NOT_ALLOWED.code)
    clients = (parse_address(str(record.get("client"))) for record in refused)
    return [client for client in clients if client is not None]


def _recent(scene: Scene) -> list[dict[str, Any]]:
    """The last deliveries by the policy in force, the newest first."""
    records = sorted(scene.records, key=lambda record: str(record.get("ts")), reverse=True)
    policy = next((r["policy"] for r in records if r.get("policy")), None)
    deliveries = [
        record
        for record in records
        if record.get("event") == "delivery" and record.get("policy") in (None, policy)
    ]
    return _without_tests(deliveries)[:_RECENT]


def _by_private_peer(deliveries: list[dict[str, Any]]) -> Counter[str]:
    """Count the foreign senders at private addresses that no proxy named."""
    peers = (
        parse_address(str(record.get("peer")))
        for record in deliveries
        if record.get("reason") == Reason.SOURCE_NOT_ALLOWED.code
        and record.get("client") in (None, record.get("peer"))
    )
    return Counter(str(peer) for peer in peers if _is_private(peer))


def _are_most(count: int, deliveries: list[dict[str, Any]]) -> bool:
    return count >= _FEWEST and count > _MANY * len(deliveries)


def refusals(scene: Scene) -> Iterator[Finding]:
    """Whether most of what allowed senders send is refused, for one reason."""
    ours = _without_tests(
        [
            record
            for record in scene.records
            if record.get("event") == "delivery"
            and record.get("reason")
            not in (Reason.SOURCE_NOT_ALLOWED.code, Reason.SOURCE_UNRESOLVED.code)
        ]
    )
    refused = [record for record in ours if record.get("outcome") == Outcome.REFUSED.value]
    if len(refused) < _FEWEST or len(refused) <= _MANY * len(ours):
        return
    reason, count = Counter(str(record.get("reason")) for record in refused).most_common(1)[0]
    alike = [record for record in refused if record.get("reason") == reason]
    hint = ""
    if reason == Reason.PATH_NOT_ROUTED.code:
        hint = "the path at CM.com is none of the routes': write a [[route]] for it. "
    yield look(
        f"of {len(ours)} requests from allowed senders {len(refused)} were refused, {count} as "
        f"{reason}",
        f"{hint}The ledger says what was wrong with the last one, at {alike[0].get('ts')}:",
        _explain(scene, alike),
    )


def _without_tests(deliveries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out who used `hookgate send`: private addresses, known by the bodies of its samples."""
    found = {str(r.get("client")) for r in deliveries if r.get("sha256") in _sample_digests()}
    testers = {client for client in found if _is_private(parse_address(client))}
    return [record for record in deliveries if record.get("client") not in testers]


@cache
def _sample_digests() -> frozenset[str]:
    samples = [sample for name in CONTRACTS for sample in (*clean(name), *hostile(name))]
    return frozenset(sha256(sample.body).hexdigest() for sample in samples if sample.body)


def _is_private(address: Address | None) -> bool:
    return address is not None and str(address) in _PRIVATE


def _explain(scene: Scene, records: list[dict[str, Any]]) -> str:
    # Whoever can write to the ledger must not write what a person copies into a shell.
    name = argument_in_shell(records[0].get("request_id"))
    return f"{scene.command} audit explain{scene.option} {name}"
