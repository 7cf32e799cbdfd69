"""What the quarantine may keep of what was refused: by each check, and beside each other one."""

from typing import Any

import pytest

from hookgate.policy import Head, Policy, Reason
from hookgate.policy.checks import CHECKS
from hookgate.settings import SignatureSettings
from support.policy import FOREIGN, make_policy, request
from support.signatures import sign

GATE = (b"Host", b"gate")
TYPE = (b"Content-Type", b"application/json")
ZIPPED = (b"Content-Encoding", b"gzip")
SECRET = "a secret of the tests"
SCHEMA = {"required": ["a"], "properties": {"a": {}}}
KEYS: dict[str, Any] = {
    "routes": {"/cm/events": SCHEMA, "/signed": SCHEMA},
    "signatures": {"/signed": SignatureSettings("github", (SECRET.encode(),), 300)},
    "request__max_body": "40B",
}
BODY = b'{"a":1}'


def signed(*fields: tuple[bytes, bytes], body: bytes = BODY) -> Head:
    """A head for the route that asks for signatures, with a right one."""
    lines = [line.split(": ") for line in sign(body, "github", SECRET)]
    return request(GATE, *fields, *((n.encode(), v.encode()) for n, v in lines), target=b"/signed")


def nowhere(*fields: tuple[bytes, bytes]) -> Head:
    """A head for a path without a route."""
    return request(GATE, *fields, target=b"/x")


def judged(policy: Policy, head: Head, body: bytes) -> tuple[str, bool | None, bool]:
    """The reason, whether the head alone lets the body be kept (None: it passed), and whether it
    may be kept in the end.
    """
    screened = policy.screen(head)
    on_head = policy.may_keep(screened) if screened.finding is not None else None
    decision = policy.complete(screened, body)
    return decision.reason.code, on_head, on_head is not False and policy.may_keep(decision, body)


LONG = (b"Content-Length", b"41")
ENCODED = request(GATE, TYPE, ZIPPED)
UNSIGNED = request(GATE, target=b"/signed")
# What is refused, whether its head alone lets the body be kept, whether it is kept.
REFUSED: dict[str, tuple[Reason, Head, bytes, bool | None, bool]] = {
    "http": (Reason.MALFORMED_HTTP, request(TYPE), BODY, False, False),
    "source": (Reason.SOURCE_NOT_ALLOWED, request(peer=FOREIGN), BODY, False, False),
    "method": (Reason.METHOD_NOT_ALLOWED, request(method=b"GET"), BODY, False, False),
    "route": (Reason.PATH_NOT_ROUTED, nowhere(TYPE), BODY, True, True),
    "media type": (Reason.CONTENT_TYPE_MISSING, request(GATE), BODY, True, True),
    "encoding": (Reason.CONTENT_ENCODING_UNSUPPORTED, ENCODED, BODY, False, False),
    "size declared": (Reason.BODY_TOO_LARGE, request(GATE, TYPE, LONG), BODY, False, False),
    "size": (Reason.BODY_TOO_LARGE, request(), b"x" * 41, None, False),
    "signature": (Reason.SIGNATURE_MISSING, request(target=b"/signed"), BODY, None, False),
    "document": (Reason.MALFORMED_JSON, request(), b"{", None, True),
    "nothing in it": (Reason.BODY_EMPTY, request(), b"", None, True),
    "contract": (Reason.CONTRACT_VIOLATION, request(), b"{}", None, True),
    "contract, signed": (Reason.CONTRACT_VIOLATION, signed(TYPE, body=b"{}"), b"{}", None, True),
    "route and encoding": (Reason.PATH_NOT_ROUTED, nowhere(TYPE, ZIPPED), BODY, False, False),
    "route and size declared": (Reason.PATH_NOT_ROUTED, nowhere(LONG), BODY, False, False),
    "route and size": (Reason.PATH_NOT_ROUTED, nowhere(TYPE), b"x" * 41, True, False),
    "media type and size": (Reason.CONTENT_TYPE_MISSING, request(GATE), b"x" * 41, True, False),
    "media type, unsigned": (Reason.CONTENT_TYPE_MISSING, UNSIGNED, BODY, True, False),
    "media type, signed": (Reason.CONTENT_TYPE_MISSING, signed(), BODY, True, True),
    "media type, another body": (Reason.CONTENT_TYPE_MISSING, signed(), b"{}", True, False),
    "nothing": (Reason.CLEAN, request(), BODY, None, False),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_a_check_refuses_is_kept_where_no_other_objects(
    case: tuple[Reason, Head, bytes, bool | None, bool],
) -> None:
    """Never what is not from the provider for certain, or was not read as it came."""
    reason, head, body, on_head, kept = case
    assert judged(make_policy(**KEYS), head, body) == (reason.code, on_head, kept)


def test_each_check_has_a_row_above() -> None:
    """One that is added must be added there."""
    found = {reason.check for reason, *_ in REFUSED.values()} - {""}
    assert found == {check.name for check in CHECKS}


def test_a_check_that_only_observes_does_not_object() -> None:
    """Who trusts the source alone has what is not signed kept."""
    policy = make_policy(**KEYS, checks__signature="observe")
    head = request(TYPE, GATE, target=b"/signed")
    assert judged(policy, head, b"{}") == ("contract_violation", None, True)


def test_asking_changes_nothing_of_the_decision() -> None:
    """It may serve for every request with the same head."""
    policy = make_policy(**KEYS)
    decision = policy.screen(request(GATE))
    finding = decision.finding
    assert policy.may_keep(decision)
    assert (decision.finding, decision.body, decision.observed) == (finding, None, [])
