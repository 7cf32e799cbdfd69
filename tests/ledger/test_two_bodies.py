"""Two bodies of one reference on each front: one is delivered, the other is refused three times."""

import json
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import pytest

from support.calling import Call, caller
from support.events import RCS, event
from support.mitmdump import mitmdump
from support.nginx import nginx
from support.raw import ask, post
from support.receiver import OK, receiving
from support.sidecar import sidecar

REFUSED = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
YES, NO = (event(event={"type": "SuggestionClick", "custom": {"label": w}}) for w in ("Yes", "No"))
NAME = RCS["reference"]
DIGESTS = {body: sha256(body).hexdigest() for body in (YES, NO)}


class Front(Protocol):
    port: int
    audit: Path

    def wait_for_deliveries(self, count: int) -> Any: ...


class Start(Protocol):
    def __call__(self, upstream: str, folder: Path) -> AbstractContextManager[Front]: ...


def play(start: Start, folder: Path) -> Path:
    """The ledger after four requests."""
    with (
        receiving(lambda seen: OK if seen.body == YES else REFUSED) as upstream,
        start(upstream.url, folder) as front,
    ):
        for body in (NO, YES, NO, NO):
            ask(front.port, post(body))
        front.wait_for_deliveries(4)
        return front.audit


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """Run `hookgate ARGUMENTS` in the folder of the ledger."""
    monkeypatch.chdir(tmp_path)
    return caller(capsys)


@pytest.mark.parametrize("start", [sidecar, mitmdump], ids=["sidecar", "addon"])
def test_one_is_delivered_and_the_other_is_lost(call: Call, tmp_path: Path, start: Start) -> None:
    """Asked by the reference it is the lost one that counts; by its body, each stands alone."""
    log = ("--log", str(play(start, tmp_path)))
    told = call("audit", "fate", NAME, *log)
    assert told.out.splitlines()[-1] == f"presumed lost  {NAME}, the worst of 2 events"
    assert told.status == 1
    for body, expected, code in ((YES, "delivered on the first try", 0), (NO, "presumed lost", 1)):
        told = call("audit", "fate", DIGESTS[body], *log)
        assert (told.status, told.out.startswith(expected)) == (code, True)
        assert told.out.count("upstream_rejected") == (0 if body == YES else 3)
    report = json.loads(call("audit", "fate", NAME, *log, "--json").out.splitlines()[0])
    assert {event["sha256"]: (event["fate"], event["tries"]) for event in report["events"]} == {
        DIGESTS[YES]: ("delivered", 1),
        DIGESTS[NO]: ("lost", 3),
    }
    assert report["unread"] == 0


def test_nginx_reads_no_body_and_says_so(call: Call, tmp_path: Path) -> None:
    """None of its lines is a try at the event, and each may have been one."""
    ledger = str(play(nginx, tmp_path))
    unread = "4 attempts from inside the ranges were not read whole; any may have been this event"
    for name in (NAME, DIGESTS[NO]):
        told = call("audit", "fate", name, "--log", ledger)
        assert (told.status, told.out.splitlines()) == (1, [f"never seen  {name}", unread])
