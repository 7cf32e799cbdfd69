"""The whole decision, compiled once from the configuration. Values in, values out."""

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from netaddr import cidr_merge

from hookgate.settings import Config

from .checks import OBSERVABLE, Check, Decision, Rules, plan
from .contract import Contract
from .framing import declared_length
from .request import Head
from .source import UNIX_PEER, Origin, SourcePolicy, Standing
from .verdict import Finding


class Step(NamedTuple):
    """What one check made of a request, for `explain`. `ran` is False where it was skipped.

    `saw` is what it looked at, values included: it is for the owner of the request.
    """

    check: str
    ran: bool
    saw: str
    finding: Finding | None
    enforced: bool


class Policy:
    """Judges requests. Immutable; raises `ContractError` if a route's contract cannot be used.

    `libraries` are those whose version may change a verdict, for the fingerprint alone.
    `untold` names the contracts that tell of no document where it is wrong.
    """

    def __init__(self, config: Config, libraries: Sequence[str] = ()) -> None:
        contracts = {
            route.path: Contract(route.contract, route.contract_text) for route in config.routes
        }
        source, request = config.source, config.request
        self._rules = Rules(
            SourcePolicy(
                source.allow,
                source.trusted_proxies,
                source.header,
                source.proxy_protocol,
                source.trusts_unix,
            ),
            frozenset(method.encode() for method in request.methods),
            {path.encode(): contract for path, contract in contracts.items() if path},
            contracts.get(""),
            request.max_body,
            request.max_depth,
            request.max_values,
        )
        self._on_head, self._on_text, self._on_document = plan(config.checks)
        self.max_body = request.max_body
        self.allow = ", ".join(request.methods)
        self.fingerprint = _fingerprint(config, contracts, libraries)
        self.untold = [c.name for c in contracts.values() if not c.tells_places]

    def known_origin(self, peer: str, proxied_for: str | None = None) -> Origin | None:
        """Tell where all that comes on a connection is from; None where each head is to tell."""
        return self._rules.source.known_origin(peer, proxied_for)

    def standing(self, peer: str, proxied_for: str | None = None) -> Standing:
        """Tell whom a connection is known to be from, before any head."""
        return self._rules.source.standing(peer, proxied_for)

    def screen(self, head: Head) -> Decision:
        """Decide on the head alone. No finding means: worth reading the body.

        Also of a head that must not be interpreted the client is told, where it can be read: what
        a sender is owed follows from it.
        """
        decision = Decision(head)
        self._run(self._on_head, decision)
        if decision.origin is None:
            decision.origin = self._rules.source.origin(head)
        return decision

    def complete(self, screened: Decision, body: bytes) -> Decision:
        """The whole decision on a body behind a head that `screen` did not refuse."""
        decision = self.parse(screened, body)
        self.validate(decision)
        return decision

    def parse(self, screened: Decision, body: bytes) -> Decision:
        """The first half of `complete`: is the body a document?

        `screened` stays as it is: it may serve for every request with the same head.
        """
        decision = Decision(
            screened.head, body, screened.origin, screened.contract, screened.observed
        )
        self._run(self._on_text, decision)
        return decision

    def validate(self, decision: Decision) -> None:
        """The second half: does the document keep the contract?"""
        if decision.finding is None:
            self._run(self._on_document, decision)

    def judge(self, head: Head, body: bytes) -> Decision:
        """The whole decision."""
        decision = self.screen(head)
        return decision if decision.finding is not None else self.complete(decision, body)

    def explain(self, head: Head, body: bytes) -> tuple[Decision, tuple[Step, ...]]:
        """Run every check, whatever the earlier ones found; the decision is that of `judge`."""
        decision = Decision(head)
        steps = [self._step(check, decision) for check in self._on_head]
        decision.body = body
        on_body = [self._step(check, decision) for check in (*self._on_text, *self._on_document)]
        # The size is checked twice, as declared and as received: shown once.
        doubled = on_body if steps[-1].finding is not None else steps
        doubled.remove(next(step for step in doubled if step.check == "size"))
        return self.judge(head, body), (*steps, *on_body)

    def _step(self, check: Check, decision: Decision) -> Step:
        if check.name == "contract" and None in (decision.document, decision.contract):
            return Step(check.name, False, "", None, check.enforced)
        finding = check.find(decision, self._rules)
        return Step(check.name, True, _saw(check.name, decision), finding, check.enforced)

    def _run(self, checks: tuple[Check, ...], decision: Decision) -> None:
        rules = self._rules
        for check in checks:
            find = check.find  # one look-up that the interpreter can specialise, not a method's
            finding = find(decision, rules)
            if finding is not None:
                if check.enforced:
                    decision.finding = finding
                    return
                decision.observed.append(finding)


def _saw(check: str, decision: Decision) -> str:
    head = decision.head
    match check:
        case "http":
            return f"HTTP/{head.version}, {len(head.fields)} fields"
        case "source" if decision.origin is not None:
            client, peer = decision.origin.client or "nobody", decision.origin.peer
            return f"client {client}" + ("" if client == peer else f", peer {peer}")
        case "method":
            return head.method.decode("ascii", "backslashreplace")
        case "route":
            return head.path.decode("ascii", "backslashreplace")
        case "media_type" | "encoding":
            name = b"content-type" if check == "media_type" else b"content-encoding"
            values = b" | ".join(head.named.get(name, []))
            return values.decode("ascii", "backslashreplace")
        case "size":
            size = declared_length(head) if decision.body is None else len(decision.body)
            return f"{size} bytes"
        case "document" if decision.document is not None:
            return f"an object with {len(decision.document)} members"
        case "contract" if decision.contract is not None:
            return decision.contract.name
        case _:
            return ""


def _fingerprint(config: Config, contracts: dict[str, Contract], libraries: Sequence[str]) -> str:
    parts: dict[str, object] = {
        "allow": [str(network) for network in cidr_merge(list(config.source.allow))],
        "trusted_proxies": [
            *(str(network) for network in cidr_merge(list(config.source.trusted_proxies))),
            *([UNIX_PEER] if config.source.trusts_unix else []),
        ],
        "header": "proxy_protocol" if config.source.proxy_protocol else config.source.header,
        "methods": sorted(config.request.methods),
        "max_body": config.request.max_body,
        "max_depth": config.request.max_depth,
        "max_values": config.request.max_values,
        "routes": {path: contract.digest for path, contract in contracts.items()},
        "checks": {name: config.checks[name] for name in OBSERVABLE},
    }
    if libraries:
        parts["libraries"] = sorted(libraries)
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
