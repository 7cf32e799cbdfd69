"""`explain` tells what `judge` decides."""

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.policy import OBSERVABLE, Finding, Head, Phase, Policy, Reason
from hookgate.policy.checks import Check
from support.events import CLEAN
from support.examples import many
from support.policy import ALLOWED, FOREIGN, PROXY, make_policy, request

ROUTED: dict[str, Any] = {"routes": {"/cm/events": {"required": ["a"], "properties": {"a": {}}}}}
BOUND = {"request__max_body": "40B"}
GATE = (b"Host", b"gate")
TYPE = (b"Content-Type", b"application/json")


PEERS = st.sampled_from([ALLOWED, ALLOWED, PROXY, FOREIGN, "", "unix:"])
FIELDS = st.lists(
    st.sampled_from(
        [
            *(GATE, GATE, TYPE, TYPE, (b"Content-Encoding", b"gzip"), (b"X-Forwarded-For", b"x")),
            *((b"X-Forwarded-For", ALLOWED.encode()), (b"content-type", b"text/plain")),
            *((b"Expect", b"x"), (b"Transfer-Encoding", b"chunked"), (b"Upgrade", b"h2c")),
        ]
    ),
    max_size=6,
)
HEADS = st.builds(
    lambda fields, peer, method, target: request(
        *(fields or [GATE]), peer=peer, method=method, target=target
    ),
    FIELDS | st.just([GATE, TYPE]),
    PEERS,
    st.sampled_from([b"POST", b"POST", b"GET", b"P T"]),
    st.sampled_from([b"/cm/events", b"/cm/events?x", b"/x", b"*"]),
)
BODIES = st.sampled_from([b'{"a":1}', b'{"b":1}', b"[]", b"", b"{", b"\xff", b"x" * 41])
MODES = st.sets(st.sampled_from(OBSERVABLE)).map(lambda checks: tuple(sorted(checks)))


@cache
def observing(modes: tuple[str, ...]) -> Policy:
    return make_policy(**ROUTED, **BOUND, **{f"checks__{check}": "observe" for check in modes})


@settings(max_examples=many(400), deadline=None)
@given(HEADS, BODIES, MODES)
def test_explain_screen_and_judge_agree(head: Head, body: bytes, modes: tuple[str, ...]) -> None:
    """The first enforced finding among the steps is the verdict; observed ones before are noted."""
    policy = observing(modes)
    decision, steps = policy.explain(head, body)
    judged = policy.judge(head, body)
    assert decision.finding == judged.finding
    assert decision.observed == judged.observed
    names = [step.check for step in steps]
    assert names == [
        "http",
        "source",
        "method",
        "route",
        "media_type",
        "encoding",
        "size",
        "signature",
        "document",
        "contract",
    ]
    observed: list[Finding] = []
    for step in steps:
        assert step.finding is None or step.ran
        if step.finding is not None and step.enforced:
            assert step.finding == judged.finding
            break
        if step.finding is not None:
            observed.append(step.finding)
    else:
        assert judged.finding is None
    assert observed == judged.observed
    screened = policy.screen(head)
    if screened.finding is None:
        assert policy.complete(screened, body).finding == judged.finding
    else:
        assert screened.finding == judged.finding


def test_explain_shows_a_size_that_only_the_head_declares() -> None:
    """Of a body cut short in a file, too, some step holds the finding that refuses."""
    head = request(GATE, TYPE, (b"Content-Length", b"41"))
    decision, steps = make_policy(**ROUTED, **BOUND).explain(head, b'{"a":1}')
    assert decision.reason is Reason.BODY_TOO_LARGE
    assert decision.finding in [step.finding for step in steps]


@pytest.mark.parametrize("check", [*OBSERVABLE, "http", "source", "encoding", "size"])
def test_explain_says_which_checks_refuse(check: str) -> None:
    """A step is enforced unless its check is set to observe."""
    keys = {f"checks__{check}": "observe"} if check in OBSERVABLE else {}
    _, steps = make_policy(**keys).explain(request(), CLEAN)
    assert {step.check: step.enforced for step in steps}[check] is not bool(keys)


def test_explain_keeps_the_findings_of_checks_before_and_behind_the_size() -> None:
    """The size is looked at in the head and in the body: where it stands among others is open."""
    policy = make_policy(**ROUTED, **BOUND)
    found = Finding(Reason.EXPECTATION_FAILED)
    behind = Check("behind", (Phase.HEAD,), lambda decision, rules: found, lambda decision: "it")
    policy._on_head += (behind,)
    on_head, *others = policy._plans
    policy._plans = ((*on_head, behind), *others)
    declared = request(GATE, TYPE, (b"Content-Length", b"41"))
    for head in (declared, request(GATE, TYPE)):
        decision, steps = policy.explain(head, b'{"a":1}')
        assert [step.check for step in steps][-5:-2] == ["size", "behind", "signature"]
        findings = {step.check: step.finding for step in steps if step.finding is not None}
        assert findings["behind"] is found
        assert decision.finding == next(iter(findings.values()))


@pytest.mark.parametrize(
    ("peer", "saw"),
    [(ALLOWED, f"client {ALLOWED}"), (PROXY, f"client {ALLOWED}, peer {PROXY}")],
    ids=["itself", "through a proxy"],
)
def test_explain_names_a_peer_only_where_it_is_another(peer: str, saw: str) -> None:
    """Who connected is told beside the client where a proxy did."""
    head = request(GATE, TYPE, (b"X-Forwarded-For", ALLOWED.encode()), peer=peer)
    _, steps = make_policy().explain(head, CLEAN)
    assert [step.saw for step in steps if step.check == "source"] == [saw]
