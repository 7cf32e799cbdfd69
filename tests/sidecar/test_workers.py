"""Several workers on one socket."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hookgate.ledger.audit.balance import balance
from hookgate.ledger.audit.chain import verify
from hookgate.ledger.reading.reader import read
from support.events import CLEAN
from support.ledger import assert_balanced, assert_chained, read_ledger
from support.load import sending
from support.pair import Pair, paired
from support.process import children, is_there
from support.raw import ask, connected, post, wait_until
from support.receiver import receiving
from support.sidecar import HOOKGATE, sidecar


def pids(pair: Pair) -> set[int]:
    """Of the workers."""
    return children(pair.gate.process.pid)


def kill_and_await_another(pair: Pair, pid: int) -> None:
    """Returns once somebody serves in its place."""
    os.kill(pid, signal.SIGKILL)
    while not pair.gate.wait_for_log("worker.serving")["replaces"]:
        pass


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with paired(tmp_path, **{"sidecar.workers": "2"}) as running:
        yield running


def test_each_worker_writes_a_ledger_of_its_own(pair: Pair) -> None:
    """And all of them serve."""

    def all_served() -> bool:
        assert ask(pair.port, post(CLEAN)).status == 200
        return all(
            any(r["event"] == "delivery" for r in read_ledger(p, growing=True))
            for p in pair.gate.ledgers()
        )

    assert wait_until(all_served)
    assert [path.name for path in pair.gate.ledgers()] == ["audit.1.jsonl", "audit.2.jsonl"]
    starts = pair.gate.all_records("start")
    assert sorted(start["worker"] for start in starts) == [1, 2]
    assert {start["replaces"] for start in starts} == {None}
    assert len({start["boot"] for start in starts}) == 2


def test_a_worker_that_dies_is_replaced_and_its_death_recorded(pair: Pair) -> None:
    """In the operational log, and in the ledger by the one that takes its place."""
    (victim, other) = pids(pair)
    kill_and_await_another(pair, victim)
    assert pair.gate.log.lines('"how": "ended with signal 9"')
    assert other in pids(pair)
    (start,) = [s for s in pair.gate.all_records("start") if s["replaces"]]
    assert start["replaces"] == "a worker that ended with signal 9"
    assert start["previous_line"]
    for _ in range(20):
        assert ask(pair.port, post(CLEAN)).status == 200


def test_what_a_killed_worker_had_forwarded_is_named_and_nothing_else_is_lost(
    tmp_path: Path,
) -> None:
    """Every answered event is in a ledger, and at the upstream; a line may be torn."""
    keys = {"sidecar.workers": "2"}
    with receiving() as upstream, sidecar(upstream.url, tmp_path, **keys) as gate:
        pair = Pair(gate, upstream)
        with sending(pair.port, pause=0) as load:
            for _ in range(3):
                time.sleep(0.5)
                kill_and_await_another(pair, min(pids(pair)))
        assert gate.stop() == 0
        ledgers = gate.ledgers()
    records = [line.record for line in read(ledgers) if line.record is not None]
    recorded = {r["sha256"] for r in records if r["event"] == "delivery"}
    forwards = {r["sha256"] for r in records if r["event"] == "forward"}
    seen = {request.digest for request in upstream.seen}
    assert load.answered(200)
    assert load.answered(200) <= recorded & seen
    assert seen <= forwards
    assert forwards - recorded <= load.unanswered
    assert verify(read(ledgers)).holds
    assert balance(read(ledgers)).balances


def test_workers_are_renewed_one_by_one_without_a_failed_delivery(pair: Pair) -> None:
    """SIGUSR2: new ones serve before the old ones drain."""
    old = pids(pair)
    with sending(pair.port) as load:
        assert wait_until(lambda: len(load.answers) > 50)
        pair.gate.process.send_signal(signal.SIGUSR2)
        assert wait_until(lambda: not pids(pair) & old)
        count = len(load.answers)
        assert wait_until(lambda: len(load.answers) > count or len(load.unanswered) == 6)
    assert len(pids(pair)) == 2
    assert set(load.answers.values()) == {200}
    # A sender that this machine holds up beyond the last call finds its connection closed: nothing
    # of that event was begun. tests/sidecar/test_stop.py holds the last call itself.
    deliveries = pair.gate.all_records("delivery")
    begun = {record["sha256"] for record in deliveries} | {s.digest for s in pair.upstream.seen}
    assert load.unanswered.isdisjoint(begun)
    assert {record["outcome"] for record in deliveries} == {"delivered"}
    assert ask(pair.port, post(CLEAN)).status == 200
    assert len(pair.gate.all_records("stop")) == 2


def test_a_stop_drains_every_worker(tmp_path: Path) -> None:
    """With 0, each ledger balanced and closed; nobody is left."""
    with paired(tmp_path, **{"sidecar.workers": "3"}) as running:
        for _ in range(30):
            assert ask(running.port, post(CLEAN)).status == 200
        workers = pids(running)
        assert running.gate.stop() == 0
        assert not any(map(is_there, workers))
        assert len(running.gate.ledgers()) == 3
        for path in running.gate.ledgers():
            assert_chained(path)
            assert_balanced(path)
            assert read_ledger(path)[-1]["event"] == "stop"


def test_workers_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    """Draining: nobody would replace them, and a new supervisor wants the address."""
    with sidecar("http://127.0.0.1:9", tmp_path, **{"sidecar.workers": "2"}) as gate:
        workers = pids(Pair(gate, None))  # type: ignore[arg-type]  # no upstream is asked
        gate.kill()
        assert wait_until(lambda: not any(map(is_there, workers)))
        assert [r["event"] for r in gate.all_records("stop")] == ["stop", "stop"]


def test_a_worker_that_cannot_write_its_ledger_stops_the_start(tmp_path: Path) -> None:
    """In one line that names the file, and nobody is left."""
    (tmp_path / "audit.2.jsonl").mkdir()
    done = subprocess.run(
        [HOOKGATE, "serve", "--upstream", "http://127.0.0.1:9", "--listen", "127.0.0.1:0"],
        env={"HOOKGATE_SIDECAR__WORKERS": "2", "HOOKGATE_AUDIT__PATH": "audit.jsonl"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert 'audit.2.jsonl" cannot be opened' in done.stderr
    assert "Traceback" not in done.stderr


def test_connections_are_taken_by_whoever_is_free(pair: Pair) -> None:
    """A worker that is stopped does not keep those it has not accepted."""
    stopped = min(pids(pair))
    os.kill(stopped, signal.SIGSTOP)
    try:
        for _ in range(10):
            with connected(pair.port) as client:
                client.send(post(CLEAN))
                assert client.read().status == 200
    finally:
        os.kill(stopped, signal.SIGCONT)
