"""What else than its source would refuse a foreign head."""

from typing import Any

import pytest
from netaddr import IPNetwork

from hookgate.policy import Head, Reason
from hookgate.policy.source import SourcePolicy
from support.policy import ALLOW, ALLOWED, FOREIGN, JSON, PROXY, TRUSTED, make_policy, request

GATE, TYPE = JSON
ROUTED: dict[str, Any] = {"routes": {"/cm/events": {}}}
OBSERVING = {
    "checks__method": "observe",
    "checks__route": "observe",
    "checks__media_type": "observe",
}


@pytest.mark.parametrize(
    ("head", "passes", "observed"),
    [
        (request(peer=FOREIGN), True, True),
        (request(peer=FOREIGN, target=b"/cm/events?a=b"), True, True),
        (request(peer=FOREIGN, method=b"GET"), False, True),
        (request(peer=FOREIGN, target=b"/other"), False, True),
        (request(GATE, peer=FOREIGN), False, True),
        (request(*JSON, (b"Content-Encoding", b"gzip"), peer=FOREIGN), False, False),
        (request(*JSON, (b"Content-Length", b"9999999"), peer=FOREIGN), False, False),
    ],
)
def test_nothing_but_the_source_refuses_what_passes_beside_it(
    head: Head, passes: bool, observed: bool
) -> None:
    """By the checks of the head that are enforced; the decision stays as it was."""
    for policy, expected in (
        (make_policy(**ROUTED), passes),
        (make_policy(**ROUTED, **OBSERVING), observed),
    ):
        decision = policy.screen(head)
        assert decision.reason is Reason.SOURCE_NOT_ALLOWED
        assert policy.passes_beside_source(decision) is expected
        assert decision.reason is Reason.SOURCE_NOT_ALLOWED
        assert decision.route is None
        # It is what the same head from inside shows.
        assert (policy.screen(head._replace(peer=ALLOWED)).finding is None) is expected


def test_only_a_route_of_its_own_has_a_path() -> None:
    assert make_policy(**ROUTED).has_path(b"/cm/events")
    assert not make_policy(**ROUTED).has_path(b"/cm/events/")
    assert not make_policy().has_path(b"/cm/events")


@pytest.mark.parametrize(
    ("client", "watched"),
    [
        (FOREIGN, True), (f"::ffff:{FOREIGN}", True), ("2001:db8:15::1", True),
        ("2001:db8:16::1", False), ("192.0.3.1", False), (ALLOWED, False), ("nobody", False),
    ],
)  # fmt: skip
def test_who_is_watched_is_seen_however_it_came(client: str, watched: bool) -> None:
    """Directly, by a field of a trusted proxy, or by a PROXY header; never who is allowed."""
    watch = [IPNetwork(f"{FOREIGN}/32"), IPNetwork("2001:db8:15::/48"), IPNetwork(ALLOW)]
    for proxy_protocol in (False, True):
        sources = SourcePolicy(
            [IPNetwork(ALLOW)], [IPNetwork(TRUSTED)], "x-forwarded-for", proxy_protocol, watch=watch
        )
        field = (b"X-Forwarded-For", client.encode())
        through = request(GATE, field, peer=PROXY)
        if proxy_protocol:
            through = through._replace(proxied_for=client)
        for head in (request(peer=client), through):
            assert sources.origin(head).watched is watched
