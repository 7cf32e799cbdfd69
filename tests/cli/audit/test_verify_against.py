"""`hookgate audit verify --against`: a ledger beside the operational log of its gate."""

import gzip
import io
import json
import sys
from pathlib import Path

import pytest

from hookgate.ledger.checkpoint import Checkpoint
from hookgate.ledger.reading.log import LogFile
from support.calling import Call
from support.journal import Book, recorded

T0 = "2026-11-28T12:04:00.000000Z"


@pytest.fixture
def log(call: Call) -> Path:
    """A ledger where audit.path has it, of six lines; a log that saw four, and six at the stop."""
    with recorded() as seen:
        book = Book(Path("hookgate-audit.jsonl"))
        for seq in range(1, 5):
            book.refused(seq)
            if seq == 3:
                book.checkpoint()
        book.close()
    write(Path("gate.log"), seen)
    return Path("gate.log")


def write(path: Path, seen: list[Checkpoint], **members: object) -> None:
    events: list[dict[str, object]] = [{"event": "sidecar.listening", "level": "info"}]
    for one in seen:
        event = {"event": "ledger.checkpoint", "level": "info", "timestamp": T0}
        events.append({**one.fields(), **event, **members})
    path.write_text("".join(json.dumps(event) + "\n" for event in events))


def cut(lines: int) -> None:
    path = Path("hookgate-audit.jsonl")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:lines]))


def test_a_ledger_that_has_what_its_log_saw_holds(call: Call, log: Path) -> None:
    """It is said how much of a log that was, and where what it shows ends."""
    result = call("audit", "verify", "--against", "gate.log")
    assert result.status == 0
    assert result.out.startswith("holds  6 lines of 1 boot\n")
    assert "gate.log: 2 checkpoints, 1 other line\n" in result.out
    covered = "covers 6 of the 6 lines that are here, up to its last checkpoint, that of"
    assert f"{covered} 2026-11-28 12:04:00Z" in result.out
    assert "What no ledger shows by itself" not in result.out


def test_a_cut_tail_is_told_in_words_and_exits_1(call: Call, log: Path) -> None:
    """Without its state file nothing else would show it."""
    cut(3)
    result = call("audit", "verify", "hookgate-audit.jsonl", "--against", "gate.log")
    assert result.status == 1
    assert result.out.startswith("broken  3 lines of 1 boot\ncut  hookgate-audit.jsonl:3\n")
    assert "saw 6 lines of it, the ledger has 3" in result.out


def test_scripts_get_all_of_it(call: Call, log: Path) -> None:
    """With what the log dropped; without a log there is none."""
    write(Path("gate.log"), read(log), dropped=3)
    arguments = ("audit", "verify", "--against", "gate.log")
    report = call(*arguments, "--json").json
    assert report["holds"]
    assert report["against"] == {
        "logs": [{"file": "gate.log", "lines": 3, "checkpoints": 2, "damage": ""}],
        "boots": 1,
        "covered": 6,
        "last": "2026-11-28T12:04:00.000Z",
        "dropped": 3,
    }
    assert (
        "3 checkpoints dropped: nobody read the log then"
        in call("audit", "verify", "--against", "gate.log").out
    )
    assert call("audit", "verify", "--json").json["against"] is None


def test_a_log_covers_no_more_than_it_saw(call: Call, log: Path) -> None:
    """Neither a later boot, nor what another gate's checkpoint is later than."""
    Book(Path("hookgate-audit.jsonl"), boot="b1").close()
    later = read(log)[0]._replace(boot="other", path="/elsewhere/other.jsonl")
    with log.open("a") as file:
        event = {"event": "ledger.checkpoint", "timestamp": "2026-11-30T00:00:00.000000Z"}
        file.write(json.dumps({**later.fields(), **event}) + "\n")
    result = call("audit", "verify", "--against", "gate.log")
    assert result.status == 0
    covered = "covers 6 of the 8 lines that are here, up to its last checkpoint, that of"
    assert f"{covered} 2026-11-28 12:04:00Z" in result.out


