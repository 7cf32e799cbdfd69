"""The whole decision, compiled once from the configuration. Values in, values out."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from hookgate.settings import Config

from .checks import KEEPABLE, Check, Phase, plan
from .decision import Decision
from .request import Head
from .rules import compile_routes, compile_rules, fingerprint
from .source import Origin, Standing
from .verdict import Finding


class Step(NamedTuple):
    """Tell what one check made of a request, for `explain`. `ran` is False where it was skipped.

    `saw` is what it looked at, values included: it is for the owner of the request.
    """

    check: str
    ran: bool
    saw: str
    finding: Finding | None
    enforced: bool


# What has passed, or was found, where a head was refused for its source.
_BEFORE_METHOD = ("http", "source")


def _no_clock() -> float:
    raise RuntimeError("a signature's time was to be judged without a clock")


class Policy:
    """Judge requests. Immutable; raises `ContractError` if a route's contract cannot be used.

    `libraries` are those whose version may change a verdict, for the fingerprint alone. `clock`
    tells the seconds since 1970, for routes whose events are signed.
    `max_body` is in bytes, `allow` the value of an Allow field (RFC 9110 10.2.1); `untold` names
    the contracts that tell of no document where it is wrong.
    """

    def __init__(
        self,
        config: Config,
        libraries: Sequence[str] = (),
        clock: Callable[[], float] = _no_clock,
    ) -> None:
        routes = compile_routes(config)
        self._rules = compile_rules(config, routes, clock)
        self._plans = tuple(plan(config.checks, phase) for phase in Phase)
        self._on_head, self._on_text, self._on_document = (
            tuple(check for check in checks if check.applies(self._rules)) for checks in self._plans
        )
        self._beside_source = tuple(
            check.find
            for check in self._on_head
            if check.enforced and check.name not in _BEFORE_METHOD
        )
        self.max_body = config.request.max_body
        self.allow = ", ".join(config.request.methods)
        self.fingerprint = fingerprint(config, routes, libraries)
        contracts = [route.contract for route in routes.values()]
        self.untold = [c.name for c in contracts if not c.tells_places]

    def known_origin(self, peer: str, proxied_for: str | None = None) -> Origin | None:
        """Tell where all that comes on a connection is from; None where each head is to tell."""
        return self._rules.source.known_origin(peer, proxied_for)

    def standing(self, peer: str, proxied_for: str | None = None) -> Standing:
        """Tell whom a connection is known to be from, before any head."""
        return self._rules.source.standing(peer, proxied_for)

    def screen(self, head: Head) -> Decision:
        """Judge the head alone. No finding means: worth reading the body.

        Also of a head that must not be interpreted the client is told, where it can be read: what
        a sender is owed follows from it.
        """
        decision = Decision(head)
        self._run(self._on_head, decision)
        if decision.origin is None:
            decision.origin = self._rules.source.origin(head)
        return decision

    def passes_beside_source(self, decision: Decision) -> bool:
        """Tell whether nothing but its source refuses a head that was refused for that."""
        rules, passes = self._rules, True
        for find in self._beside_source:
            if find(decision, rules) is not None:
                passes = False
                break
        decision.route = None  # it was refused before one was looked for
        return passes

    def has_path(self, path: bytes) -> bool:
        """Tell whether a route has exactly this path."""
        return path in self._rules.routes

    def complete(self, screened: Decision, body: bytes) -> Decision:
        """Judge a whole body behind a head that `screen` did not refuse."""
        decision = self.parse(screened, body)
        self.validate(decision)
        return decision

    def parse(self, screened: Decision, body: bytes) -> Decision:
        """Make the first half of `complete`: judge whether the body is a document.

        `screened` stays as it is: it may serve for every request with the same head.
        """
        decision = Decision(screened.head, body, screened.origin, screened.route, screened.observed)
        if screened.finding is None:
            self._run(self._on_text, decision)
        else:
            decision.finding = screened.finding  # its body was read to be kept
        return decision

    def may_keep(self, decision: Decision, body: bytes | None = None) -> bool:
        """Tell whether a delivery that was refused may be kept, as far as its head tells or, once
        it is whole, its body: no check objects whose findings are never kept.
        """
        finding, checks = decision.finding, self._on_head if body is None else self._on_text
        if finding is None or finding.reason.check not in KEEPABLE:
            return False
        decision.body = body
        objecting = (check for check in checks if check.enforced and not check.keepable)
        may_keep = all(check.find(decision, self._rules) is None for check in objecting)
        decision.body = None
        return may_keep

    def validate(self, decision: Decision) -> None:
        """Make the second half of `complete`: hold the document, if it is one, to its contract."""
        if decision.finding is None:
            self._run(self._on_document, decision)

    def judge(self, head: Head, body: bytes) -> Decision:
        """Judge a request: run the checks in their order up to the first finding that refuses.

        `body` is the whole of it, decoded of any transfer coding. The decision holds what was found
        and seen on the way; whoever judges in a turn calls `screen`, `parse` and `validate`.
        """
        decision = self.screen(head)
        return decision if decision.finding is not None else self.complete(decision, body)

    def explain(self, head: Head, body: bytes) -> tuple[Decision, tuple[Step, ...]]:
        """Run every check, whatever the earlier ones found; the decision is that of `judge`.

        One step for each check: of one that runs on the head and the body, the first that found
        something, else the last.
        """
        decision = Decision(head)
        steps: dict[str, Step] = {}
        for checks in self._plans:
            for check in checks:
                before = steps.get(check.name)
                if before is None or before.finding is None:
                    steps[check.name] = self._step(check, decision)
            decision.body = body
        return self.judge(head, body), tuple(steps.values())

    def _step(self, check: Check, decision: Decision) -> Step:
        finding = check.find(decision, self._rules)
        saw = check.saw(decision)
        return Step(check.name, saw is not None, saw or "", finding, check.enforced)

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
