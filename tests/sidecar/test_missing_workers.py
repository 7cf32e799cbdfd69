"""Workers that cannot start, or die before they serve: never too many, tried again, told."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from hookgate.ledger.audit.balance import balance
from hookgate.ledger.audit.chain import verify
from hookgate.ledger.reading.reader import read
from support.admin import ON, Admin
from support.events import CLEAN
from support.process import children, is_there
from support.raw import ask, post, wait_until
from support.receiver import receiving
from support.sidecar import HOOKGATE, Sidecar, sidecar

NOWHERE = "http://127.0.0.1:9"
TWO = {**ON, "sidecar.workers": "2"}

# A supervisor that was started before an update which brought other settings.
OLDER = """
import hookgate_sidecar.supervisor as module
roll = module.Supervisor.roll
def roll_to_other_settings(self):
    module.LAYOUT = "older"
    roll(self)
module.Supervisor.roll = roll_to_other_settings
"""

# Stands in for a library that the worker needs: broken while the file beside it is there.
SHIM = """\
import os, sys
here = os.path.dirname(__file__)
if os.path.exists(os.path.join(here, "broken")) and "worker" in " ".join(sys.orig_argv):
    raise ImportError("httptools is half installed")
sys.path.remove(here)
del sys.modules["httptools"]
import httptools
"""


@pytest.fixture
def shim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that breaks the library for workers."""
    folder = tmp_path / "shim"
    folder.mkdir()
    (folder / "httptools.py").write_text(SHIM)
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    return folder / "broken"


def kill(gate: Sidecar) -> int:
    """One of the workers that are there."""
    victim = min(children(gate.process.pid))
    os.kill(victim, signal.SIGKILL)
    return victim


def test_workers_that_are_killed_as_they_start_never_become_more(tmp_path: Path) -> None:
    """Each place is filled by one starter alone, ever more slowly; a stop ends that at once."""
    with sidecar(NOWHERE, tmp_path, **TWO) as gate:
        survivor = max(children(gate.process.pid))
        seen: set[int] = set()

        def kill_the_others() -> bool:
            there = children(gate.process.pid)
            assert len(there) <= 2
            for pid in there - {survivor}:
                os.kill(pid, signal.SIGKILL)
                seen.add(pid)
            return len(seen) == 3

        assert wait_until(kill_the_others)
        assert children(gate.process.pid) >= {survivor}
        assert gate.stop(10) == 0
        assert not is_there(survivor)
    pauses = [loss["pause"] for loss in gate.log.records(*LOSSES, count=2)]
    assert pauses[:2] == [1, 2]


# In the lines of the log that tell of workers that are gone.
LOSSES = '"worker.died"', '"worker.not_started"'


def break_import(gate: Sidecar, broken: Path) -> Callable[[], None]:
    broken.touch()
    return broken.unlink


def break_program(gate: Sidecar, broken: Path) -> Callable[[], None]:
    program = gate.audit.parent / "python"
    away = program.rename(program.with_name("away"))
    return lambda: program.hardlink_to(away)


