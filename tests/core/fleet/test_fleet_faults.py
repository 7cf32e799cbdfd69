"""Shippers and stores that die at any moment, under a gate that writes and rotates all the time."""

import gzip
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.fleet import NEWEST, OLDEST, Chain, Fleet, made_in
from support.ports import free_ports
from support.postgres import installations, running
from support.raw import wait_until

pytestmark = pytest.mark.soak
_SECONDS = 60


class Gate:
    """Writes boot after boot, rotates, compresses, and forgets nothing of what it wrote."""

    def __init__(self, ledger: Path, seed: int) -> None:
        self._ledger = ledger
        self._random = random.Random(seed)
        self.written: dict[str, bytes] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Gate":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        number, rotated = 0, 0
        chain = Chain(self._ledger, "b0")
        while not self._ended.wait(0.002):
            data = chain.lines(self._random.randrange(1, 40))
            dice = self._random.random()
            if dice < 0.005:
                data += chain.line("stop")
            self.written[chain.boot] = self.written.get(chain.boot, b"") + data
            chain.write(data)
            if dice < 0.01:  # with a stop or without
                number += 1
                follows = f"{chain.boot}:{chain.n}:{chain.prev}"
                chain = Chain(self._ledger, f"b{number}", follows)
            elif dice < 0.02:
                rotated += 1
                self._ledger.rename(f"{self._ledger}.{rotated}")
                old = Path(f"{self._ledger}.{rotated - 1}")
                if old.exists():
                    packed = Path(f"{old}.gz")
                    packed.write_bytes(gzip.compress(old.read_bytes()))
                    old.unlink()


@contextmanager
def shipping(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`hookgate ship` as a process of its own."""
    with (folder / "log").open("ab") as log:
        command = [sys.executable, "-m", "hookgate_cli", "ship"]
        process = subprocess.Popen(command, cwd=folder, stderr=log, env=os.environ)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def configure(folder: Path, fleet: Fleet, dsn: str) -> None:
    (folder / "gate.dsn").write_text(dsn)
    (folder / "gate.dsn").chmod(0o600)
    (folder / "hookgate.toml").write_text(
        '[audit]\npath = "audit.jsonl"\n[fleet]\nname = "amsterdam"\ndsn_file = "gate.dsn"\n'
    )


def assert_whole(fleet: Fleet, gate: Gate) -> None:
    """Each line that was written is there once, and nothing was found."""
    assert {boot: fleet.bytes_of(boot) for boot in gate.written} == gate.written
    assert fleet.findings() == []
    assert fleet.sql("SELECT count(*) FROM hookgate.fork") == [(0,)]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_each_line_is_there_once_whatever_dies(version: str, tmp_path: Path) -> None:
    """A shipper is killed at random moments, and so is the store; connections break; two shippers
    run at once for a while.
    """
    seed = random.randrange(1 << 32)
    dice = random.Random(seed)
    sys.stdout.write(f"seed {seed}\n")
    ledger = tmp_path / "audit.jsonl"
    (port,) = free_ports(1)
    folder = Path(f"/tmp/hookgate-postgres-{port}")
    deaths = 0
    with running(installations()[version], folder, port) as server:
        fleet = made_in(server)
        with fleet.through_proxy() as (proxy, dsn):
            configure(tmp_path, fleet, dsn)
            until = time.monotonic() + _SECONDS
            with Gate(ledger, seed) as gate:
                while time.monotonic() < until:
                    with shipping(tmp_path):
                        time.sleep(dice.uniform(0.3, 4))
                        kind = dice.randrange(5)
                        if kind == 0:
                            server.kill()
                            time.sleep(dice.uniform(0, 2))
                            server.start()
                        elif kind == 1:
                            proxy.break_off()
                        elif kind == 2:
                            proxy.answers_left = dice.randrange(20)
                        elif kind == 3:
                            with shipping(tmp_path):
                                time.sleep(dice.uniform(0.3, 3))
                        proxy.answers_left = -1
                        time.sleep(dice.uniform(0, 2))
                    deaths += 1
        configure(tmp_path, fleet, fleet.gate())
        once = [sys.executable, "-m", "hookgate_cli", "ship", "--once"]
        subprocess.run(once, cwd=tmp_path, check=True, timeout=120)
        assert deaths > 5
        assert len(gate.written) > 3
        assert_whole(fleet, gate)
        fleet.close()


def test_a_slow_store_is_caught_up_with(tmp_path: Path) -> None:
    """A second for each piece of an answer: lines gather into segments that are larger, and a stop
    is done within seconds.
    """
    (port,) = free_ports(1)
    with running(installations()[NEWEST], Path(f"/tmp/hookgate-postgres-{port}"), port) as server:
        fleet = made_in(server)
        with fleet.through_proxy() as (proxy, dsn):
            configure(tmp_path, fleet, dsn)
            proxy.delay = 1.0
            with Gate(tmp_path / "audit.jsonl", 1) as gate, shipping(tmp_path) as process:
                time.sleep(20)
                assert wait_until(
                    lambda: fleet.sql("SELECT count(*) > 3 FROM hookgate.segment")[0][0]
                )
                began = time.monotonic()
                process.terminate()
                assert process.wait(30) == 0
                assert time.monotonic() - began < 10
        configure(tmp_path, fleet, fleet.gate())
        once = [sys.executable, "-m", "hookgate_cli", "ship", "--once"]
        subprocess.run(once, cwd=tmp_path, check=True, timeout=120)
        assert_whole(fleet, gate)
        fleet.close()
