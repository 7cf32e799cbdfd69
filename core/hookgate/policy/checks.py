"""The checks in their order, each a function from what is known so far to a finding or None."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from hookgate.settings import Mode

from .contract import Contract, Unknown
from .document import Document, parse
from .framing import declared_length, find_malformed
from .media import find_content_encoding, find_wrong_media_type
from .request import Head
from .source import Origin, SourcePolicy
from .verdict import Finding, Reason

OBSERVABLE = ("method", "route", "media_type", "document", "contract")


@dataclass(frozen=True, slots=True)
class Rules:
    """What the checks decide by, compiled from the configuration."""

    source: SourcePolicy
    methods: frozenset[bytes]
    routes: Mapping[bytes, Contract]
    any_path: Contract | None
    max_body: int
    max_depth: int
    max_values: int


class Remarks(NamedTuple):
    """What a contract does not name, and pointers to what it only tolerates."""

    unknown: Unknown | None
    unusual: tuple[str, ...]


class Decision:
    """One request on its way through the checks: what was seen, found and concluded.

    `finding` is what refuses it, `observed` what would have. `contract` is the route's, and
    `remarks` are what it says of a document beside a finding; most have none.
    """

    __slots__ = (
        "body",
        "contract",
        "document",
        "finding",
        "head",
        "observed",
        "origin",
        "remarks",
    )

    def __init__(
        self,
        head: Head,
        body: bytes | None = None,
        origin: Origin | None = None,
        contract: Contract | None = None,
        observed: Iterable[Finding] = (),
    ) -> None:
        self.head = head
        self.body = body
        self.origin = origin
        self.contract = contract
        self.document: Document | None = None
        self.remarks: Remarks | None = None
        self.finding: Finding | None = None
        self.observed = [*observed] if observed else []

    @property
    def reason(self) -> Reason:
        """`Reason.CLEAN`, or the reason of the finding that refuses."""
        return Reason.CLEAN if self.finding is None else self.finding.reason


def check_framing(decision: Decision, rules: Rules) -> Finding | None:  # noqa: ARG001  # one signature
    """HTTP that could be read in two ways."""
    return find_malformed(decision.head)


def check_source(decision: Decision, rules: Rules) -> Finding | None:
    """Is the client in an allowed range?"""
    decision.origin = origin = rules.source.origin(decision.head)
    return origin.finding


def check_method(decision: Decision, rules: Rules) -> Finding | None:
    """Is the method one that events come with?"""
    if decision.head.method in rules.methods:
        return None
    return Finding(Reason.METHOD_NOT_ALLOWED, ("the method is not one that events come with",))


def check_route(decision: Decision, rules: Rules) -> Finding | None:
    """Does the path, byte for byte, have a route?"""
    contract = rules.routes.get(decision.head.path) if rules.routes else None
    decision.contract = contract or rules.any_path
    if decision.contract is not None:
        return None
    return Finding(Reason.PATH_NOT_ROUTED, ("no route has this path",))


def check_media_type(decision: Decision, rules: Rules) -> Finding | None:  # noqa: ARG001  # one signature
    """Is the body said to be UTF-8 JSON?"""
    return find_wrong_media_type(decision.head)


def check_encoding(decision: Decision, rules: Rules) -> Finding | None:  # noqa: ARG001  # one signature
    """Is the body sent as it is?"""
    return find_content_encoding(decision.head)


def check_size(decision: Decision, rules: Rules) -> Finding | None:
    """Is the body, declared or received, within the bound?"""
    body = decision.body
    size = declared_length(decision.head) if body is None else len(body)
    if size is None or size <= rules.max_body:
        return None
    return Finding(Reason.BODY_TOO_LARGE, (f"more than {rules.max_body} bytes",))


def check_document(decision: Decision, rules: Rules) -> Finding | None:
    """Is the body strict JSON that every parser reads alike?"""
    result = parse(decision.body or b"", rules.max_depth, rules.max_values)
    if isinstance(result, dict):
        decision.document = result
        return None
    return result


def check_contract(decision: Decision, rules: Rules) -> Finding | None:  # noqa: ARG001  # one signature
    """Does the document keep the route's contract? Skipped where either is missing."""
    document, contract = decision.document, decision.contract
    if document is None or contract is None or contract.is_plain(document):
        return None
    size = len(decision.body or b"")
    details = contract.find(document, size)
    unusual = () if details else contract.unusual(document, size)
    decision.remarks = Remarks(contract.unknown(document), unusual)
    return Finding(Reason.CONTRACT_VIOLATION, details) if details else None


@dataclass(frozen=True, slots=True)
class Check:
    """A check by name; `enforced` says whether its finding refuses or is only observed."""

    name: str
    find: Callable[[Decision, Rules], Finding | None]
    enforced: bool


_ON_HEAD = (
    ("http", check_framing),
    ("source", check_source),
    ("method", check_method),
    ("route", check_route),
    ("media_type", check_media_type),
    ("encoding", check_encoding),
    ("size", check_size),
)
_ON_TEXT = (
    ("size", check_size),
    ("document", check_document),
)
_ON_DOCUMENT = (("contract", check_contract),)


def plan(
    modes: Mapping[str, Mode],
) -> tuple[tuple[Check, ...], tuple[Check, ...], tuple[Check, ...]]:
    """The checks on the head, on the body's text and on the document in it, modes applied."""

    def planned(
        checks: tuple[tuple[str, Callable[[Decision, Rules], Finding | None]], ...],
    ) -> tuple[Check, ...]:
        return tuple(
            Check(name, find, modes.get(name, Mode.ENFORCE) is Mode.ENFORCE)
            for name, find in checks
        )

    return planned(_ON_HEAD), planned(_ON_TEXT), planned(_ON_DOCUMENT)
