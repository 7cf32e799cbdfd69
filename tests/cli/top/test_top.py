"""`hookgate top` at a real terminal, before a real gate and before ledgers."""

import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from support.admin import ON, Admin
from support.calling import Call
from support.events import CLEAN, event
from support.process import children
from support.raw import ask, post, wait_until
from support.receiver import receiving
from support.screen import Seat
from support.sidecar import FOREIGN, HOOKGATE, Sidecar, sidecar

HOSTILE = "/\x1b[2J\x1b]0;owned\x07\u202e"


class Shown(NamedTuple):
    gate: Sidecar
    url: str
    folder: Path


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """A gate that has delivered and refused some."""
    folder = tmp_path_factory.mktemp("top")
    with receiving() as upstream, sidecar(upstream.url, folder, **ON) as gate:
        url = f"http://127.0.0.1:{Admin(gate).port}"
        for number in range(6):
            ask(gate.port, post(CLEAN))
            ask(gate.port, post(event(channel=..., reference=f"r{number}")))
            ask(gate.port, post(CLEAN), FOREIGN)
        yield Shown(gate, url, folder)


@pytest.fixture
def seat(shown: Shown) -> Iterator[Seat]:
    """A shell with job control, at a terminal of 80 columns and 24 lines."""
    command = ["bash", "--norc", "--noprofile", "--noediting", "-i"]
    path = f"{Path(HOOKGATE).parent}:{os.environ['PATH']}"
    with Seat(command, shown.folder, PS1="$ ", HISTFILE="", PATH=path) as taken:
        taken.wait_for_word("$")
        yield taken


def test_a_session_at_a_terminal(shown: Shown, seat: Seat) -> None:
    """It shows the gate, its keys do what they say, and the terminal is as it was whatever ends or
    stops it.
    """
    before = seat.mode()
    seat.press(f"hookgate top --gate {shown.url}\n")
    lines = seat.wait_for_word("contract_violation")
    assert seat.display.is_whole()
    assert re.search(r"  ready  up \d+ s  .*UTC$", lines[0])
    assert lines[-1].startswith("q quit  p pause  o outcome: all")
    (top,) = children(seat.process.pid)
    seat.press("oo")
    lines = seat.wait_for_word("outcome: refused")
    assert "source_not_allowed" not in "\n".join(lines)
    assert sum("contract_violation" in line for line in lines[:-3]) >= 6
    seat.press("p")
    seat.wait_for_word("paused at")
    seat.press("\x1b[B\x1b[B")
    shown_id = seat.wait_for(lambda now: now[-3] != lines[-3])[-3].split()[0]
    seat.press("\r")
    seat.wait_for_word("content_type")
    text = "\n".join(seat.display.text())
    assert shown_id in text
    seat.press("G")
    seat.wait_for_word("contract, then: /")
    seat.press("q")
    seat.wait_for_word("paused at")
    seat.press("p?")
    seat.wait_for_word("Keys")
    seat.press("q")
    seat.wait_for_word("q quit")
    seat.resize(120, 40)
    lines = seat.wait_for_word("request id")
    assert lines[-1].startswith("q quit")
    seat.press("\x1a")
    seat.wait_for(lambda _: not seat.display.is_whole())
    seat.wait_for_word("Stopped")
    assert seat.mode() == before
    seat.press("fg\n")
    seat.wait_for_word("contract_violation")
    assert seat.display.is_whole()
    assert seat.mode() != before
    seat.press("\x13o")  # Ctrl-S halts other programs
    seat.wait_for_word("outcome: outside")
    os.kill(top, signal.SIGTERM)
    seat.wait_for_word("Terminated")
    assert not seat.display.is_whole()
    assert seat.display.modes["?25"]
    assert seat.mode() == before
    seat.press(f"hookgate top --gate {shown.url}\n")
    seat.wait_for_word("q quit")
    seat.press("\x03")
    seat.wait_for(lambda _: not seat.display.is_whole())
    assert wait_until(lambda: seat.mode() == before)
    seat.press("echo status $?\n")
    seat.wait_for_word("status 0")


