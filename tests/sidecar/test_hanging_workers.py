"""Workers that hang: nobody waits for them for long, and they end, with their supervisor too."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.admin import ON, Admin
from support.events import CLEAN
from support.pair import paired
from support.process import children, is_there, paused
from support.raw import ask, connected, post, wait_until
from support.sidecar import Sidecar, sidecar

NOWHERE = "http://127.0.0.1:9"
TWO = {**ON, "sidecar.workers": "2"}
SOON = {**TWO, "sidecar.worker_timeout": "2s"}

# A worker that is sent the last real-time signal waits in C for ever, with the interpreter's lock.
HANG = """\
import ctypes, signal, sys
if "worker" in " ".join(sys.orig_argv):
    mutex = ctypes.create_string_buffer(64)
    lock = ctypes.PyDLL(None).pthread_mutex_lock
    signal.signal(signal.SIGRTMAX, lambda *_: (lock(mutex), lock(mutex)))
"""


def workers(gate: Sidecar) -> set[int]:
    return children(gate.process.pid)


@pytest.fixture(scope="module")
def hung_orphan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A worker that hung in C when its supervisor was killed; it takes its time to end."""
    folder = tmp_path_factory.mktemp("orphan")
    (folder / "sitecustomize.py").write_text(HANG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        gate = Sidecar(NOWHERE, folder, **TWO)
    hung, well = sorted(workers(gate))
    os.kill(hung, signal.SIGRTMAX)
    gate.kill()
    assert wait_until(lambda: not is_there(well))
    try:
        yield hung
    finally:
        if is_there(hung):
            os.kill(hung, signal.SIGKILL)
        gate.stop()


@pytest.mark.usefixtures("hung_orphan")  # which is looked at by the last test of this file
def test_one_that_hangs_is_killed_and_replaced(tmp_path: Path) -> None:
    """The log, the metrics and the next one's ledger say why; what it had accepted is reset."""
    with paired(tmp_path, **SOON) as pair:
        admin = Admin(pair.gate)
        hung, other = sorted(workers(pair.gate))
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(connected(pair.port)) for _ in range(8)]
            for client in clients:
                client.send(post(CLEAN))
                assert client.read().status == 200
            os.kill(hung, signal.SIGSTOP)
            assert pair.gate.wait_for_log("worker.killed")["why"] == "did not answer for 2 s"
            assert wait_until(lambda: admin.value("hookgate_workers") == 2)
        assert other in workers(pair.gate)
        killed = "hookgate_worker_restarts_total"
        assert wait_until(lambda: admin.value(killed, cause="killed") == 1)
        (start,) = [s for s in pair.gate.all_records("start") if s["replaces"]]
        assert start["replaces"] == "a worker that did not answer for 2 s"


def test_one_that_stands_still_for_less_is_left_alone(tmp_path: Path) -> None:
    """It is told of, and missing for as long; the gate is ready all the same."""
    with paired(tmp_path, **TWO) as pair:
        admin = Admin(pair.gate)
        before = workers(pair.gate)
        hung = min(before)
        with paused(hung):
            assert wait_until(lambda: admin.degraded() != [])
            (told,) = admin.degraded()
            assert told in ("worker 1 does not answer", "worker 2 does not answer")
            assert admin.ready() == (200, [])
            assert admin.value("hookgate_workers") == 1
            assert admin.value("hookgate_workers_wanted") == 2
            for _ in range(5):
                assert ask(pair.port, post(CLEAN)).status == 200
        assert wait_until(lambda: admin.value("hookgate_workers") == 2)
        assert admin.degraded() == []
        assert workers(pair.gate) == before


def test_nobody_is_ready_while_every_worker_hangs(tmp_path: Path) -> None:
    """Liveness is another matter: the supervisor replaces them."""
    with sidecar(NOWHERE, tmp_path, **TWO) as gate, contextlib.ExitStack() as stack:
        admin = Admin(gate)
        for pid in workers(gate):
            stack.enter_context(paused(pid))
        assert wait_until(lambda: admin.ready()[0] == 503)
        assert admin.ready()[1] == [
            "no worker serves",
            "worker 1 does not answer",
            "worker 2 does not answer",
        ]
        assert admin.get("/healthz").status == 200
        stack.close()
        assert wait_until(lambda: admin.ready() == (200, []))


