"""What thousands of strangers cost the clean sender: its latency without and with them.

    python bench/strangers.py [--strangers 2000] [--seconds 10] [--rounds 3]

The sidecar has one core; the clean sender, the strangers and the upstream share the other. The
sender sends one event after the other on one connection. Half of the strangers say nothing, half
drip a request head, a byte a second.

- `held`: the bounds are raised until every stranger keeps its connection.
- `turned away`: the bounds are the default ones, and whoever is turned away comes back later.

Rounds are interleaved and medians are printed. Beside that of the same round without strangers p99
may at most double, or the exit status is 1.
"""

import argparse
import contextlib
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

# This folder's parent, so that the bench is a package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.events import EVENT
from bench.load import percentile
from bench.strangers_load import (
    CLEAN,
    LOAD_CORE,
    forked,
    strangers_process,
    upstream_process,
)

SIDECAR_CORE = 0

REQUEST = (
    b"POST /cm/events HTTP/1.1\r\nHost: gate\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(EVENT)
) + EVENT
PAUSE_SECONDS = 0.001
HOOKGATE = str(Path(sys.executable).with_name("hookgate"))


@contextlib.contextmanager
def sidecar(upstream: int, folder: Path, **keys: str) -> Iterator[int]:
    """Run the sidecar on its core until the block ends; yields its port."""
    settings = {
        "UPSTREAM__URL": f"http://127.0.0.1:{upstream}",
        "SOURCE__ALLOW": CLEAN,
        "SIDECAR__LISTEN": "127.0.0.1:0",
        "AUDIT__PATH": str(folder / "audit.jsonl"),
        **keys,
    }
    process = subprocess.Popen(
        ["taskset", "-c", str(SIDECAR_CORE), HOOKGATE, "serve"],
        env={**os.environ, **{f"HOOKGATE_{key}": value for key, value in settings.items()}},
        stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        yield next(
            record["port"]
            for record in map(json.loads, process.stderr)
            if record["event"] == "sidecar.listening"
        )
    finally:
        process.terminate()
        process.wait(20)


def latencies(port: int, seconds: float) -> list[float]:
    """Exchange one event after the other; return the milliseconds of each, ascending.

    Exits where an event is not answered 200.
    """
    found = []
    with socket.create_connection(("127.0.0.1", port), source_address=(CLEAN, 0)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            began = time.perf_counter()
            client.sendall(REQUEST)
            if not client.recv(4096).startswith(b"HTTP/1.1 200 "):
                sys.exit("bench: the clean sender was refused")
            found.append((time.perf_counter() - began) * 1000)
            time.sleep(PAUSE_SECONDS)
    return sorted(found)


def main() -> None:
    """Run as the command line says; exits 1 where p99 more than doubled."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strangers", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    count: int = options.strangers
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, {LOAD_CORE})
    held = {
        "SIDECAR__MAX_CONNECTIONS": str(2 * count),
        "SIDECAR__MAX_FOREIGN_CONNECTIONS": str(count + 1),
        "SIDECAR__HEAD_TIMEOUT": "1h",
    }
    cases: dict[str, tuple[dict[str, str], int]] = {
        "none": ({}, 0),
        "held": (held, count),
        "turned away": ({}, count),
    }
    results: dict[str, list[list[float]]] = {name: [] for name in cases}
    for _ in range(options.rounds):
        for name, (keys, strangers) in cases.items():
            with (
                tempfile.TemporaryDirectory() as folder,
                forked(upstream_process) as upstream,
                sidecar(upstream.recv(), Path(folder), **keys) as port,
                forked(strangers_process, port, strangers) as crowd,
            ):
                time.sleep(1 + strangers / 500)
                results[name].append(latencies(port, options.seconds))
                crowd.send(None)
                is_open, turned_away = crowd.recv()
                last = results[name][-1]
                print(f"{name:12} {is_open:5} open, {turned_away:6} turned away, "
                      f"{len(last)} requests, p99 {percentile(last, 99):.2f} ms")  # fmt: skip
    print(f"\n{'strangers':12} {'p50 ms':>8} {'p99 ms':>8} {'p99 against none':>18}")
    quiet = [percentile(found, 99) for found in results["none"]]
    worst = 0.0
    for name, rounds in results.items():
        p50, p99 = (statistics.median(percentile(r, share) for r in rounds) for share in (50, 99))
        times = statistics.median(
            percentile(found, 99) / alone for found, alone in zip(rounds, quiet, strict=True)
        )
        worst = max(worst, times)
        print(f"{name:12} {p50:8.2f} {p99:8.2f} {times:17.2f}x")
    sys.exit(worst > 2)


if __name__ == "__main__":
    main()
