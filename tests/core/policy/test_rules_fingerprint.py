"""The policy's fingerprint: it changes with what can change a verdict and with nothing else."""

import dataclasses
import json
from typing import Any

import pytest

from hookgate.libraries import libraries
from hookgate.policy import Policy
from hookgate.settings import Config, RouteSettings, SignatureSettings
from support.policy import make_config, make_policy

SCHEMA: dict[str, Any] = {"type": "object"}


def signed(scheme: str, *secrets: bytes, tolerance: float = 300) -> dict[str, Any]:
    """The keys of one route whose events are signed."""
    settings = SignatureSettings(scheme, secrets, tolerance)
    return {"routes": {"/cm/events": SCHEMA}, "signatures": {"/cm/events": settings}}


CHANGES: list[dict[str, Any]] = [
    {"source__allow": ["203.0.113.0/25"]},
    {"source__allow": ["203.0.113.0/24", "198.51.100.7"]},
    {"source__allow": ["cm.com"]},
    {"source__trusted_proxies": []},
    {"source__trusted_proxies": ["192.0.2.1"]},
    {"source__header": "forwarded"},
    {"source__header": "x-real-ip"},
    {"source__proxy_protocol": True},
    {"request__methods": ["PUT"]},
    {"request__methods": ["POST", "PUT"]},
    {"request__max_body": "1048577B"},
    {"request__max_depth": 63},
    {"request__max_values": 9_999},
    {"routes": {"/cm/events": SCHEMA}},
    {"routes": {"/cm/events": {**SCHEMA, "required": ["a"]}}},
    {"routes": {"/cm/event": SCHEMA}},
    {"routes": {"/cm/events": SCHEMA, "/b": SCHEMA}},
    *({f"checks__{check}": "observe"} for check in ("method", "route", "media_type")),
    *({f"checks__{check}": "observe"} for check in ("signature", "document", "contract")),
    signed("github", b"a secret of the tests"),
    signed("github", b"another of the tests"),
    signed("github", b"a secret of the tests", b"another of the tests"),
    signed("github", b"a secret of the tests", tolerance=60),
    signed("cm-email", b"a secret of the tests"),
]


@pytest.mark.parametrize("keys", CHANGES, ids=str)
def test_what_can_change_a_verdict_changes_the_fingerprint(keys: dict[str, Any]) -> None:
    """Each key that the decision is made by counts."""
    assert make_policy(**keys).fingerprint != make_policy().fingerprint


def test_no_two_policies_have_a_fingerprint() -> None:
    """All the changes lead to different ones."""
    assert len({make_policy(**keys).fingerprint for keys in CHANGES}) == len(CHANGES)


@pytest.mark.parametrize(
    "keys",
    [
        {"upstream__url": "http://127.0.0.1:2"},
        {"upstream__host": "example.com"},
        {"upstream__timeout": "6s"},
        {"upstream__max_connections": 1},
        {"upstream__max_response": "2MiB"},
        {"audit__path": "-"},
        {"audit__personal_data": "omit"},
        {"audit__fsync": "never"},
        {"sidecar__listen": "127.0.0.1:0"},
        {"sidecar__max_connections": 5},
        {"sidecar__max_foreign_connections": 5},
        {"sidecar__max_unnamed_connections": 5},
        {"sidecar__max_head": "1KiB"},
        {"sidecar__max_fields": 5},
        *({f"sidecar__{name}": "3s"} for name in ("head_timeout", "body_timeout", "keep_alive")),
        {"sidecar__drain": "3s"},
        {"sidecar__worker_timeout": "3s"},
        {"request__max_body": "1024KiB"},
        {"request__methods": ["POST", "POST"]},
        {"checks__contract": "enforce"},
        {"source__allow": ["203.0.113.0/24", "203.0.113.0/24"]},
        {"source__allow": ["203.0.113.128/25", "203.0.113.0/25"]},
        {"source__allow": ["203.0.113.0/24", "203.0.113.7"]},
        {"source__trusted_proxies": ["192.0.2.0/24", "192.0.2.1"]},
    ],
    ids=json.dumps,
)
def test_what_changes_no_verdict_leaves_the_fingerprint(keys: dict[str, Any]) -> None:
    """Where events go, how they are recorded, and the same ranges written otherwise."""
    assert make_policy(**keys).fingerprint == make_policy().fingerprint


def with_routes(*routes: RouteSettings) -> Config:
    return dataclasses.replace(make_config(), routes=routes)


def test_a_contracts_name_is_not_its_text() -> None:
    """The same schema under another name is the same policy; an edited file is another one."""
    first = Policy(with_routes(RouteSettings("/a", "one.json", b"{}"))).fingerprint
    assert Policy(with_routes(RouteSettings("/a", "two.json", b"{}"))).fingerprint == first
    assert Policy(with_routes(RouteSettings("/a", "one.json", b'{"a":1}'))).fingerprint != first


def test_the_order_of_ranges_routes_and_methods_is_no_difference() -> None:
    """None of them is tried in order."""
    one, two = RouteSettings("/a", "a", b"{}"), RouteSettings("/b", "b", b'{"type":"object"}')
    assert Policy(with_routes(one, two)).fingerprint == Policy(with_routes(two, one)).fingerprint
    for key, values in (
        ("source__allow", ["203.0.113.0/24", "198.51.100.0/24"]),
        ("source__trusted_proxies", ["192.0.2.0/24", "198.51.100.0/24"]),
        ("request__methods", ["POST", "PUT"]),
    ):
        forwards, backwards = make_policy(**{key: values}), make_policy(**{key: values[::-1]})
        assert forwards.fingerprint == backwards.fingerprint


def test_two_routes_with_swapped_contracts_are_another_policy() -> None:
    """Which path keeps which contract counts."""
    texts = (b"{}", b'{"type":"object"}')
    first, second = (
        Policy(with_routes(RouteSettings("/a", "x", a), RouteSettings("/b", "x", b)))
        for a, b in (texts, texts[::-1])
    )
    assert first.fingerprint != second.fingerprint


def test_a_fingerprint_is_short_and_stable() -> None:
    """Twelve hexadecimal digits, the same in every process."""
    fingerprint = make_policy().fingerprint
    assert len(fingerprint) == 12
    assert int(fingerprint, 16) >= 0
    assert make_policy().fingerprint == fingerprint


def test_another_version_of_a_library_is_another_policy() -> None:
    """In whatever order they are named; a front that reads nothing by itself names none."""
    config = make_config()
    one = Policy(config, ("jiter 0.19.0", "orjson 3.13.0")).fingerprint
    assert Policy(config, ("orjson 3.13.0", "jiter 0.19.0")).fingerprint == one
    assert Policy(config, ("jiter 0.19.1", "orjson 3.13.0")).fingerprint != one
    assert Policy(config, libraries("nginx")).fingerprint == Policy(config).fingerprint != one