def test_a_reload_does_not_wait_for_one_that_hangs(tmp_path: Path) -> None:
    """It goes by the new configuration when it runs again, whatever came after."""
    with paired(tmp_path, **TWO) as pair:
        gate, admin = pair.gate, Admin(pair.gate)
        with paused(min(workers(gate))):
            for depth in (32, 33):
                (tmp_path / "hookgate.toml").write_text(f"[request]\nmax_depth = {depth}\n")
                gate.process.send_signal(signal.SIGHUP)
                gate.wait_for_log("gate.reload_applied")
        assert wait_until(lambda: both_go_by_one(admin))


def both_go_by_one(admin: Admin) -> bool:
    """Whether two workers are told of, and one configuration; one that is late is left out."""
    samples = admin.samples()
    count = [s.value for s in samples if s.name == "hookgate_workers"]
    configs = {s.labels["config"] for s in samples if s.name == "hookgate_policy_info"}
    return count == [2] and len(configs) == 1


def test_a_roll_does_not_wait_for_one_that_hangs(tmp_path: Path) -> None:
    """The new ones serve, and the old ones are gone, whether they drained or not."""
    with sidecar(NOWHERE, tmp_path, **SOON) as gate:
        old = workers(gate)
        os.kill(min(old), signal.SIGSTOP)
        gate.process.send_signal(signal.SIGUSR2)
        gate.wait_for_log("supervisor.rolled")
        assert wait_until(lambda: not workers(gate) & old)
        assert len(workers(gate)) == 2


def test_a_stop_does_not_wait_for_one_that_hangs(tmp_path: Path) -> None:
    """Not longer than for its answer, nor than for a drain."""
    with sidecar(NOWHERE, tmp_path, **SOON, **{"sidecar.drain": "60s"}) as gate:
        hung, other = workers(gate)
        os.kill(hung, signal.SIGSTOP)
        assert gate.stop(15) == 0
        assert not is_there(hung)
        assert not is_there(other)


def test_a_machine_that_slept_kills_nobody(tmp_path: Path) -> None:
    """All stood still for longer than a worker may; who wakes first does not judge the others."""
    with paired(tmp_path, **SOON) as pair:
        admin = Admin(pair.gate)
        before = workers(pair.gate)
        with contextlib.ExitStack() as stack:
            for pid in (*before, pair.gate.process.pid):
                stack.enter_context(paused(pid))
            time.sleep(3)
        assert ask(pair.port, post(CLEAN)).status == 200
        assert wait_until(lambda: admin.value("hookgate_workers") == 2)
        assert workers(pair.gate) == before
        assert pair.gate.stop() == 0
        assert "worker.killed" not in pair.gate.log.whole()


def test_a_stopped_one_ends_in_good_order_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    """The kernel sets it going again, and it drains."""
    with sidecar(NOWHERE, tmp_path, **TWO) as gate:
        there = workers(gate)
        for pid in there:
            os.kill(pid, signal.SIGSTOP)
        gate.kill()
        assert wait_until(lambda: not any(map(is_there, there)))
        assert [r["event"] for r in gate.all_records("stop")] == ["stop", "stop"]


def test_one_that_does_not_serve_yet_ends_with_its_supervisor(tmp_path: Path) -> None:
    """Nothing was begun."""
    with sidecar(NOWHERE, tmp_path, **TWO) as gate:
        before = workers(gate)
        os.kill(min(before), signal.SIGKILL)
        assert wait_until(lambda: bool(workers(gate) - before))
        there = workers(gate) | before
        gate.kill()
        assert wait_until(lambda: not any(map(is_there, there)))


def test_one_that_hangs_in_c_ends_when_its_supervisor_is_killed(hung_orphan: int) -> None:
    """Though no line of Python runs in it any more."""
    assert wait_until(lambda: not is_there(hung_orphan))
