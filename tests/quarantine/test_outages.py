"""A quarantine that cannot be used: refusals stand, what passes passes, and all of it is told."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.disk import fill, free, small_disk
from support.events import CLEAN, event
from support.kept import files, narrow
from support.ledger import assert_balanced, assert_chained
from support.raw import ask, post
from support.receiver import receiving
from support.sidecar import Sidecar, sidecar

HOLDER = """
import fcntl, sys
file = open(sys.argv[1], "rb+")
fcntl.flock(file, fcntl.LOCK_EX)
print(flush=True)
input()
"""


def refuse(gate: Sidecar, name: str) -> tuple[int, dict[str, object]]:
    """Have an event refused: the answer's status, and its record."""
    before = len(gate.records("delivery"))
    status = ask(gate.port, post(event(reference=name), b"/narrow")).status
    return status, gate.wait_for_deliveries(before + 1)[-1]


def read_only(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)


def writable(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)


Act = Callable[[Path], object]
OUTAGES: dict[str, tuple[Act, Act]] = {
    "full": (fill, free),
    "read-only": (read_only, writable),
    "moved away": (
        lambda disk: (disk / "quarantine").rename(disk / "elsewhere"),
        lambda disk: (disk / "elsewhere").rename(disk / "quarantine"),
    ),
}


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES)
def test_an_outage_of_the_store_refuses_nothing_that_passes(
    tmp_path: Path, outage: tuple[Act, Act]
) -> None:
    """On a file system of its own: before, during and after, with the same ledger."""
    breaks, mends = outage
    with small_disk(tmp_path / "disk", 2 << 20) as disk, receiving() as upstream:
        keys = narrow(tmp_path, store=disk)
        with sidecar(upstream.url, tmp_path, **keys) as gate:
            status, record = refuse(gate, "before")
            assert (status, "kept" in record) == (422, True)
            breaks(disk)
            status, record = refuse(gate, "during")
            assert (status, record["not_kept"]) == (422, "unavailable")
            assert "kept" not in record
            assert ask(gate.port, post(CLEAN)).status == 200
            mends(disk)
            status, record = refuse(gate, "after")
            assert (status, "kept" in record) == (422, True)
            assert gate.stop() == 0
        assert_chained(gate.audit)
        assert_balanced(gate.audit)
        assert "quarantine." in gate.log.whole()
        assert len(files(disk)) == 2


def test_a_gate_begins_without_its_store(tmp_path: Path) -> None:
    """A side feature stops no event; it says so, and keeps as soon as the folder can be made."""
    with receiving() as upstream:
        keys = narrow(tmp_path, store=tmp_path / "not mounted")
        with sidecar(upstream.url, tmp_path, **keys) as gate:
            assert ask(gate.port, post(CLEAN)).status == 200
            assert refuse(gate, "early")[1]["not_kept"] == "unavailable"
            assert gate.stop() == 0
        assert "quarantine." in gate.log.whole()


def test_bounds_hold_and_the_oldest_stays(tmp_path: Path) -> None:
    """Beyond, nothing is kept; nothing that is kept is dropped for it."""
    with sidecar(
        "http://127.0.0.1:1", tmp_path, **narrow(tmp_path), **{"quarantine.max_items": "2"}
    ) as gate:
        told = [refuse(gate, name)[1] for name in ("a", "b", "c", "a")]
        assert gate.stop() == 0
    assert [record.get("not_kept") for record in told] == [None, None, "full", None]
    assert told[0]["kept"] == told[3]["kept"]
    assert len(files(tmp_path)) == 2


def test_a_stopped_process_that_has_the_lock_holds_up_nobody(tmp_path: Path) -> None:
    """Its sender is answered within seconds, and what passes at once."""
    with receiving() as upstream, sidecar(upstream.url, tmp_path, **narrow(tmp_path)) as gate:
        refuse(gate, "first")
        lock = tmp_path / "quarantine/lock"
        with subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.send_signal(signal.SIGSTOP)
            status, record = refuse(gate, "second")
            assert (status, record["not_kept"] in ("unavailable", "too_slow")) == (422, True)
            assert ask(gate.port, post(CLEAN)).status == 200
            process.kill()
        assert "kept" in refuse(gate, "third")[1]
