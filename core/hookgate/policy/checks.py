"""The checks, each a function from what is known so far to a finding or None, and their table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from hookgate.settings import Mode
from hookgate.signing.verify import Flaw, Signed

from .decision import Decision, Remarks
from .document import AN_OBJECT, parse
from .framing import declared_length, find_malformed
from .media import find_content_encoding, find_wrong_media_type
from .rules import Rules
from .verdict import Finding, Reason


def find_framing(decision: Decision, rules: Rules) -> Finding | None:  # noqa: ARG001  # one signature
    """Find HTTP that could be read in two ways."""
    return find_malformed(decision.head)


def find_source(decision: Decision, rules: Rules) -> Finding | None:
    """Find a client that is in no allowed range; sets `origin`."""
    decision.origin = origin = rules.source.origin(decision.head)
    return origin.finding


def find_method(decision: Decision, rules: Rules) -> Finding | None:
    """Find a method that events do not come with."""
    if decision.head.method in rules.methods:
        return None
    return Finding(Reason.METHOD_NOT_ALLOWED, ("the method is not one that events come with",))


def find_route(decision: Decision, rules: Rules) -> Finding | None:
    """Find a path that, byte for byte, has no route; sets `route`."""
    route = rules.routes.get(decision.head.path) if rules.routes else None
    decision.route = route or rules.any_path
    if decision.route is not None:
        return None
    return Finding(Reason.PATH_NOT_ROUTED, ("no route has this path",))


def find_media_type(decision: Decision, rules: Rules) -> Finding | None:  # noqa: ARG001  # one signature
    """Find a body that is not said to be UTF-8 JSON."""
    return find_wrong_media_type(decision.head)


def find_encoding(decision: Decision, rules: Rules) -> Finding | None:  # noqa: ARG001  # one signature
    """Find a body that is not sent as it is."""
    return find_content_encoding(decision.head)


def find_size(decision: Decision, rules: Rules) -> Finding | None:
    """Find a body, declared or received, beyond the bound."""
    body = decision.body
    size = declared_length(decision.head) if body is None else len(body)
    if size is None or size <= rules.max_body:
        return None
    return Finding(Reason.BODY_TOO_LARGE, (f"more than {rules.max_body} bytes",))


_FLAWS = {
    Flaw.MISSING: Reason.SIGNATURE_MISSING,
    Flaw.INVALID: Reason.SIGNATURE_INVALID,
    Flaw.EXPIRED: Reason.SIGNATURE_EXPIRED,
}


def find_signature(decision: Decision, rules: Rules) -> Finding | None:
    """Find a body that is not signed as its route asks; sets `signed`. Most routes ask nothing."""
    route = decision.route
    if route is None or route.verifier is None:
        return None
    result = route.verifier.verify(decision.head.named, decision.body or b"", rules.clock())
    if isinstance(result, Signed):
        decision.signed = result
        return None
    return Finding(_FLAWS[result.flaw], (result.words,))


def find_document(decision: Decision, rules: Rules) -> Finding | None:
    """Find a body that is no strict JSON, which every parser reads alike; sets `document`."""
    route = decision.route
    tops = AN_OBJECT if route is None else route.contract.tops
    result = parse(decision.body or b"", rules.max_depth, rules.max_values, tops)
    if isinstance(result, Finding):
        return result
    decision.document = result
    return None


def find_contract(decision: Decision, rules: Rules) -> Finding | None:  # noqa: ARG001  # one signature
    """Find what the route's contract forbids; sets `remarks`. Skipped without either of the two."""
    document, route = decision.document, decision.route
    if document is None or route is None or route.contract.is_plain(document):
        return None
    contract = route.contract
    size = len(decision.body or b"")
    details = contract.find(document, size)
    unusual = () if details else contract.unusual(document, size)
    decision.remarks = Remarks(contract.unknown(document), unusual)
    return Finding(Reason.CONTRACT_VIOLATION, details) if details else None


def _saw_head(decision: Decision) -> str:
    head = decision.head
    return f"HTTP/{head.version}, {len(head.fields)} fields"


def _saw_origin(decision: Decision) -> str:
    if decision.origin is None:
        return ""
    client, peer = decision.origin.client or "nobody", decision.origin.peer
    return f"client {client}" + ("" if client == peer else f", peer {peer}")