@pytest.mark.parametrize(
    ("breaks", "reason"),
    [
        (break_import, "could not start: ImportError: httptools is half installed"),
        (break_program, "could not start: no process can be had: No such file or directory"),
    ],
    ids=["import", "exec"],
)
def test_a_worker_that_cannot_start_is_tried_again_and_told(
    breaks: Callable[[Sidecar, Path], Callable[[], None]],
    reason: str,
    tmp_path: Path,
    shim: Path,
) -> None:
    """The others serve on, which is ready enough; the metrics and /readyz say who is missing."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    patch = f"import sys\nsys.executable = {str(python)!r}\n"
    with sidecar(NOWHERE, tmp_path, patch=patch, **TWO) as gate:
        admin = Admin(gate)
        mend = breaks(gate, shim)
        kill(gate)
        gate.log.lines(reason)
        assert any(reason in line for line in admin.degraded())
        assert admin.ready() == (200, [])
        assert admin.value("hookgate_workers") == 1
        assert admin.value("hookgate_workers_wanted") == 2
        assert admin.value("hookgate_worker_restarts_total", cause="never_served") >= 1
        mend()
        assert wait_until(lambda: admin.value("hookgate_workers") == 2)
        assert (admin.ready(), admin.degraded()) == ((200, []), [])
        (start,) = [s for s in gate.all_records("start") if s["replaces"]]
        assert start["replaces"] == "a worker that ended with signal 9"


def test_a_version_with_other_settings_is_not_rolled_to(tmp_path: Path) -> None:
    """Its workers would take one setting for another; the present ones serve on."""
    with receiving() as upstream, sidecar(upstream.url, tmp_path, patch=OLDER, **TWO) as gate:
        before = children(gate.process.pid)
        os.kill(gate.process.pid, signal.SIGUSR2)
        assert "version with other settings" in gate.wait_for_log("supervisor.not_rolled")["error"]
        assert wait_until(lambda: children(gate.process.pid) == before)
        assert ask(gate.port, post(CLEAN)).status == 200
        assert gate.stop() == 0


def test_no_worker_at_all_is_not_ready(tmp_path: Path, shim: Path) -> None:
    """And says why there is none; a reload meanwhile is taken, a roll is told to have failed."""
    with sidecar(NOWHERE, tmp_path, **TWO) as gate:
        admin = Admin(gate)
        shim.touch()
        for pid in children(gate.process.pid):
            os.kill(pid, signal.SIGKILL)
        gate.log.lines(*LOSSES, count=4)
        status, problems = admin.ready()
        assert (status, problems[0]) == (503, "no worker serves")
        assert any("httptools is half installed" in problem for problem in problems)
        assert admin.get("/healthz").status == 200
        gate.process.send_signal(signal.SIGUSR2)
        assert "half installed" in gate.wait_for_log("supervisor.not_rolled")["error"]
        shim.unlink()
        gate.process.send_signal(signal.SIGUSR2)
        assert wait_until(lambda: admin.value("hookgate_workers") == 2)
        assert wait_until(lambda: len(children(gate.process.pid)) == 2)


def start(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [HOOKGATE, "serve", "--upstream", NOWHERE, "--listen", "127.0.0.1:0"],
        env={**os.environ, "HOOKGATE_SIDECAR__WORKERS": "2", "HOOKGATE_AUDIT__PATH": "a.jsonl"},
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_first_start_that_fails_ends_the_program(tmp_path: Path, shim: Path) -> None:
    """With the reason in a line, and nobody left."""
    shim.touch()
    with start(tmp_path) as process:
        seen: set[int] = set()
        while process.poll() is None:
            seen |= children(process.pid)
            time.sleep(0.01)
        assert process.stderr is not None
        told = process.stderr.read()
    assert process.returncode == 1
    assert seen
    assert not any(map(is_there, seen))
    assert "hookgate: worker 1 could not start: ImportError" in told.replace("worker 2", "worker 1")
    assert "Traceback" not in told


def test_a_start_can_be_stopped(tmp_path: Path) -> None:
    """Before anybody serves."""
    with start(tmp_path) as process:
        assert wait_until(lambda: len(children(process.pid)) == 2)
        workers = children(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert not any(map(is_there, workers))
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_signals_and_kills_mixed_leave_as_many_as_are_wanted(tmp_path: Path) -> None:
    """And ledgers that are whole: no two workers ever write the same."""
    random = Random(1)
    with receiving() as upstream, sidecar(upstream.url, tmp_path, **TWO) as gate:
        admin = Admin(gate)
        until = time.monotonic() + 3
        while time.monotonic() < until:
            there = children(gate.process.pid)
            assert len(there) <= 4
            number = random.choice((signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGKILL))
            if number != signal.SIGKILL:
                gate.process.send_signal(number)
            elif there and random.random() < 0.3:
                os.kill(random.choice(sorted(there)), signal.SIGKILL)
            time.sleep(0.02)

        def settled() -> bool:
            return (
                admin.value("hookgate_workers") == 2
                and len(children(gate.process.pid)) == 2
                and admin.degraded() == []
            )

        assert wait_until(settled, 40)
        assert ask(gate.port, post(CLEAN)).status == 200
        assert gate.stop() == 0
        assert verify(read(gate.ledgers())).holds
        assert balance(read(gate.ledgers())).balances
        assert "Traceback" not in gate.log.whole()
