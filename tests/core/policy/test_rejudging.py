"""What was judged before is judged by the policy of now, with what was found of it then."""

import json
import time
from typing import Any

import pytest

from hookgate.policy import Fields, Origin, Policy, Reason, make_head
from hookgate.policy.rejudging import Rejudging, former_head
from hookgate.settings import SignatureSettings
from support.policy import FOREIGN, JSON, PROXY, make_config
from support.signatures import sign

SECRET = "0123456789abcdef"
HOUR = 3600.0
ORIGIN = Origin(PROXY, FOREIGN, (FOREIGN,), None)
BODY = b'{"a":1}'


def judge(
    signed: bool | None, received: float, fields: Fields = (), **keys: Any
) -> tuple[Reason, Origin | None]:
    """Judge what an address sent that may send no more, as far as is known now."""
    head = make_head(PROXY, b"POST", b"/a", [*JSON, *fields])
    policy = Rejudging(make_config(**keys))
    decision = policy.judge(former_head(head, ORIGIN, signed, received), BODY)
    return decision.reason, decision.origin


def signed_fields(age: float, **more: Any) -> Fields:
    lines = sign(BODY, "cm-email", SECRET, age=age, **more)
    pairs = (line.encode().partition(b": ") for line in lines)
    return [(name, value) for name, _, value in pairs]


SIGNED: dict[str, Any] = {
    "routes": {"/a": {"type": "object"}},
    "signatures": {"/a": SignatureSettings("cm-email", (SECRET.encode(),), 300.0)},
}


def test_the_source_is_what_it_was_found_to_be() -> None:
    """Its range may be gone from the list, its proxy trusted no more, its field not kept."""
    assert judge(None, 0.0, checks__contract="observe") == (Reason.CLEAN, ORIGIN)


def test_all_else_is_judged_by_the_policy_of_now() -> None:
    reason, _ = judge(None, 0.0, routes={"/b": {"type": "object"}})
    assert reason is Reason.PATH_NOT_ROUTED
    reason, _ = judge(None, 0.0, routes={"/a": {"type": "object", "required": ["b"]}})
    assert reason is Reason.CONTRACT_VIOLATION
    reason, _ = judge(None, 0.0, request__max_body="1KiB", routes={"/a": {"type": "object"}})
    assert reason is Reason.CLEAN


@pytest.mark.parametrize(
    ("signed", "ago", "age", "edit", "expected"),
    [
        (True, 9 * HOUR, 9 * HOUR, ("", ""), Reason.CLEAN),
        (None, 9 * HOUR, 9 * HOUR, ("", ""), Reason.CLEAN),
        (None, 9 * HOUR, 10 * HOUR, ("", ""), Reason.SIGNATURE_EXPIRED),
        (None, 0.0, 9 * HOUR, ("", ""), Reason.SIGNATURE_EXPIRED),
        (False, 9 * HOUR, 9 * HOUR, ("=", "!"), Reason.SIGNATURE_INVALID),
        (True, 9 * HOUR, 9 * HOUR, ("=", "!"), Reason.CLEAN),
    ],
    ids=["held", "not asked", "too old then", "came later", "did not hold", "held by another key"],
)
def test_a_signature_is_judged_as_of_then(
    signed: bool | None, ago: float, age: float, edit: tuple[str, str], expected: Reason
) -> None:
    fields = signed_fields(age, edit=edit)
    reason, _ = judge(signed, time.time() - ago, fields, **SIGNED)
    assert reason is expected


def test_what_was_never_signed_is_no_more_signed_now() -> None:
    reason, _ = judge(None, time.time(), **SIGNED)
    assert reason is Reason.SIGNATURE_MISSING


def test_it_judges_nothing_else() -> None:
    policy = Rejudging(make_config())
    with pytest.raises(TypeError):
        policy.judge(make_head(PROXY, b"POST", b"/a", JSON), BODY)


def test_its_fingerprint_is_that_of_the_policy() -> None:
    config = make_config(**SIGNED)
    libraries = ("orjson 1", json.__name__)
    assert Rejudging(config, libraries).fingerprint == Policy(config, libraries).fingerprint
