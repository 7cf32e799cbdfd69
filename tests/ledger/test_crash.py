"""A gate killed under load: what the ledger still tells, and how the next run takes it up."""

import json
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pytest

from support.events import CLEAN
from support.ledger import assert_chained, read_ledger
from support.load import sending
from support.raw import ask, post, wait_until
from support.receiver import receiving
from support.sidecar import Sidecar, sidecar

CLIENTS = 6


class Crash(NamedTuple):
    """What was left: the ledger, the events the upstream saw, and those answered 200."""

    audit: Path
    seen: set[str]
    answered: set[str]


@pytest.fixture(scope="module")
def crash(tmp_path_factory: pytest.TempPathFactory) -> Crash:
    """A gate killed while six clients sent some hundreds of events."""
    folder = tmp_path_factory.mktemp("crash")
    with receiving() as upstream:
        gate = Sidecar(upstream.url, folder)
        try:
            with sending(gate.port, CLIENTS, pause=0) as load:
                assert wait_until(lambda: len(upstream.seen) >= 300)
                gate.kill()
        finally:
            gate.stop()
        assert len(load.unanswered) == CLIENTS
        seen = {request.digest for request in upstream.seen}
        assert len(seen) == len(upstream.seen)
        return Crash(gate.audit, seen, load.answered(200))


def test_every_line_is_whole_and_chained(crash: Crash) -> None:
    """SIGKILL tears no line: each was one write."""
    records = read_ledger(crash.audit)
    assert_chained(crash.audit)
    assert {record["event"] for record in records} == {"start", "forward", "delivery"}


def test_every_event_that_the_upstream_saw_was_recorded_before(crash: Crash) -> None:
    """A crash leaves an unknown that is named, never a silence."""
    forwards = [r["sha256"] for r in read_ledger(crash.audit) if r["event"] == "forward"]
    assert crash.seen <= set(forwards)
    assert max(Counter(forwards).values()) == 1
    # Of what was under way some was recorded and not yet sent, never more than there were clients.
    assert len(set(forwards) - crash.seen) <= CLIENTS


def test_every_answer_of_success_has_its_record(crash: Crash) -> None:
    """No sender was told 200 for an event whose end the ledger does not know."""
    delivered = [r for r in read_ledger(crash.audit) if r.get("outcome") == "delivered"]
    digests = {record["sha256"] for record in delivered}
    assert crash.answered <= digests <= crash.seen
    assert len(digests) == len(delivered)


def test_no_more_is_unknown_than_was_in_flight(crash: Crash) -> None:
    """Forwards without their delivery are those that the crash cut off."""
    records = read_ledger(crash.audit)
    forwarded = {r["seq"] for r in records if r["event"] == "forward"}
    ended = {r["seq"] for r in records if r["event"] == "delivery"}
    assert ended <= forwarded
    assert len(forwarded - ended) <= CLIENTS


@pytest.mark.parametrize("torn", [False, True], ids=["whole", "torn"])
def test_the_next_run_goes_on_in_the_same_file(crash: Crash, torn: bool, tmp_path: Path) -> None:
    """Its `start` names the last line there is; a torn one is ended, reported and survived."""
    left = crash.audit.read_bytes()
    if torn:
        left = left[:-30]
    audit = tmp_path / "audit.jsonl"
    audit.write_bytes(left)
    with receiving() as upstream, sidecar(upstream.url, tmp_path) as gate:
        assert ask(gate.port, post(CLEAN)).status == 200
        assert gate.stop() == 0
        assert ("ledger.torn_line_found" in gate.log.whole()) is torn
    content = audit.read_bytes()
    assert content.startswith(left + b"\n" if torn else left)
    added = content[len(left) + torn :]
    last = left.splitlines()[-1]
    start = json.loads(added.splitlines()[0])
    assert start["event"] == "start"
    assert start["previous_line"] == sha256(last).hexdigest()
    alone = tmp_path / "alone.jsonl"
    alone.write_bytes(added)
    assert_chained(alone)
    assert [r["event"] for r in read_ledger(alone)] == ["start", "forward", "delivery", "stop"]
