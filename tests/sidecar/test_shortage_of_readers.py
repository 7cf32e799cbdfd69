"""Streams that nobody reads: the operational log is not waited for, a ledger fails in time."""

import json
import signal
import subprocess
from pathlib import Path

from support.admin import ON
from support.events import CLEAN
from support.ledger import Record, assert_balanced, assert_chained
from support.ports import free_ports
from support.raw import ask, post, wait_until
from support.receiver import receiving
from support.starved import Starved, full_pipe, starved_sidecar, timed

# So that twenty messages do not fit, and a checkpoint comes each second.
SMALL_SPOOL = (
    "from hookgate import unblocked\nunblocked.MOST_BYTES = 3000\n"
    "from hookgate.ledger.writing import checkpoints\ncheckpoints.EVERY_SECONDS = 0\n"
)


def reload(gate: Starved, count: int) -> None:
    """Have the operational log and the ledger get as many lines, one after the other."""
    for number in range(count):
        gate.process.send_signal(signal.SIGHUP)
        assert wait_until(lambda done=number: reloads(gate) > done)  # type: ignore[misc]  # bound


def reloads(gate: Starved) -> int:
    return gate.audit.read_bytes().count(b'"event":"reload"')


def test_an_operational_log_that_nobody_reads_holds_up_nobody(tmp_path: Path) -> None:
    """From the first line to the last; what did not fit is counted, and said when it flows."""
    (admin,) = free_ports(1)
    keys = {"sidecar.admin": f"127.0.0.1:{admin}"}
    with (
        receiving() as upstream,
        full_pipe() as pipe,
        starved_sidecar(
            upstream.url, tmp_path, stderr=pipe.writer, patch=SMALL_SPOOL, **keys
        ) as gate,
    ):
        reload(gate, 20)
        reply = timed("standard error is a full pipe", gate.port, post(CLEAN))
        assert reply.status == 200
        assert wait_until(lambda: dropped_checkpoints(admin) > 0)
        dropped = metric(admin, "hookgate_log_dropped_total")
        assert dropped > dropped_checkpoints(admin)
        log = pipe.drain(b"log.dropped").decode().splitlines()
        (said,) = [record for record in map(json.loads, log) if record["event"] == "log.dropped"]
        assert said["messages"] >= dropped  # a second later it may be one more
        assert "sidecar.listening" in log[0] + log[1]
        lost = dropped_checkpoints(admin)
        assert gate.stop() == 0
        stopped = pipe.drain(b'"n": ').decode().splitlines()
    assert_chained(gate.audit)
    checkpoints = [r for r in map(json.loads, stopped) if r["event"] == "ledger.checkpoint"]
    assert checkpoints[-1]["dropped"] == lost


def metric(admin: int, name: str) -> int:
    """The value of one without labels."""
    metrics = ask(admin, b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").body.decode()
    (line,) = [m for m in metrics.splitlines() if m.startswith(name + " ")]
    return int(float(line.split()[1]))


def dropped_checkpoints(admin: int) -> int:
    return metric(admin, "hookgate_log_dropped_checkpoints_total")


def test_a_log_that_is_never_read_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """Nor do the workers that share it."""
    keys = {"sidecar.workers": "2", "sidecar.drain": "1s", **ON}
    with (
        receiving() as upstream,
        full_pipe() as pipe,
        starved_sidecar(upstream.url, tmp_path, stderr=pipe.writer, **keys) as gate,
    ):
        for _ in range(4):
            reply = timed("two workers share the full pipe", gate.port, post(CLEAN))
            assert reply.status == 200
        assert gate.stop() == 0


def test_a_ledger_that_is_a_full_pipe_is_503_and_comes_back(tmp_path: Path) -> None:
    """Nothing is forwarded that is in no line; once it is read, every request is accounted for."""
    with (
        receiving() as upstream,
        full_pipe() as pipe,
        starved_sidecar(
            upstream.url,
            tmp_path,
            stdout=pipe.writer,
            stderr=subprocess.DEVNULL,
            **{"audit.path": "-"},
        ) as gate,
    ):
        flowed = 0
        while (
            reply := timed("the ledger is a pipe that fills", gate.port, post(CLEAN))
        ).status == 200:
            flowed += 1
        assert json.loads(reply.body)["reason"] == "audit_unavailable"
        for _ in range(3):
            assert timed("the ledger is a full pipe", gate.port, post(CLEAN)).status == 503
        assert len(upstream.seen) == flowed
        ledger = pipe.drain(b'"event":"refusals"')
        assert wait_until(lambda: ask(gate.port, post(CLEAN)).status == 200)
        assert gate.stop() == 0
        ledger += pipe.drain(b'"event":"stop"')
    file = tmp_path / "read.jsonl"
    file.write_bytes(ledger)
    assert_chained(file)
    counts = assert_balanced(file)
    assert counts["delivered"] == flowed + 1
    assert counts["failed"] >= 4
    assert forwarded(file) == flowed + 1


def forwarded(ledger: Path) -> int:
    records: list[Record] = [json.loads(line) for line in ledger.read_bytes().splitlines()]
    return sum(record["event"] == "forward" for record in records)
