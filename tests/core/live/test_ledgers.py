"""A ledger in place of /status: what its lines tell, those that are there and those to come."""

import fcntl
from pathlib import Path
from typing import Any

import pytest

from hookgate.live.gate import Gate
from hookgate.live.ledgers import LedgerAnswers
from support.answers import NOON, moment
from support.followed import line, read, strip, write


def test_the_past_and_what_comes_are_told_alike(tmp_path: Path) -> None:
    """Those of the last quarter of an hour are in the strip at their times; others only count."""
    path = tmp_path / "audit.jsonl"
    write(
        path,
        line(NOON - 5000),
        *(line(NOON - 600, upstream_ms=4.0) for _ in range(3)),
        line(NOON - 300, "source_not_allowed"),
        line(NOON - 300, "contract_violation", errors=["/channel: missing"]),
        {"event": "refusals", "ts": moment(NOON - 200), "front": "sidecar", "cause": "flood",
         "outcome": "refused", "reason": "source_not_allowed", "count": 1000},
        line(NOON - 100, "upstream_timeout", outcome="failed", upstream_error="timeout_answer"),
    )  # fmt: skip
    ledger, gate = LedgerAnswers(path), Gate("g")
    answer = read(ledger, gate, NOON)
    assert answer is not None
    assert answer["outcomes"] == {"delivered": 4, "refused": 1002, "failed": 1}
    assert (answer["foreign"], answer["last_delivered"][:19]) == (1001, moment(NOON - 600)[:19])
    assert (answer["front"], answer["policy"]) == ("nginx", "p1")
    assert strip(gate, NOON) == {
        "delivered": 3, "inside": 1, "foreign": 1001, "failed": 1, "aborted": 0,
    }  # fmt: skip
    assert sum(n is not None for n in gate.history.strip("delivered", NOON)) == 180
    reasons = [row["reason"] for row in answer["not_delivered"]]
    assert sorted(reasons) == ["contract_violation", "source_not_allowed", "upstream_timeout"]
    assert [row["pointer"] for row in answer["not_delivered"]][-2:].count("/channel") == 1
    write(path, *(line(NOON + 0.5, upstream_ms=n) for n in (3, 3, 3, 800)))
    answer = read(ledger, gate, NOON + 1)
    assert answer is not None
    assert answer["outcomes"]["delivered"] == 8
    assert gate.history.rates()["delivered"] > 0
    half, most = gate.history.percentiles((0.5, 0.99))
    assert half is not None
    assert most is not None
    assert 0.0025 <= half <= 0.005
    assert 0.5 <= most <= 1.0
    ledger.close()


def test_the_ledgers_of_workers_are_one(tmp_path: Path) -> None:
    """Also one that begins later; the last rows of each are there, in the order of time."""
    path = tmp_path / "audit.jsonl"
    for worker in (1, 2):
        rows = (line(NOON - 100 + n, "too_deep", request_id=f"{worker}-{n}") for n in range(40))
        write(tmp_path / f"audit.{worker}.jsonl", *rows)
    ledger, gate = LedgerAnswers(path), Gate("g")
    answer = read(ledger, gate, NOON)
    assert answer is not None
    assert {row["request_id"] for row in answer["not_delivered"]} == {
        f"{worker}-{n}" for worker in (1, 2) for n in range(15, 40)
    }
    write(tmp_path / "audit.3.jsonl", line(NOON + 1))
    answer = read(ledger, gate, NOON + 2)
    assert answer is not None
    assert answer["outcomes"] == {"refused": 80, "delivered": 1}
    ledger.close()


@pytest.mark.parametrize(
    "what",
    [
        b"no record\n",
        b"[]\n",
        b'{"event":7}\n',
        b'{"event":"delivery"\n',
        line(NOON, outcome=7),
        line(NOON, errors="x"),
        line(NOON, upstream_ms=-1),
        line(NOON, near=[1]),
        line(NOON) | {"ts": "today"},
        line(NOON, front="replay"),
        {"event": "refusals", "count": 10**30},
        {"event": "start", "version": 1},
    ],
    ids=lambda what: str(what)[:50],
)
def test_what_no_gate_of_its_own_wrote_counts_for_nothing(
    tmp_path: Path, what: dict[str, Any] | bytes
) -> None:
    path = tmp_path / "audit.jsonl"
    write(path, what, line(NOON - 10))
    ledger, gate = LedgerAnswers(path), Gate("g")
    answer = read(ledger, gate, NOON)
    assert answer is not None
    assert answer["outcomes"] == {"delivered": 1}
    assert answer["not_delivered"] == []
    ledger.close()


@pytest.mark.parametrize(
    "what",
    [{"event": "delivery"}, {"event": "refusals"}, {"event": "stop"}, {"event": "later than we"}],
    ids=lambda what: what["event"],
)
def test_a_record_without_its_members_does_no_harm(tmp_path: Path, what: dict[str, str]) -> None:
    """Older and newer ledgers lack some, and have others."""
    path = tmp_path / "audit.jsonl"
    write(path, what, {**what, "new": {"a": [1]}}, line(NOON - 10))
    ledger, gate = LedgerAnswers(path), Gate("g")
    assert read(ledger, gate, NOON) is not None
    assert gate.answers
    ledger.close()


def test_why_nothing_is_told(tmp_path: Path) -> None:
    """There is none yet; a gate had it open and has not any more; a folder stands in its place."""
    path = tmp_path / "audit.jsonl"
    ledger, gate = LedgerAnswers(path), Gate("g")
    read(ledger, gate, NOON)
    assert "there is no ledger yet" in gate.standing()[0].what
    write(path, line(NOON + 1))
    with path.open("rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        read(ledger, gate, NOON + 2)
        assert gate.answers is True
    read(ledger, gate, NOON + 3)
    assert "no gate has the ledger open any more" in gate.standing()[0].what
    ledger.close()
    (tmp_path / "folder.jsonl").mkdir()
    ledger, gate = LedgerAnswers(tmp_path / "folder.jsonl"), Gate("g")
    read(ledger, gate, NOON)
    assert "it is a folder" in gate.standing()[0].what
    ledger.close()
