"""The whole decision: the order of the checks, what may be observed, and how it is explained."""

import json
from typing import Any

import pytest

from hookgate.policy import OBSERVABLE, Head, Reason
from hookgate.settings import SignatureSettings
from support.events import CLEAN
from support.policy import ALLOWED, FOREIGN, PROXY, make_policy, request

GATE = (b"Host", b"gate")
TYPE = (b"Content-Type", b"application/json")
SCHEMA = {"required": ["a"], "properties": {"a": {}}}
ROUTED: dict[str, Any] = {
    "routes": {"/cm/events": SCHEMA, "/signed": SCHEMA},
    "signatures": {"/signed": SignatureSettings("github", (b"a secret of the tests",), 300)},
}
BOUND = {"request__max_body": "40B"}

# From broken in every way to clean, one mend a step: the reason is that of the first check left.
LADDER: list[tuple[Reason, Head, bytes]] = [
    (
        Reason.MALFORMED_HTTP,
        request((b"Content-Encoding", b"gzip"), peer=FOREIGN, method=b"GET", target=b"/x"),
        b"x" * 41,
    ),
    (
        Reason.SOURCE_NOT_ALLOWED,
        request(GATE, (b"Content-Encoding", b"gzip"), peer=FOREIGN, method=b"GET", target=b"/x"),
        b"x" * 41,
    ),
    (
        Reason.METHOD_NOT_ALLOWED,
        request(GATE, (b"Content-Encoding", b"gzip"), method=b"GET", target=b"/x"),
        b"x" * 41,
    ),
    (
        Reason.PATH_NOT_ROUTED,
        request(GATE, (b"Content-Encoding", b"gzip"), target=b"/x"),
        b"x" * 41,
    ),
    (Reason.CONTENT_TYPE_MISSING, request(GATE, (b"Content-Encoding", b"gzip")), b"x" * 41),
    (
        Reason.CONTENT_ENCODING_UNSUPPORTED,
        request(GATE, TYPE, (b"Content-Encoding", b"gzip"), (b"Content-Length", b"41")),
        b"x" * 41,
    ),
    (Reason.BODY_TOO_LARGE, request(GATE, TYPE, (b"Content-Length", b"41")), b"x" * 41),
    (Reason.BODY_TOO_LARGE, request(), b"x" * 41),
    (Reason.SIGNATURE_MISSING, request(target=b"/signed"), b"x" * 40),
    (Reason.MALFORMED_JSON, request(), b"x" * 40),
    (Reason.CONTRACT_VIOLATION, request(), b'{"b":1}'),
    (Reason.CLEAN, request(), b'{"a":1}'),
]


@pytest.mark.parametrize(
    ("reason", "head", "body"), LADDER, ids=[f"{n}-{step[0].code}" for n, step in enumerate(LADDER)]
)
def test_the_first_check_in_order_refuses(reason: Reason, head: Head, body: bytes) -> None:
    """http, source, method, route, media_type, encoding, size, signature, document, contract."""
    assert make_policy(**ROUTED, **BOUND).judge(head, body).reason is reason


@pytest.mark.parametrize(
    ("reason", "head"), [(reason, head) for reason, head, _ in LADDER[:7]], ids=lambda part: ""
)
def test_what_the_head_tells_is_refused_before_a_body_byte(reason: Reason, head: Head) -> None:
    """`screen` alone finds everything that `judge` would find in the head."""
    decision = make_policy(**ROUTED, **BOUND).screen(head)
    assert decision.reason is reason
    assert decision.body is None


def test_a_clean_head_is_worth_its_body() -> None:
    """`screen` finds nothing; `complete` goes on from there, for any number of bodies."""
    policy = make_policy()
    screened = policy.screen(request())
    assert screened.finding is None
    assert policy.complete(screened, b"{").reason is Reason.MALFORMED_JSON
    decision = policy.complete(screened, CLEAN)
    assert decision.reason is Reason.CLEAN
    assert decision.document == json.loads(CLEAN)
    assert decision.remarks is None
    assert (screened.body, screened.document, screened.finding) == (None, None, None)


