"""No thread can be had, as under RLIMIT_NPROC or a cgroup's pids.max: it goes without."""

import subprocess
from pathlib import Path

from support.events import CLEAN
from support.ledger import assert_balanced, assert_chained
from support.raw import connected, post, wait_until
from support.receiver import receiving
from support.starved import starved_sidecar, timed

NO_THREADS = """
import threading
def start(self):
    raise RuntimeError("can't start new thread")
threading.Thread.start = start
"""


def test_events_are_synced_and_delivered_all_the_same(tmp_path: Path) -> None:
    """More than a sync comes after, and over a rotation, whose state file is written too."""
    with (
        receiving() as upstream,
        starved_sidecar(
            upstream.url, tmp_path, patch=NO_THREADS, stderr=subprocess.DEVNULL
        ) as gate,
    ):
        with connected(gate.port) as client:
            for _ in range(120):
                client.send(post(CLEAN))
                assert client.read().status == 200
        old = gate.audit.rename(tmp_path / "audit.jsonl.1")
        assert wait_until(gate.audit.exists)
        assert timed("no thread can be had", gate.port, post(CLEAN)).status == 200
        assert gate.stop() == 0
    whole = tmp_path / "whole.jsonl"
    whole.write_bytes(old.read_bytes() + gate.audit.read_bytes())
    assert_chained(whole)
    assert assert_balanced(whole)["delivered"] == 121


def test_a_name_cannot_be_looked_up_and_that_is_502(tmp_path: Path) -> None:
    """At once, and not a fault."""
    with (
        receiving() as upstream,
        starved_sidecar(
            f"http://localhost:{upstream.port}",
            tmp_path,
            patch=NO_THREADS,
            stderr=subprocess.DEVNULL,
        ) as gate,
    ):
        assert timed("no thread for a look-up", gate.port, post(CLEAN)).status == 502