@pytest.mark.parametrize("count", [1, 9])
@pytest.mark.parametrize("at", [0, 1, None])
def test_a_path_that_somebody_added_hides_no_boot(
    call: Call, log: Path, at: int | None, count: int
) -> None:
    """Wherever it stands in the log: as if the boot were of another ledger, or rotated away."""
    seen = read(log)
    with recorded() as new:
        Path("hookgate-audit.jsonl").unlink()
        Path("hookgate-audit.state").unlink()
        Book(Path("hookgate-audit.jsonl"), boot="b1").close()
    added = [seen[0]._replace(path=f"/elsewhere/other{number}.jsonl") for number in range(count)]
    added += [new[-1]._replace(path=one.path) for one in added]
    place = len(seen) if at is None else at
    logged = [*seen[:place], *added, *seen[place:], *new]
    write(log, logged, timestamp="2098-11-28T12:04:00.000000Z")  # rotation takes older ones
    result = call("audit", "verify", "--against", "gate.log", "--json")
    assert result.status == 1
    assert "gone" in [finding["kind"] for finding in result.json["findings"]]


def test_a_log_that_names_no_line_is_none(call: Call, log: Path) -> None:
    """Beside nothing a ledger cannot hold."""
    write(log, [one._replace(n=0, head="") for one in read(log)])
    result = call("audit", "verify", "--against", "gate.log")
    assert (result.status, result.out) == (2, "")
    assert "none of its 2 checkpoints names a line" in result.err


def read(log: Path) -> list[Checkpoint]:
    return list(LogFile(log).read())


def test_all_that_is_gone_is_missed(call: Call, log: Path) -> None:
    """Ledger and state file: without the log that is a mistake in the command."""
    Path("hookgate-audit.jsonl").unlink()
    Path("hookgate-audit.state").unlink()
    result = call("audit", "verify", "--against", "gate.log")
    assert result.status == 1
    assert "none of the boots that this log saw is in these files" in result.out
    assert call("audit", "verify").status == 2


def test_logs_are_read_from_a_pipe_and_compressed_as_often_as_needed(
    call: Call, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those that were rotated; lines that two of them hold say no more."""
    Path("gate.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(log.read_bytes())))
    report = call("audit", "verify", "--against", "-", "--against", "gate.log.1.gz", "--json").json
    assert [one["checkpoints"] for one in report["against"]["logs"]] == [2, 2]
    assert report["holds"]


def test_a_log_that_is_damaged_is_no_clean_verdict(call: Call, log: Path) -> None:
    """What can be read of it is compared."""
    lines = log.read_bytes() * 3000
    Path("gate.log.gz").write_bytes(gzip.compress(lines)[:-30])
    result = call("audit", "verify", "--against", "gate.log.gz")
    assert result.status == 1
    assert result.out.startswith("not all could be read; the rest holds")
    assert result.err.startswith("NOT READ: gate.log.gz: cannot be read from line ")


def test_lines_that_name_a_checkpoint_and_are_none_are_told(call: Call, log: Path) -> None:
    """They are no reason to doubt the rest."""
    log.write_text(log.read_text() + 'sudo: grep ledger.checkpoint\n{"event": "ledger.checkpoint"')
    result = call("audit", "verify", "--against", "gate.log")
    assert result.status == 0
    assert "2 lines name a checkpoint and hold none that can be read" in result.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--against", "none.log"], "--against none.log cannot be read: No such file"),
        (["--against", "."], ". cannot be read: it is a folder"),
        (["--against", "empty.log"], "has no checkpoint in 0 lines: it has to be hookgate's"),
        (["--against", "hookgate-audit.jsonl"], "has no checkpoint in 6 lines: it has to be"),
        (["--against", "gate.log", "--against", "empty.log"], "--against empty.log has no"),
        (["--against", "wide.log"], "UTF-16"),
        (["-", "--against", "-"], "standard input can be read once"),
    ],
    ids=repr,
)
def test_misuse_is_one_clear_line(call: Call, log: Path, arguments: list[str], words: str) -> None:
    """Exit 2, with what to do; a ledger is no log."""
    Path("empty.log").touch()
    Path("wide.log").write_bytes(log.read_text().encode("utf-16"))
    result = call("audit", "verify", *arguments)
    assert result.status == 2
    assert words in result.err
    assert len(result.err.splitlines()) == 1
    assert "journalctl -u hookgate -o json" in result.err or "has no checkpoint" not in result.err


def test_a_log_of_more_than_is_remembered_is_refused(
    call: Call, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to do."""
    monkeypatch.setattr("hookgate.ledger.audit.witness.MOST_CHECKPOINTS", 1)
    result = call("audit", "verify", "--against", "gate.log")
    assert result.status == 2
    assert "it has more than 1 checkpoints; give a part of it" in result.err
