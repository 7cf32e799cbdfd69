"""The operational log: one line an event, readable by a person or by a program."""

import io
import json
import os
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from hookgate.log import make_log


class Terminal(io.StringIO):
    """A stderr that a person looks at."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("level", ["info", "warning", "error"])
def test_off_a_terminal_each_event_is_one_json_object(
    level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name, the level, the UTC time, the context and the values, on stderr alone."""
    log = make_log(front="test")
    getattr(log, level)("ledger.unavailable", path="audit.jsonl", lines=3)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("\n")
    record = json.loads(err)
    age = datetime.now(UTC) - datetime.fromisoformat(record.pop("timestamp"))
    assert timedelta(0) <= age < timedelta(seconds=10)
    assert record == {
        "event": "ledger.unavailable",
        "level": level,
        "front": "test",
        "path": "audit.jsonl",
        "lines": 3,
    }


@pytest.mark.parametrize("text", ["a\nb", "\x1b[2J", "\u2028", "\ud800", "\x80", '"}\n{"event":"x'])
def test_off_a_terminal_no_text_ends_the_line_or_leaves_ascii(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A path or an error of the system may hold anything."""
    make_log().error("ledger.unavailable", path=text)
    line = capsys.readouterr().err
    assert line.isascii()
    assert line.count("\n") == 1
    assert json.loads(line)["path"] == text


def test_on_a_terminal_an_event_is_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person sees the name and the values, not JSON."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    make_log().warning("ledger.torn_line_found", path="audit.jsonl")
    line = terminal.getvalue()
    assert "ledger.torn_line_found" in line
    assert "audit.jsonl" in line
    assert "{" not in line
    assert line.count("\n") == 1


def test_checkpoints_are_for_a_log_that_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal they would tell a person nothing, once a minute."""
    make_log().info("ledger.checkpoint", n=1)
    assert json.loads(capsys.readouterr().err)["n"] == 1
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    make_log().info("ledger.checkpoint", n=1)
    assert terminal.getvalue() == ""


def test_the_global_configuration_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """As a guest in another program, its structlog stays as it was."""
    before = structlog.get_config()
    make_log(front="test").info("sidecar.listening")
    assert structlog.get_config() == before
    assert not structlog.is_configured()
    capsys.readouterr()


def test_two_logs_do_not_share_their_context(capsys: pytest.CaptureFixture[str]) -> None:
    """What one is bound to does not show in the other."""
    make_log(front="one")
    make_log().info("gate.fault")
    assert "front" not in json.loads(capsys.readouterr().err)


@pytest.mark.parametrize("fault", ["a full disk", "a pipe that nobody reads"])
def test_a_log_that_cannot_be_written_harms_nobody(fault: str) -> None:
    """Where stderr fails, what the process was doing goes on."""
    script = textwrap.dedent("""
        from hookgate.log import make_log
        log = make_log()
        for _ in range(3):
            log.error("ledger.unavailable", path="audit.jsonl")
        print("went on")
    """)
    if fault == "a full disk":
        stderr = os.open("/dev/full", os.O_WRONLY)
    else:
        reader, stderr = os.pipe()
        os.close(reader)
    try:
        ended = subprocess.run(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=stderr, check=False
        )
    finally:
        os.close(stderr)
    assert (ended.stdout, ended.returncode) == (b"went on\n", 0)
