"""Commands that are run for notices."""

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hookgate.alarm_settings import Stdin
from hookgate.alarms.channels.command import Command
from hookgate.alarms.channels.formats.message import render_text
from hookgate.alarms.channels.outcome import Outcome
from hookgate.alarms.channels.senders import make_sender
from support.notices import BEGAN, channel, notice

PATIENT = 30.0


def script(folder: Path, body: str) -> str:
    """A program of this shell text."""
    file = folder / "tell"
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return str(file)


def test_it_reads_the_notice_and_gets_its_arguments_as_they_are(tmp_path: Path) -> None:
    """No shell looks at them."""
    program = script(tmp_path, f'cat > {tmp_path}/in; printf "%s\\n" "$@" > {tmp_path}/args')
    done = Command([program, "$(id)", "; true"], render_text, PATIENT).send(notice(), BEGAN)
    assert done.told
    assert (tmp_path / "in").read_text() == render_text(notice())
    assert (tmp_path / "args").read_text() == "$(id)\n; true\n"


def test_it_reads_json_where_it_asks_for_it(tmp_path: Path) -> None:
    """One line."""
    program = script(tmp_path, f"cat > {tmp_path}/in")
    settings = channel("command", command=(program,), stdin=Stdin.JSON)
    assert make_sender(settings, PATIENT).send(notice(), BEGAN).told
    (line,) = (tmp_path / "in").read_text().splitlines()
    assert json.loads(line)["condition"] == "silence"


def test_it_gets_nothing_of_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which may hold secrets, and descriptors of ours neither."""
    monkeypatch.setenv("HOOKGATE_SECRET", "canary")
    held = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(held, True)
    program = script(tmp_path, f"{{ env; pwd; ls /proc/self/fd; }} > {tmp_path}/env")
    assert Command([program], render_text, PATIENT).send(notice(), BEGAN).told
    os.close(held)
    lines = (tmp_path / "env").read_text().splitlines()
    assert {line.partition("=")[0] for line in lines if "=" in line} <= {"PATH", "LANG", "PWD"}
    assert "/" in lines
    assert str(held) not in lines


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("exit 7", "exit status 7"),
        ("kill -TERM $$", "was ended by signal 15"),
        ("exec < /dev/null; yes canary; echo canary >&2; exit 3", "still ran after"),
        ("echo canary >&2; exit 3", "exit status 3"),
    ],
)
def test_a_command_that_fails_is_said_in_our_words(
    body: str, why: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What it prints is shown to nobody."""
    patience = 0.3 if "yes" in body else PATIENT
    done = Command([script(tmp_path, body)], render_text, patience).send(notice(), BEGAN)
    assert not done.told
    assert done.why.startswith(why)
    assert capfd.readouterr() == ("", "")


def test_a_command_that_is_not_there_is_no_fault_of_ours(tmp_path: Path) -> None:
    """It may come back."""
    done = Command([str(tmp_path / "none")], render_text, PATIENT).send(notice(), BEGAN)
    assert done.why == "cannot be run: no such file or directory"


def test_what_is_ended_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    """From another thread, as at a stop; a child that it left behind as well."""
    number = tmp_path / "child"
    body = f"sleep 600 & echo $! > {number}.new; mv {number}.new {number}; wait"
    command = Command([script(tmp_path, body)], render_text, 600.0)
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(command.send(notice(), BEGAN)))
    thread.start()
    wait(number.exists)
    command.abort()
    thread.join(30)
    assert outcomes[0].why == "was ended by signal 9"
    assert not command.send(notice(), BEGAN).told  # nor is another begun
    wait(lambda: is_gone(int(number.read_text())))


def wait(true: Callable[[], bool]) -> None:
    """Until another process has done it."""
    until = time.monotonic() + 30
    while not true():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.01)


def is_gone(pid: int) -> bool:
    """Whether a process is no more, or is only waiting for somebody to take its status."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_fault_in_a_format_is_an_outcome(tmp_path: Path) -> None:
    """No thread dies of it."""
    program = script(tmp_path, "true")
    done = Command([program], render_text, PATIENT).send(notice(details=(None,)), BEGAN)
    assert not done.told
    assert done.why.startswith("cannot be run (")
