"""What the ledger's end says of who sends: a proxy that nobody named, or one that names nobody."""

from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address
from shlex import quote
from typing import Any

from hookgate.policy import Outcome, Reason

from .check import Finding, look, wrong
from .scene import Scene

# Fewer are chance.
_FEWEST = 3
# A share of what senders inside the ranges sent.
_MANY = 0.5


def proxies(scene: Scene) -> Iterator[Finding]:
    """Whether every foreign sender is one private address, which is a proxy's."""
    deliveries = [record for record in scene.records if record.get("event") == "delivery"]
    foreign = [r for r in deliveries if r.get("reason") == Reason.SOURCE_NOT_ALLOWED.code]
    peers = Counter(str(record.get("peer")) for record in foreign)
    allowed = [r for r in deliveries if r.get("outcome") == Outcome.DELIVERED.value]
    if len(foreign) >= _FEWEST and len(peers) == 1 and not allowed:
        (peer,) = peers
        if _is_private(peer) and all(r.get("client") in (None, peer) for r in foreign):
            yield wrong(
                f"every sender, {len(foreign)} of {len(foreign)}, is {peer}, a private address: "
                "that is a proxy or balancer in front that is not named, and everybody is refused",
                f"if {peer} is yours, and adds the sender's address to X-Forwarded-For, write "
                f'below [source] in {scene.named_file}: trusted_proxies = ["{peer}"]; then reload. '
                "For another field, or the PROXY protocol: docs/running.md, Behind a load balancer",
            )
    unresolved = [r for r in deliveries if r.get("reason") == Reason.SOURCE_UNRESOLVED.code]
    if len(unresolved) >= _FEWEST and len(unresolved) > _MANY * len(deliveries):
        yield wrong(
            f"of {len(deliveries)} requests {len(unresolved)} came by a trusted proxy that did not "
            "say plainly who the client is (source_unresolved)",
            f"let the proxy set the field of source.header ({scene.settings.source.header}), or "
            "name the one that it sets; the first of them:",
            _explain(scene, unresolved),
        )


def refusals(scene: Scene) -> Iterator[Finding]:
    """Whether most of what allowed senders send is refused, for one reason."""
    ours = [
        record
        for record in scene.records
        if record.get("event") == "delivery"
        and record.get("reason")
        not in (Reason.SOURCE_NOT_ALLOWED.code, Reason.SOURCE_UNRESOLVED.code)
    ]
    refused = [record for record in ours if record.get("outcome") == Outcome.REFUSED.value]
    if len(refused) < _FEWEST or len(refused) <= _MANY * len(ours):
        return
    reason, count = Counter(str(record.get("reason")) for record in refused).most_common(1)[0]
    hint = ""
    if reason == Reason.PATH_NOT_ROUTED.code:
        hint = "the path at CM.com is none of the routes': write a [[route]] for it. "
    yield look(
        f"of {len(ours)} requests from allowed senders {len(refused)} were refused, {count} as "
        f"{reason}",
        f"{hint}The ledger says what was wrong:",
        _explain(scene, [record for record in refused if record.get("reason") == reason]),
    )


def _explain(scene: Scene, records: list[dict[str, Any]]) -> str:
    # Whoever can write to the ledger must not write what a person copies into a shell.
    name = quote(str(records[0].get("request_id")))
    return f"{scene.command} audit explain {name}{scene.option}"


def _is_private(peer: str) -> bool:
    try:
        return ip_address(peer).is_private
    except ValueError:
        return False