def _saw_method(decision: Decision) -> str:
    return _printable(decision.head.method)


def _saw_path(decision: Decision) -> str:
    return _printable(decision.head.path)


def _saw_field(name: bytes) -> Callable[[Decision], str]:
    return lambda decision: _printable(b" | ".join(decision.head.named.get(name, [])))


def _saw_size(decision: Decision) -> str:
    body = decision.body
    return f"{declared_length(decision.head) if body is None else len(body)} bytes"


def _saw_signature(decision: Decision) -> str | None:
    route = decision.route
    return None if route is None or route.verifier is None else route.verifier.scheme.name


def _saw_document(decision: Decision) -> str:
    document = decision.document
    if document is None:
        return ""
    kind, part = ("array", "item") if type(document) is list else ("object", "member")
    return f"an {kind} with {len(document)} {part}{'' if len(document) == 1 else 's'}"


def _saw_contract(decision: Decision) -> str | None:
    if decision.document is None or decision.route is None:
        return None
    return decision.route.contract.name


def _printable(value: bytes) -> str:
    return value.decode("ascii", "backslashreplace")


class Phase(Enum):
    """Say what is known when a check runs: the head, the body's bytes, the document in them."""

    HEAD = "head"
    TEXT = "text"
    DOCUMENT = "document"


class OnNginx(Enum):
    """Say how nginx makes a check: not, by a map of nginx/checks.py, or by a setting of its own."""

    NO = "no"
    BY_MAP = "by a map"
    BY_ITSELF = "by itself"


@dataclass(frozen=True, slots=True)
class Check:
    """Describe a check.

    `saw` tells, once `find` ran, what it looked at, values included; None where it was skipped.
    `observable` says whether a configuration may have it only observe, and `enforced` whether
    its finding refuses, and `keepable` whether what it refuses may be kept. `applies` tells
    whether a policy has any use for it.
    """

    name: str
    phases: tuple[Phase, ...]
    find: Callable[[Decision, Rules], Finding | None]
    saw: Callable[[Decision], str | None]
    observable: bool = False
    keepable: bool = False
    on_nginx: OnNginx = OnNginx.NO
    applies: Callable[[Rules], bool] = lambda rules: True  # noqa: ARG005  # one signature
    enforced: bool = True

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Return the reasons that it may find, in their order."""
        return tuple(reason for reason in Reason if reason.check == self.name)


def _asks_for_signatures(rules: Rules) -> bool:
    routes = (*rules.routes.values(), rules.any_path)
    return any(route is not None and route.verifier is not None for route in routes)


_HEAD, _TEXT, _DOCUMENT = ((phase,) for phase in Phase)
_MAP = OnNginx.BY_MAP
# In the order in which they run within a phase, and are shown.
CHECKS = (
    Check("http", _HEAD, find_framing, _saw_head, on_nginx=_MAP),
    Check("source", _HEAD, find_source, _saw_origin, on_nginx=_MAP),
    Check("method", _HEAD, find_method, _saw_method, True, on_nginx=_MAP),
    Check("route", _HEAD, find_route, _saw_path, True, True, _MAP),
    Check("media_type", _HEAD, find_media_type, _saw_field(b"content-type"), True, True, _MAP),
    Check("encoding", _HEAD, find_encoding, _saw_field(b"content-encoding"), on_nginx=_MAP),
    Check("size", _HEAD + _TEXT, find_size, _saw_size, on_nginx=OnNginx.BY_ITSELF),
    Check("signature", _TEXT, find_signature, _saw_signature, True, applies=_asks_for_signatures),
    Check("document", _TEXT, find_document, _saw_document, True, True),
    Check("contract", _DOCUMENT, find_contract, _saw_contract, True, True),
)
KEEPABLE = frozenset(check.name for check in CHECKS if check.keepable)
OBSERVABLE = tuple(check.name for check in CHECKS if check.observable)


def plan(modes: Mapping[str, Mode], phase: Phase) -> tuple[Check, ...]:
    """List the checks of a phase, each enforced unless its mode is to observe."""
    return tuple(
        replace(check, enforced=modes.get(check.name, Mode.ENFORCE) is Mode.ENFORCE)
        for check in CHECKS
        if phase in check.phases
    )
