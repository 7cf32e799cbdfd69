"""Commands that are run for notices."""

import json
import os
import time
from pathlib import Path

import pytest

from hookgate.alarms.command import Command
from hookgate.alarms.formats.message import render_text
from hookgate.alarms.senders import make_sender
from hookgate.settings import Stdin
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


def test_what_hangs_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    """A child that it left behind as well."""
    program = script(tmp_path, f"sleep 600 & echo $! > {tmp_path}/child; wait")
    done = Command([program], render_text, 0.5).send(notice(), BEGAN)
    assert done.why == "still ran after 0.5 s, and was killed"
    child = int((tmp_path / "child").read_text())
    until = time.monotonic() + 30
    while not is_gone(child) and time.monotonic() < until:
        time.sleep(0.01)
    assert is_gone(child)


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
