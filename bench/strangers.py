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
import asyncio
import contextlib
import json
import multiprocessing
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import uvloop

from hookgate.samples import documented_events

CLEAN, STRANGER = "127.0.0.10", "127.0.0.66"
SIDECAR_CORE, LOAD_CORE = 0, 1
BODY = documented_events()["rcs-suggestion-click"]
REQUEST = (
    b"POST /cm/events HTTP/1.1\r\nHost: gate\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(BODY)
) + BODY
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
PAUSE_SECONDS = 0.001
RETURN_SECONDS = 5
DRIP_SECONDS = 0.004
HOOKGATE = str(Path(sys.executable).with_name("hookgate"))


class Upstream(asyncio.Protocol):
    """Answers 200 to whatever ends like the event."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP's
        self._tail = b""

    def data_received(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-len(BODY) :]
        if self._tail == BODY:
            self._transport.write(OK)


class Stranger(asyncio.Protocol):
    """One connection; `gone` is done when it has ended."""

    def __init__(self, gone: asyncio.Future[None]) -> None:
        self.gone = gone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP's

    def connection_lost(self, _: Exception | None) -> None:
        self.gone.set_result(None)


class Strangers:
    """Keeps `count` connections, or the attempts to have them."""

    def __init__(self, port: int, count: int) -> None:
        self.open: set[Stranger] = set()
        self.turned_away = 0
        self._port = port
        self._drips: deque[Stranger] = deque()
        self._tasks = [asyncio.create_task(self._stay(place)) for place in range(count)]
        self._tasks.append(asyncio.create_task(self._drip(count / 2)))

    async def _stay(self, place: int) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(place / 1000)  # they come a thousand a second
        while True:
            stranger = Stranger(loop.create_future())
            with contextlib.suppress(OSError):
                await self._connect(stranger)
                self.open.add(stranger)
                if place % 2:
                    stranger.transport.write(b"POST / HTTP/1.1\r\nX: ")
                    self._drips.append(stranger)
                await stranger.gone
                self.open.discard(stranger)
            self.turned_away += 1
            await asyncio.sleep(RETURN_SECONDS)

    async def _connect(self, stranger: Stranger) -> None:
        await asyncio.get_running_loop().create_connection(
            lambda: stranger, "127.0.0.1", self._port, local_addr=(STRANGER, 0)
        )

    async def _drip(self, a_second: float) -> None:
        while True:
            await asyncio.sleep(DRIP_SECONDS)
            for _ in range(min(len(self._drips), round(a_second * DRIP_SECONDS))):
                stranger = self._drips.popleft()
                if not stranger.gone.done():
                    stranger.transport.write(b"x")
                    self._drips.append(stranger)


async def _strangers(port: int, count: int, pipe: Connection) -> None:
    strangers = Strangers(port, count)
    while True:
        await asyncio.sleep(0.2)
        if pipe.poll():
            pipe.recv()
            pipe.send((len(strangers.open), strangers.turned_away))


def strangers_process(port: int, count: int, pipe: Connection) -> None:
    os.sched_setaffinity(0, {LOAD_CORE})
    with contextlib.suppress(KeyboardInterrupt, EOFError):
        uvloop.run(_strangers(port, count, pipe))


def upstream_process(pipe: Connection) -> None:
    os.sched_setaffinity(0, {LOAD_CORE})

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(main())


@contextlib.contextmanager
def forked(target: object, *arguments: object) -> Iterator[Connection]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=target, args=(*arguments, theirs), daemon=True)  # type: ignore[arg-type]
    process.start()
    try:
        yield ours
    finally:
        process.terminate()
        process.join()


@contextlib.contextmanager
def sidecar(upstream: int, folder: Path, **keys: str) -> Iterator[int]:
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
    """Milliseconds of each exchange, in ascending order."""
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


def percentile(ascending: list[float], share: int) -> float:
    return ascending[min(len(ascending) * share // 100, len(ascending) - 1)]


if __name__ == "__main__":
    main()