def test_a_fault_leaves_the_terminal_as_it_was(shown: Shown) -> None:
    """And is to be read."""
    code = (
        "import hookgate_cli.top.running as running\n"
        "def draw(*_): raise RuntimeError('drawn')\n"
        "running.draw = draw\n"
        "from hookgate_cli.main import main\n"
        f"main(['top', '--gate', {shown.url!r}])\n"
    )
    with Seat([sys.executable, "-c", code], shown.folder) as seat:
        assert seat.end() == 1
        assert "RuntimeError: drawn" in "\n".join(seat.display.text())
        assert seat.mode() == seat.before
        assert not seat.display.is_whole()


def test_a_plain_terminal_gets_one_snapshot(shown: Shown) -> None:
    """Without a control sequence, where it knows none, and in letters that it has."""
    command = [HOOKGATE, "top", "--gate", shown.url]
    with Seat(command, shown.folder, TERM="dumb", PYTHONIOENCODING="ascii") as seat:
        assert seat.end() == 0
        assert not seat.display.modes
        text = "\n".join(seat.display.text())
        assert "source_not_allowed" in text
        assert text.isascii()


def test_json_is_what_the_page_is_sent(shown: Shown, call: Call) -> None:
    """The state as an object, for scripts."""
    done = call("top", "--gate", shown.url, "--json")
    assert (done.status, done.err) == (0, "")
    told = done.json
    assert told["gates"][0]["state"] == "ready"
    assert {row["kind"] for row in told["not_delivered"]} == {"inside", "foreign"}


def test_ledgers_and_a_gate_that_is_gone(tmp_path: Path, call: Call) -> None:
    """nginx's log, and a ledger with what no gate wrote, each told for itself; 1 for the gone."""
    log = {"event": "delivery", "front": "nginx", "outcome": "refused", "reason": "path_not_routed"}
    told = {
        **log,
        "ts": "2026-01-05T10:00:00.000+01:00",
        "request_id": "n-1",
        "client": "192.0.2.9",
    }
    (tmp_path / "access.log").write_text(json.dumps(told) + "\n")
    forged = {**told, "front": "addon", "path": HOSTILE, "request_id": HOSTILE, "client": HOSTILE}
    (tmp_path / "audit.jsonl").write_text("no record\n" + json.dumps(forged) + "\n")
    logs = ("--log", str(tmp_path / "access.log"), "--log", str(tmp_path / "audit.jsonl"))
    done = call("top", *logs, "--gate", "http://127.0.0.1:9")
    assert done.status == 1
    assert "3 gates" in done.out
    assert "192.0.2.9" in done.out
    assert "The gate does not answer" in done.out
    assert all(c.isprintable() for line in done.out.splitlines() for c in line)
    assert "\\x1b[2J" in done.out
    done = call("top", *logs, "--once")
    assert done.status == 0
    assert "known by its ledger" in done.out


def test_a_ledger_of_which_not_all_can_be_read_back_says_so(tmp_path: Path, call: Call) -> None:
    """Of 80 MiB of the last minutes the last 64 are read, and no column is told in part."""
    now = datetime.now(UTC)
    told = {"event": "delivery", "front": "nginx", "outcome": "delivered", "reason": "clean"}
    with (tmp_path / "audit.jsonl").open("w") as file:
        for number in range(160):
            ts = (now - timedelta(seconds=4 * (160 - number))).isoformat()
            line = {**told, "ts": ts, "request_id": f"n-{number}", "path": "/" * 500_000}
            file.write(json.dumps(line) + "\n")
    picture = call("top", "--log", str(tmp_path / "audit.jsonl"), "--json").json
    (note,) = [cause["what"] for cause in picture["causes"] if cause["name"] == "read_since"]
    assert "Of the last 15 minutes only what came since " in note
    (row,) = [row for row in picture["strips"]["rows"] if row["name"] == "delivered"]
    shown = [number for number in row["values"] if number is not None]
    assert sum(shown) in (132, 133, 134)  # without the column that was read in part
    assert 0 not in shown[:-3]


@pytest.mark.parametrize(
    ("arguments", "ledger", "words"),
    [
        (["--gate", "https://127.0.0.1:1"], "a", "is no admin listener of a gate; write it like"),
        ([], "-", "set sidecar.admin"),
        (["--config", "/nowhere.toml"], "a", "/nowhere.toml"),
    ],
)
def test_what_cannot_be_shown_is_said(
    arguments: list[str], ledger: str, words: str, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a line that says what to do."""
    monkeypatch.setenv("HOOKGATE_AUDIT__PATH", ledger)
    done = call("top", *arguments)
    assert done.status == 2
    assert words in done.err