OBSERVED: dict[str, tuple[Reason, Head, bytes]] = {
    "method": (Reason.METHOD_NOT_ALLOWED, request(method=b"DELETE"), b'{"a":1}'),
    "route": (Reason.PATH_NOT_ROUTED, request(target=b"/x"), b'{"b":1}'),
    "media_type": (Reason.CONTENT_TYPE_MISSING, request(GATE), b'{"a":1}'),
    "signature": (Reason.SIGNATURE_MISSING, request(target=b"/signed"), b'{"a":1}'),
    "document": (Reason.NOT_AN_OBJECT, request(), b"[]"),
    "contract": (Reason.CONTRACT_VIOLATION, request(), b'{"b":1}'),
}


@pytest.mark.parametrize("check", OBSERVABLE)
def test_a_check_can_be_observed(check: str) -> None:
    """Its finding is noted and refuses nothing; set to enforce it refuses and is not noted."""
    reason, head, body = OBSERVED[check]
    observing = make_policy(**ROUTED, **{f"checks__{check}": "observe"}).judge(head, body)
    assert observing.reason is Reason.CLEAN
    assert [found.reason for found in observing.observed] == [reason]
    enforcing = make_policy(**ROUTED).judge(head, body)
    assert enforcing.reason is reason
    assert enforcing.observed == []


@pytest.mark.parametrize("check", OBSERVABLE)
def test_an_observed_check_leaves_the_others_enforced(check: str) -> None:
    """Each of the other refusals stays one."""
    policy = make_policy(**ROUTED, **BOUND, **{f"checks__{check}": "observe"})
    others = {reason for name, (reason, _, _) in OBSERVED.items() if name != check}
    others |= {Reason.MALFORMED_HTTP, Reason.SOURCE_NOT_ALLOWED, Reason.BODY_TOO_LARGE}
    others |= {Reason.CONTENT_ENCODING_UNSUPPORTED}
    cases = [*OBSERVED.values(), LADDER[0], LADDER[1], LADDER[5], LADDER[6], LADDER[7]]
    assert {policy.judge(head, body).reason for _, head, body in cases} >= others


def test_everything_observed_is_noted_in_order() -> None:
    """All five at once: what would have refused is listed, and the delivery is clean."""
    policy = make_policy(**ROUTED, **{f"checks__{check}": "observe" for check in OBSERVABLE})
    decision = policy.judge(request(GATE, method=b"GET", target=b"/x"), b"[]")
    assert decision.reason is Reason.CLEAN
    assert [found.reason for found in decision.observed] == [
        Reason.METHOD_NOT_ALLOWED,
        Reason.PATH_NOT_ROUTED,
        Reason.CONTENT_TYPE_MISSING,
        Reason.NOT_AN_OBJECT,
    ]


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b'{"a":1,"a":1}'])
def test_the_contract_is_skipped_without_a_document(body: bytes) -> None:
    """An observed document that did not parse has no contract to keep."""
    decision = make_policy(**ROUTED, checks__document="observe").judge(request(), body)
    assert decision.reason is Reason.CLEAN
    assert len(decision.observed) == 1
    assert decision.document is None


def test_a_route_without_a_match_has_no_contract() -> None:
    """An observed path keeps no contract, and the document is still judged."""
    policy = make_policy(**ROUTED, checks__route="observe")
    assert policy.judge(request(target=b"/x"), b"{}").reason is Reason.CLEAN
    assert policy.judge(request(target=b"/x"), b"[]").reason is Reason.NOT_AN_OBJECT


@pytest.mark.parametrize("via", [ALLOWED, FOREIGN])
def test_the_client_of_a_head_that_must_not_be_interpreted_is_told(via: str) -> None:
    """Refused for its framing, before its source: what a sender is owed follows from it all the
    same.
    """
    head = request(TYPE, (b"X-Forwarded-For", via.encode()), peer=PROXY)
    decision = make_policy().screen(head)
    assert decision.reason is Reason.MALFORMED_HTTP
    assert decision.origin is not None
    assert decision.origin.client == via


def test_a_contract_that_tells_no_place_is_named() -> None:
    """What multiplies without end is held to, but not searched, whatever the body's size."""
    again: dict[str, Any] = {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}
    endless = {"required": ["a"], "properties": {"b": again}}
    policy = make_policy(routes={"/cm/events": endless})
    assert policy.untold == ["contract of /cm/events"]
    assert make_policy(**ROUTED).untold == []
    finding = policy.judge(request(), b'{"b":{}}').finding
    assert finding is not None
    assert finding.reason is Reason.CONTRACT_VIOLATION
    assert finding.details == (
        "/: not as the contract asks; to find the place would take too long",
    )
