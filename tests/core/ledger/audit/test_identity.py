"""Which attempts are at no event, and from inside the ranges."""

from typing import Any

import pytest

from hookgate.config.layers import gather
from hookgate.config.network_lists import allowed_ranges
from hookgate.ledger.audit.identity import Unread
from support.lines import Record, delivery, forward, nginx, refusals

INSIDE, OUTSIDE = "31.169.56.7", "203.0.113.7"


def counted(record: Record) -> tuple[int, int]:
    unread = Unread(allowed_ranges(gather(None, {}, {})))
    unread.add(record)
    return unread.count, unread.undelivered


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (delivery(1, "body_too_large", client=INSIDE), 1),
        (delivery(1, "body_timeout", client=INSIDE), 1),
        (delivery(1, "content_type_missing", client=INSIDE), 1),
        (delivery(1, "head_timeout", client=INSIDE), 1),
        (delivery(1, "client_gone", client=INSIDE), 1),
        (delivery(1, "overloaded", client=INSIDE), 1),
        (delivery(1, "gate_error", client=INSIDE), 1),
        (delivery(1, "malformed_http", client=INSIDE), 1),
        (delivery(1, "malformed_http", client=OUTSIDE), 0),
        (delivery(1, "head_timeout", client=None), 0),
        (delivery(1, "source_not_allowed", client=OUTSIDE), 0),
        (delivery(1, "source_unresolved", client=None), 0),
        (delivery(1, "source_not_allowed", client=INSIDE), 0),
        (delivery(1, "body_too_large", client=OUTSIDE), 1),
        (nginx("upstream_rejected", client=OUTSIDE), 1),
        (nginx("body_too_large", client=None), 0),
        (nginx("malformed_http", client=INSIDE), 1),
        (forward(1), 1),
        (refusals(1, 9, 4, reason="audit_unavailable", outcome="failed"), 4),
        (refusals(1, 9, 4, reason="contract_violation"), 4),
        (refusals(1, 9, 4), 0),
        (refusals(1, 9, 4, reason="malformed_http"), 0),
        (refusals(1, 9, -4, reason="contract_violation"), 0),
        (refusals(1, 9, 4, reason="contract_violation") | {"count": "4"}, 0),
    ],
    ids=str,
)
def test_who_is_inside(record: Record, expected: int) -> None:
    """Whoever got past the check of the source, else by the ranges of now; nobody by guess."""
    assert counted(record) == (expected, expected)


def test_what_nginx_delivered_is_counted_apart() -> None:
    """It may have been the event, and it is nothing that failed."""
    assert counted(nginx(client=INSIDE)) == (1, 0)


@pytest.mark.parametrize(
    ("keys", "clients"),
    [
        ({}, {INSIDE}),
        ({"source.allow": ["203.0.113.0/24"]}, {OUTSIDE}),
        ({"source.allow": "203.0.113.7,cm.com"}, {INSIDE, OUTSIDE}),
        ({"source.allow_file": "nowhere"}, {INSIDE}),
        ({"source.allow": ["nonsense", "203.0.113.7"], "upstream.url": 5}, {OUTSIDE}),
    ],
)
def test_the_ranges_are_as_much_of_the_configuration_as_can_be_read(
    keys: dict[str, Any], clients: set[str]
) -> None:
    """Whoever reads a ledger may lack its files and secrets."""
    unread = Unread(allowed_ranges(gather(None, keys, {})))
    inside = set()
    for client in (INSIDE, OUTSIDE, "no address"):
        before = unread.count
        unread.add(delivery(1, "head_timeout", client=client))
        inside |= {client} if unread.count > before else set()
    assert inside == clients
