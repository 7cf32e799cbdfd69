"""What of a ledger's past is not read is said, and is a gap and no 0."""

import os
from pathlib import Path

import pytest

from hookgate.alarms.observing import ledgers
from hookgate.live.cause import clock
from hookgate.live.gate import Gate
from hookgate.live.ledgers import LedgerAnswers
from hookgate.live.picture import make_picture
from support.answers import NOON
from support.followed import line, read, strip, write

BACK = 10_000
SECONDS = 800


def fill(path: Path, *, every: int = 1) -> None:
    """A quarter of an hour of events; in each of the 800 s so many."""
    write(path, *(line(NOON - SECONDS + n, upstream_ms=1) for n in range(0, SECONDS, every)))


def columns(gate: Gate) -> list[int]:
    return [n for n in gate.history.strip("delivered", NOON) if n is not None]


def test_of_more_than_is_read_the_rest_is_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each column that is shown is whole; a sentence says since when, and is over in the end."""
    monkeypatch.setattr(ledgers, "READ_BACK", BACK)
    path = tmp_path / "audit.jsonl"
    fill(path)
    many = BACK * SECONDS // path.stat().st_size
    ledger, gate = LedgerAnswers(path), Gate("g")
    read(ledger, gate, NOON)
    assert many // 5 - 1 <= len(columns(gate)) <= many // 5 + 1
    assert set(columns(gate)[1:-1]) == {5}
    (cause,) = gate.standing()
    (first,) = [NOON - n for n in range(many + 2) if clock(NOON - n) in cause.what]
    assert many - 2 <= NOON - first <= many
    assert cause.what.startswith("Of the last 15 minutes only what came since ")
    read(ledger, gate, first + 901)
    assert gate.standing() == []
    ledger.close()


def test_what_one_worker_did_is_not_told_as_what_all_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The past is told from where on all that is needed was read."""
    monkeypatch.setattr(ledgers, "READ_BACK", BACK)
    fill(tmp_path / "audit.1.jsonl")
    fill(tmp_path / "audit.2.jsonl", every=80)
    ledger, gate = LedgerAnswers(tmp_path / "audit.jsonl"), Gate("g")
    read(ledger, gate, NOON)
    assert min(columns(gate)[:-1]) >= 5
    ledger.close()


def test_what_was_rotated_away_meanwhile_is_a_gap(tmp_path: Path) -> None:
    """Lines of it may be of the same minutes as those of a worker that was not."""
    rotated = tmp_path / "audit.2.jsonl.1"
    fill(tmp_path / "audit.1.jsonl", every=4)
    fill(rotated)
    os.utime(rotated, (NOON - 300, NOON - 300))
    write(tmp_path / "audit.2.jsonl", *(line(NOON - 300 + n) for n in range(100)))
    ledger, gate = LedgerAnswers(tmp_path / "audit.jsonl"), Gate("g")
    read(ledger, gate, NOON)
    assert len(columns(gate)) == 61
    assert clock(NOON - 300) in gate.standing()[0].what
    assert strip(gate, NOON)["delivered"] == 100 + 300 // 4
    ledger.close()
    os.utime(rotated, (NOON - 1000, NOON - 1000))
    ledger, gate = LedgerAnswers(tmp_path / "audit.jsonl"), Gate("g")
    read(ledger, gate, NOON)
    assert gate.standing() == []
    ledger.close()


def test_what_is_read_whole_says_nothing(tmp_path: Path) -> None:
    """A copy that somebody made of it just now lacks nothing."""
    write(tmp_path / "audit.jsonl", line(NOON - 1000, "client_gone", outcome="aborted"))
    fill(tmp_path / "audit.jsonl")
    fill(tmp_path / "audit.jsonl.bak")
    os.utime(tmp_path / "audit.jsonl.bak", (NOON, NOON))
    ledger, gate = LedgerAnswers(tmp_path / "audit.jsonl"), Gate("g")
    read(ledger, gate, NOON)
    assert gate.standing() == []
    assert strip(gate, NOON)["delivered"] == SECONDS
    ledger.close()


def test_that_nothing_was_delivered_is_said_of_what_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledgers, "READ_BACK", BACK)
    path = tmp_path / "audit.jsonl"
    write(path, line(NOON - 500))
    write(path, *(line(NOON - 300 + n, "client_gone", outcome="aborted") for n in range(200)))
    ledger, gate = LedgerAnswers(path), Gate("g")
    read(ledger, gate, NOON)
    said = [cause["what"] for cause in make_picture([gate], NOON)["causes"]]
    assert "Nothing is wrong that can be seen, and nothing was delivered in what was read." in said
    ledger.close()
