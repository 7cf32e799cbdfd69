"""Which paths, methods and sizes the policy takes."""

from typing import Any

import pytest

from hookgate.policy import Reason, Standing
from support.events import CLEAN, event
from support.policy import ALLOWED, FOREIGN, JSON, PROXY, make_policy, request

ROUTED: dict[str, Any] = {"routes": {"/cm/events": {"required": ["a"], "properties": {"a": {}}}}}


@pytest.mark.parametrize(
    ("target", "routed"),
    [
        (b"/cm/events", True),
        (b"/cm/events?", True),
        (b"/cm/events?a=/x&b=%00", True),
        (b"/cm/events??", True),
        (b"/cm/events/", False),
        (b"/cm/event", False),
        (b"/cm/events2", False),
        (b"/CM/events", False),
        (b"//cm/events", False),
        (b"/cm//events", False),
        (b"/cm/./events", False),
        (b"/x/../cm/events", False),
        (b"/cm/%65vents", False),
        (b"/cm%2fevents", False),
        (b"/cm/events%00", False),
        (b"/cm/events;x=1", False),
        (b"/cm/events#x", False),
        (b"/cm\\events", False),
        (b"/", False),
        (b"/?/cm/events", False),
        (b"/cm/events\xc3\xa9", False),
    ],
)
def test_a_route_matches_the_bytes_before_the_query(target: bytes, routed: bool) -> None:
    """Nothing is decoded, normalised or compared without case."""
    policy = make_policy(**ROUTED)
    reason = policy.judge(request(target=target), b'{"a":1}').reason
    assert reason is (Reason.CLEAN if routed else Reason.PATH_NOT_ROUTED)


def test_each_route_has_its_own_contract() -> None:
    """The path chooses the schema."""
    policy = make_policy(routes={"/a": {"required": ["a"]}, "/b": {"required": ["b"]}})
    for path, body, reason in [
        (b"/a", b'{"a":1}', Reason.CLEAN),
        (b"/b", b'{"a":1}', Reason.CONTRACT_VIOLATION),
        (b"/b?/a", b'{"b":1}', Reason.CLEAN),
    ]:
        decision = policy.judge(request(target=path), body)
        assert decision.reason is reason
        assert decision.route is not None
        assert decision.route.contract.name == f"contract of {path.decode().partition('?')[0]}"


def test_without_routes_every_path_keeps_the_shipped_contract() -> None:
    """Any path is taken, and the events are still judged."""
    policy = make_policy()
    assert policy.judge(request(target=b"/any/where"), CLEAN).reason is Reason.CLEAN
    assert policy.judge(request(target=b"/"), b"{}").reason is Reason.CONTRACT_VIOLATION


@pytest.mark.parametrize(
    "method", [b"GET", b"post", b"Post", b"PUT", b"POSTS", b"HEAD", b"OPTIONS"]
)
def test_methods_are_compared_with_case(method: bytes) -> None:
    """RFC 9110 9.1: a method has case, and only the configured ones pass."""
    assert make_policy().judge(request(method=method), CLEAN).reason is Reason.METHOD_NOT_ALLOWED
    policy = make_policy(request__methods=["POST", "PUT"])
    reason = policy.judge(request(method=method), CLEAN).reason
    assert (reason is Reason.CLEAN) is (method == b"PUT")
    assert policy.allow == "POST, PUT"


@pytest.mark.parametrize(
    ("declared", "size", "reason"),
    [
        (None, 100, Reason.CLEAN),
        (b"100", 100, Reason.CLEAN),
        (None, 101, Reason.BODY_TOO_LARGE),
        (b"101", 101, Reason.BODY_TOO_LARGE),
        (b"100", 101, Reason.BODY_TOO_LARGE),
        (b"9223372036854775807", 2, Reason.BODY_TOO_LARGE),
    ],
)
def test_the_body_is_bounded_as_declared_and_as_received(
    declared: bytes | None, size: int, reason: Reason
) -> None:
    """Exactly the bound passes; a byte more is refused, whichever of the two tells."""
    policy = make_policy(request__max_body="100B", routes={"/cm/events": {}})
    fields = (*JSON, *([(b"Content-Length", declared)] if declared else []))
    assert policy.judge(request(*fields), b'{"a":"' + b"x" * (size - 8) + b'"}').reason is reason
    assert policy.max_body == 100


def test_members_the_contract_does_not_know_are_counted_even_where_it_is_broken() -> None:
    """The count is made before the verdict."""
    decision = make_policy().judge(request(), event(extra=1, channel=5))
    assert decision.reason is Reason.CONTRACT_VIOLATION
    assert decision.remarks == ((1, ("/",)), ())


@pytest.mark.parametrize(
    ("peer", "standing"),
    [(ALLOWED, Standing.ALLOWED), (PROXY, Standing.TRUSTED), (FOREIGN, Standing.FOREIGN)],
)
def test_a_connections_standing_is_told_before_anything_was_sent(
    peer: str, standing: Standing
) -> None:
    """From the peer's address alone."""
    assert make_policy().standing(peer) is standing
