"""Events that are refused alike, by contracts with different retry rules."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from support.calling import caller
from support.raw import ask, post
from support.receiver import receiving
from support.sidecar import sidecar

REFUSED = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
# What three tries in vain come to by the contract of each route.
ROUTES = {
    "cm-events": ("lost", "3 tries, 1d", False),
    "cm-messages": ("retrying", "31d", True),
    "cm-payments": ("undelivered", None, False),
}


def test_each_event_ends_by_the_rule_of_its_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The gate records the rule, and `fate` goes by it."""
    routes = (f'[[route]]\npath = "/{name}"\ncontract = "{name}"\n' for name in ROUTES)
    (tmp_path / "hookgate.toml").write_text("".join(routes))
    bodies = {name: b'{"of": "%s"}' % name.encode() for name in ROUTES}
    with receiving(lambda _: REFUSED) as upstream, sidecar(upstream.url, tmp_path) as front:
        for name, body in [*bodies.items()] * 3:
            ask(front.port, post(body, f"/{name}".encode()))
        front.wait_for_deliveries(9)
    monkeypatch.chdir(tmp_path)
    digests = {name: sha256(body).hexdigest() for name, body in bodies.items()}
    told = caller(capsys)("audit", "fate", *digests.values(), "--log", str(front.audit), "--json")
    *reports, summary = map(json.loads, told.out.splitlines())
    events = [report["events"][0] for report in reports]
    assert [event["tries"] for event in events] == [3, 3, 3]
    found = [(event["fate"], event["retry"], event["until"] is not None) for event in events]
    assert found == [*ROUTES.values()]
    assert summary["summary"] == {
        "delivered": 0, "unknown": 0, "lost": 1, "held": 0, "undelivered": 1, "retrying": 1,
        "never_seen": 0,
    }  # fmt: skip
    assert told.status == 1
