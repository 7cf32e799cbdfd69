"""Which records are asked for."""

import re
from typing import Any

import pytest

from hookgate.ledger.audit.query import (
    Query,
    parse_network,
)
from hookgate.times import QueryError

NOW = 1_756_886_405.0  # 2025-09-03T08:00:05Z
RECORD = {
    "event": "delivery", "ts": "2025-09-03T08:00:05.000000Z", "outcome": "refused",
    "reason": "malformed_json", "client": "31.169.56.7", "reference": "a", "event_reference": "b",
    "request_id": "c", "sha256": "d", "kept": "e", "replay_of": "f", "channel": "RCS",
    "event_type": "Read", "route": "cm-status", "front": "sidecar",
    "path": "/cm/status",
}  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, True),
        ({"outcome": ["refused", "failed"]}, True),
        ({"outcome": ["failed"]}, False),
        ({"reason": ["malformed_json"], "channel": ["RCS"], "event_type": ["Read"]}, True),
        ({"reason": ["malformed_json"], "routes": ["other"]}, False),
        ({"routes": ["other", "cm-status"]}, True),
        ({"routes": ["/cm/status"]}, True),
        ({"routes": ["/cm"]}, False),
        ({"front": ["nginx"]}, False),
        *(({"references": [name, "z"]}, True) for name in "abcdef"),
        ({"references": ["z"]}, False),
        ({"since": NOW}, True),
        ({"since": NOW + 0.001}, False),
        ({"until": NOW}, False),
        ({"until": NOW + 0.001}, True),
        ({"since": 0.0, "until": NOW - 1}, False),
        ({"clients": ("31.169.56.0/21",)}, True),
        ({"clients": ("192.0.2.1", "31.169.56.7")}, True),
        ({"clients": ("192.0.2.1", "2001:db8::/32")}, False),
        ({"near": True}, False),
    ],
    ids=str,
)
def test_a_record_is_asked_for_by_every_field(asked: dict[str, Any], expected: bool) -> None:
    """All that is given must hold, and of several values of one field any."""
    clients = tuple(parse_network(text) for text in asked.pop("clients", ()))
    sets: dict[str, Any] = {
        name: frozenset(v) if isinstance(v, list) else v for name, v in asked.items()
    }
    assert Query(**sets, clients=clients).matches(RECORD) is expected


@pytest.mark.parametrize("value", [None, 5, ["refused"], {"refused": 1}], ids=repr)
def test_a_record_without_the_field_is_not_asked_for(value: Any) -> None:
    """A missing value, or one of another type, equals nothing and raises nothing."""
    broken = dict.fromkeys(RECORD, value)
    for query in (
        Query(outcome=frozenset({"refused"})),
        Query(references=frozenset({"a"})),
        Query(routes=frozenset({"cm-status"})),
        Query(clients=(parse_network("0.0.0.0/0"),)),
        Query(since=1.0),
    ):
        assert not query.matches(broken)


@pytest.mark.parametrize("text", ["", "example.com", "10.0.0.1/8", "10.0.0.0/33", "1.2.3"])
def test_what_is_no_range_is_said(text: str) -> None:
    """Host bits too: whoever writes 10.0.0.1/8 means something else."""
    with pytest.raises(QueryError, match=re.escape(f'"{text}" ')):
        parse_network(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("10.0.0.1/8", ["10.0.0.0/8", "10.0.0.1/32"]),
        ("::ffff:203.0.113.0/120", ["203.0.113.0/24"]),
        ("::ffff:203.0.113.9", ["203.0.113.9/32"]),
        ("203.0.113.4-203.0.113.9", ["203.0.113.4/30", "203.0.113.8/31"]),
        ("10/8", ["10.0.0.0/8"]),
        ("[2001:db8::1]:443", ["2001:db8::1/128"]),
        ("203.0.113.0/255.255.255.0 ", ["203.0.113.0/24"]),
    ],
)
def test_a_range_that_is_written_as_elsewhere_is_refused_with_what_to_write(
    text: str, meant: list[str]
) -> None:
    """Records hold IPv4 as IPv4: what is asked for as IPv6 would be found nowhere."""
    with pytest.raises(QueryError) as caught:
        parse_network(text)
    offered = str(caught.value).rpartition("; write ")[2].replace(", each in an option", " ")
    found = [part.strip(",") for part in offered.split() if part[0].isdigit()]
    assert [str(parse_network(part)) for part in found] == meant


OF_NGINX = {
    "front": "nginx", "reason": "source_not_allowed", "method": "POST",
    "content_type": "application/json", "client": "185.162.145.9",
}  # fmt: skip


@pytest.mark.parametrize(
    ("record", "near"),
    [
        ({"front": "sidecar", "near": ["fields", "length", "again"]}, True),
        ({"front": "sidecar", "near": []}, False),
        ({"front": "sidecar", "near": None}, False),
        (OF_NGINX, True),
        (OF_NGINX | {"front": "sidecar"}, False),
        (OF_NGINX | {"client": "203.0.113.9"}, False),
        (OF_NGINX | {"client": None}, False),
        (OF_NGINX | {"client": 5}, False),
        (OF_NGINX | {"method": "GET"}, False),
        (OF_NGINX | {"content_type": "other"}, False),
        (OF_NGINX | {"reason": "source_unresolved"}, False),
    ],
    ids=str,
)
def test_near_misses_are_those_of_gates_and_what_nginx_had_from_watched_ranges(
    record: dict[str, Any], near: bool
) -> None:
    """nginx tells none: its log holds no names of fields, and remembers nobody."""
    query = Query(near=True, watch=(parse_network("185.162.145.0/24"),))
    assert query.matches(record) is near
    assert not query.is_only_of_time
