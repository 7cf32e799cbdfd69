"""A gate whose ledger's disk is full: it lets nothing through, and comes back by itself."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.disk import FULL_STDOUT, fill, free, small_disk
from support.events import CLEAN
from support.ledger import assert_balanced, assert_chained, lines_so_far, read_ledger
from support.load import sending
from support.raw import ask, post, wait_until
from support.receiver import receiving
from support.sidecar import ALLOWED, FOREIGN, HOOKGATE, Sidecar, sidecar
from support.starved import timed

PAGE = 4096  # what a tmpfs has given to a file stays the file's to fill


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB."""
    with small_disk(tmp_path / "disk") as folder:
        yield folder


def assert_fails_closed(gate: Sidecar) -> None:
    """Clean events are told to come again; refusals are refused as ever."""
    for _ in range(3):
        reply = timed("the ledger's disk is full", gate.port, post(CLEAN))
        assert reply.status == 503
        assert reply.values(b"Retry-After") == [b"5"]
        assert json.loads(reply.body)["reason"] == "audit_unavailable"
    assert ask(gate.port, post(CLEAN), FOREIGN).status == 403
    assert ask(gate.port, post(CLEAN[:-1])).status == 400
    assert ask(gate.port, post(b"{}")).status == 422


def test_on_a_full_disk_nothing_is_forwarded_and_space_brings_it_back(
    tmp_path: Path, disk: Path
) -> None:
    """The upstream sees not even a connection; the outage ends without a restart."""
    audit = disk / "audit.jsonl"
    fill(disk)
    keys = {"audit.path": str(audit)}
    with receiving() as upstream, sidecar(upstream.url, tmp_path, **keys) as gate:
        assert_fails_closed(gate)
        assert audit.read_bytes() == b""
        assert (upstream.connections, upstream.seen) == (0, [])
        free(disk)
        assert ask(gate.port, post(CLEAN)).status == 200
        assert len(upstream.seen) == 1
        assert gate.stop() == 0
        log = gate.log.whole()
        assert log.count("ledger.unavailable") == log.count("ledger.recovered") == 1
    assert_chained(audit)
    assert assert_balanced(audit) == {"delivered": 1, "failed": 3, "refused": 3}
    assert read_ledger(audit)[0]["event"] == "start"


def test_an_outage_is_made_up_for_though_nobody_sends(tmp_path: Path, disk: Path) -> None:
    """With space back, the sums of what was refused meanwhile appear by themselves."""
    audit = disk / "audit.jsonl"
    fill(disk)
    keys = {"audit.path": str(audit)}
    with receiving() as upstream, sidecar(upstream.url, tmp_path, **keys) as gate:
        assert_fails_closed(gate)
        free(disk)
        assert wait_until(lambda: len(gate.records("refusals")) == 4)
        assert {r["cause"] for r in gate.records("refusals")} == {"audit_unavailable"}
        assert sum(r["count"] for r in gate.records("refusals")) == 6


@pytest.mark.parametrize("fsync", ["never", "interval", "always"])
def test_a_disk_that_fills_under_load_loses_no_delivery(
    fsync: str, tmp_path: Path, disk: Path
) -> None:
    """Six clients send before, during and after: what was seen was recorded first, whole lines."""
    audit = disk / "audit.jsonl"
    keys = {"audit.path": str(audit), "audit.fsync": fsync}
    with receiving() as upstream, sidecar(upstream.url, tmp_path, **keys) as gate:
        fill(disk, leave=64 * 1024)
        with sending(gate.port) as load:
            assert wait_until(lambda: len(load.answered(503)) >= 20)
            before = len(load.answered(200))
            free(disk)
            fill(disk, leave=64 * 1024)
            assert wait_until(lambda: len(load.answered(200)) >= before + 10)
        free(disk)
        assert gate.stop() == 0
        seen = {request.digest for request in upstream.seen}
    assert load.unanswered == set()
    assert set(load.answers.values()) == {200, 503}
    assert load.answered(200) == seen
    records = read_ledger(audit)
    assert seen <= {r["sha256"] for r in records if r["event"] == "forward"}
    delivered = [r["sha256"] for r in records if r.get("outcome") == "delivered"]
    assert sorted(delivered) == sorted(seen)
    assert_chained(audit)
    assert assert_balanced(audit) == {
        "delivered": len(load.answered(200)),
        "failed": len(load.answered(503)),
    }


def test_a_device_that_is_always_full_never_lets_anything_through(tmp_path: Path) -> None:
    """Nothing was recorded, so nothing goes upstream, and the stop says what was lost."""
    keys = {"patch": FULL_STDOUT, "audit.path": "-"}
    with receiving() as upstream, sidecar(upstream.url, tmp_path, **keys) as gate:
        assert_fails_closed(gate)
        assert gate.stop() == 0
        assert (upstream.connections, upstream.seen) == (0, [])
        log = gate.log.whole()
        assert log.count("ledger.unavailable") == log.count("ledger.lines_lost") == 1


def test_a_full_disk_that_also_holds_the_operational_log_changes_nothing(
    tmp_path: Path, disk: Path
) -> None:
    """With stderr a file on the same disk each request is still answered, and it recovers."""
    audit, errors = disk / "audit.jsonl", disk / "stderr"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HOOKGATE_")}
    environment["HOOKGATE_SOURCE__ALLOW"] = ALLOWED
    options = ["--listen", "127.0.0.1:0", "--audit", str(audit)]
    with receiving() as upstream, errors.open("ab") as stderr:
        command = [HOOKGATE, "serve", "--upstream", upstream.url, *options]
        process = subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=stderr)
        try:
            assert wait_until(lambda: b"sidecar.listening" in b"".join(lines_so_far(errors)))
            port = json.loads(lines_so_far(errors)[-1])["port"]
            stderr.write(b"\n" * (-errors.stat().st_size % PAGE))
            stderr.flush()
            fill(disk)
            statuses = [ask(port, post(CLEAN)).status for _ in range(100)]
            assert statuses[-50:] == [503] * 50
            assert len(upstream.seen) == statuses.count(200)
            free(disk)
            assert ask(port, post(CLEAN)).status == 200
        finally:
            process.terminate()
            assert process.wait(30) == 0
    assert_chained(audit)
    assert assert_balanced(audit) == {
        "delivered": statuses.count(200) + 1,
        "failed": statuses.count(503),
    }
