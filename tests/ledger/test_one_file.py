"""A running gate's file: rotated under load, reopened on a signal, and written by one process."""

import signal
import subprocess
from pathlib import Path

import pytest

from support import forked
from support.events import CLEAN
from support.ledger import assert_balanced, assert_chained, fields_of, read_ledger
from support.load import Load, sending
from support.raw import ask, post, wait_until
from support.receiver import receiving
from support.sidecar import FOREIGN, Sidecar, sidecar


def second(audit: Path, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Another gate on the same file, as started by mistake."""
    options = ["--upstream", "http://127.0.0.1:1", "--listen", "127.0.0.1:0", "--audit", str(audit)]
    return forked.run(["serve", *options], folder)


def rotate(gate: Sidecar, by_signal: bool) -> Path:
    """Rename the file and wait until the gate has opened a new one; returns the old one's path."""
    old = gate.audit.with_suffix(f".{len(list(gate.audit.parent.glob('audit.*')))}")
    gate.audit.rename(old)
    if by_signal:
        gate.process.send_signal(signal.SIGUSR1)
    assert wait_until(lambda: gate.audit.exists() and gate.audit.stat().st_size > 0)
    return old


def wait_for_answers(load: Load, count: int) -> None:
    """Until there are so many more."""
    enough = len(load.answers) + count
    assert wait_until(lambda: len(load.answers) >= enough)


@pytest.mark.parametrize("by_signal", [False, True], ids=["by the tick", "by SIGUSR1"])
def test_rotation_under_load_loses_nothing(by_signal: bool, tmp_path: Path) -> None:
    """Two rotations while six clients send: three files, one chain, every event once."""
    with receiving() as upstream, sidecar(upstream.url, tmp_path) as gate:
        with sending(gate.port) as load:
            old = []
            for _ in range(2):
                wait_for_answers(load, 20)
                old.append(rotate(gate, by_signal))
        assert gate.stop() == 0
    assert set(load.answers.values()) == {200}
    whole = tmp_path / "whole.jsonl"
    whole.write_bytes(b"".join(path.read_bytes() for path in (*old, gate.audit)))
    assert_chained(whole)
    assert assert_balanced(whole) == {"delivered": len(load.answers)}
    delivered = [r["sha256"] for r in read_ledger(whole) if r["event"] == "delivery"]
    assert sorted(delivered) == sorted(load.answers)
    assert all(read_ledger(path) for path in old)


# The second by second work, which would reopen a renamed ledger too.
NO_TICK = "from hookgate.gate.gate import Gate\nGate.tick = lambda self: None\n"


def test_a_signal_reopens_at_once_and_without_traffic(tmp_path: Path) -> None:
    """logrotate need not wait: no tick comes that would reopen it."""
    with receiving() as upstream, sidecar(upstream.url, tmp_path, patch=NO_TICK) as gate:
        old = []
        for number in range(6):
            old.append(gate.audit.with_suffix(f".{number}"))
            gate.audit.rename(old[-1])
            gate.process.send_signal(signal.SIGUSR1)
            assert wait_until(gate.audit.exists)
        assert ask(gate.port, post(CLEAN)).status == 200
        assert gate.stop() == 0
        assert "ledger." not in gate.log.whole().replace("ledger.checkpoint", "")
    assert [r["event"] for r in read_ledger(old[0])] == ["start"]
    assert [path.read_bytes() for path in old[1:]] == [b""] * 5
    assert [r["event"] for r in read_ledger(gate.audit)] == ["forward", "delivery", "stop"]


def test_a_second_process_on_the_file_is_refused_in_one_line(tmp_path: Path) -> None:
    """It exits with 1 and says whose file it is; the first goes on undisturbed."""
    with receiving() as upstream, sidecar(upstream.url, tmp_path) as gate:
        assert ask(gate.port, post(CLEAN)).status == 200
        refused = second(gate.audit, tmp_path)
        assert refused.returncode == 1
        assert refused.stdout == ""
        assert refused.stderr == (
            f'hookgate: audit.path = "{gate.audit}" is being written by another process; '
            "give each its own file\n"
        )
        assert ask(gate.port, post(CLEAN)).status == 200
        assert gate.stop() == 0
    assert {record["boot"] for record in read_ledger(gate.audit)} == {
        read_ledger(gate.audit)[0]["boot"]
    }
    assert assert_balanced(gate.audit) == {"delivered": 2}


@pytest.mark.parametrize(
    ("place", "why"), [("missing/audit.jsonl", "is in no folder"), (".", "cannot be opened")]
)
def test_a_path_that_cannot_be_opened_stops_the_start_in_one_line(
    place: str, why: str, tmp_path: Path
) -> None:
    """A gate without a ledger does not come up."""
    refused = second(tmp_path / place, tmp_path)
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "audit.path" in refused.stderr
    assert why in refused.stderr


def test_lines_on_standard_output_are_the_ledger_alone(tmp_path: Path) -> None:
    """Through a pipe come whole lines of one chain, and nothing of the operational log."""
    keys = {"audit.path": "-"}
    with receiving() as upstream, sidecar(upstream.url, tmp_path, **keys) as gate:
        assert gate.process.stdout is not None
        for _ in range(3):
            assert ask(gate.port, post(CLEAN)).status == 200
        for _ in range(60):
            ask(gate.port, post(CLEAN), FOREIGN)
        gate.process.send_signal(signal.SIGTERM)
        content = gate.process.stdout.read()
        assert gate.process.wait(30) == 0
    ledger = tmp_path / "stdout.jsonl"
    ledger.write_text(content)
    records = read_ledger(ledger)
    for record in records:
        assert tuple(record) == fields_of(record)
    assert_chained(ledger)
    assert assert_balanced(ledger) == {"delivered": 3, "refused": 60}


def test_a_seal_key_and_its_file_make_a_keyed_chain(tmp_path: Path) -> None:
    """The key is the file's content without the white space around it."""
    secret = tmp_path / "seal.key"
    secret.write_text("0123456789abcdef0123456789abcdef\n")
    keys = {"audit.seal_key_file": str(secret)}
    with receiving() as upstream, sidecar(upstream.url, tmp_path, **keys) as gate:
        assert ask(gate.port, post(CLEAN)).status == 200
        assert gate.stop() == 0
    assert_chained(gate.audit, b"0123456789abcdef0123456789abcdef")
    with pytest.raises(AssertionError):
        assert_chained(gate.audit)
