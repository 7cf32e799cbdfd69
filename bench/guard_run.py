"""A new sidecar and a load that is always the same, and what is counted meanwhile.

Eight connections send at once and wait for all answers, again and again; the upstream too answers
when it has all eight. The sidecar is stopped while they send, so that it finds everything at once;
its timers stand still, its addresses are not random, and nothing is synced: it takes the same steps
whatever the machine's speed and whoever else is busy there.
"""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from subprocess import PIPE
from typing import NamedTuple

import httptools

from hookgate.samples import documented_events

CONNECTIONS = 8
WARM_UP = 50
PATIENCE_SECONDS = 60
WAKE_SECONDS = 0.1
EVENT = documented_events()["rcs-suggestion-click"]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGES = ("core", "sidecar", "cli", "addon")
SERVER = Path(__file__).resolve().with_name("guard_server.py")

Server = subprocess.Popen[str]
Mark = Callable[[Server], None]
Held = Callable[[], AbstractContextManager[None]]


class Kind(NamedTuple):
    """Requests of one kind: their body, `source.allow`, the status of every answer, and whether
    the ledger is sealed.
    """

    body: bytes
    allow: str
    status: int
    sealed: bool = False


KINDS = {
    "accepted": Kind(EVENT, "127.0.0.1", 200),
    "sealed": Kind(EVENT, "127.0.0.1", 200, sealed=True),
    "foreign": Kind(EVENT, "cm.com", 403),
    "broken": Kind(EVENT[:-2], "127.0.0.1", 400),
}


class Upstream(asyncio.Protocol):
    """Answers 200 on each connection once the event has come on all."""

    def __init__(self, held: Held, waiting: list[asyncio.Transport]) -> None:
        self._held = held
        self._waiting = waiting  # shared by the connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP's
        self._tail = b""

    def data_received(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-len(EVENT) :]
        if self._tail == EVENT:
            self._waiting.append(self._transport)
        if len(self._waiting) == CONNECTIONS:
            with self._held():
                for transport in self._waiting:
                    transport.write(OK)
            self._waiting.clear()


class Sender(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP's
        self._parser = httptools.HttpResponseParser(self)

    def send(self, request: bytes) -> asyncio.Future[int]:
        """Returns the status of the answer to come."""
        self._status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._status

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._status.set_result(self._parser.get_status_code())


@contextmanager
def held(process: Server) -> Iterator[None]:
    """Stopped meanwhile."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    yield
    process.send_signal(signal.SIGCONT)


async def drive(
    kind: Kind, upstream: socket.socket, process: Server, port: int, requests: int, mark: Mark
) -> None:
    """Warm up, mark, send so many, mark."""
    head = "POST /cm/events HTTP/1.1\r\nHost: gate\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(kind.body)}\r\n\r\n".encode() + kind.body
    loop = asyncio.get_running_loop()
    waiting: list[asyncio.Transport] = []
    await loop.create_server(lambda: Upstream(lambda: held(process), waiting), sock=upstream)
    opened = [await loop.create_connection(Sender, "127.0.0.1", port) for _ in range(CONNECTIONS)]

    async def send(waves: int) -> None:
        for _ in range(waves):
            async with asyncio.timeout(PATIENCE_SECONDS):
                with held(process):
                    answers = [sender.send(request) for _, sender in opened]
                statuses = await asyncio.gather(*answers)
            if set(statuses) != {kind.status}:
                sys.exit(f"guard: answered {set(statuses)}, not {kind.status}")

    await send(WARM_UP)
    mark(process)
    await send(requests // CONNECTIONS)
    mark(process)
    for transport, _ in opened:
        transport.close()


@contextmanager
def serving(
    checkout: Path, kind: Kind, upstream: int, folder: Path, *wrapper: str
) -> Iterator[tuple[Server, int]]:
    """The checkout's sidecar and its port; `wrapper` is put before its command."""
    inherited = {name: value for name, value in os.environ.items() if name[:9] != "HOOKGATE_"}
    settings = {
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(str(checkout / name) for name in PACKAGES),
        "HOOKGATE_UPSTREAM__URL": f"http://127.0.0.1:{upstream}",
        "HOOKGATE_SOURCE__ALLOW": kind.allow,
        "HOOKGATE_SIDECAR__LISTEN": "127.0.0.1:0",
        "HOOKGATE_AUDIT__FSYNC": "never",
    }
    if kind.sealed:
        seal_key = folder / "seal.key"
        seal_key.touch(mode=0o600)
        seal_key.write_text("00" * 32)
        settings["HOOKGATE_AUDIT__SEAL_KEY_FILE"] = str(seal_key)
    process = subprocess.Popen(
        ["setarch", "-R", *wrapper, sys.executable, str(SERVER)],
        env=inherited | settings, cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        said = []
        for line in process.stderr or ():
            if '"sidecar.listening"' in line:
                break
            said.append(line)
        else:
            sys.exit(f"guard: the sidecar did not start\n{''.join(said)}")
        yield process, json.loads(line)["port"]
        process.terminate()
        process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
        process.wait()


def measure(checkout: Path, kind: Kind, requests: int, mark: Mark, *wrapper: str) -> None:
    """So many requests to a new sidecar of the checkout, marked before and after."""
    with (
        tempfile.TemporaryDirectory(prefix="hookgate-guard-") as folder,
        socket.create_server(("127.0.0.1", 0)) as upstream,
        serving(checkout, kind, upstream.getsockname()[1], Path(folder), *wrapper) as (
            process,
            port,
        ),
    ):
        asyncio.run(drive(kind, upstream, process, port, requests, mark))


def count_calls(checkout: Path, kind: Kind, requests: int) -> Counter[str]:
    """Calls of Python functions during so many requests."""
    counts = Counter[str]()

    def mark(process: Server) -> None:
        process.send_signal(signal.SIGRTMIN)
        assert process.stdout is not None
        counts.update(json.loads(process.stdout.readline()))

    measure(checkout, kind, requests, mark)
    return counts


def count_instructions(checkout: Path, kind: Kind, requests: int, file: Path, *options: str) -> int:
    """Instructions during so many requests; callgrind writes `file`."""
    states = iter(("on", "off"))

    def mark(process: Server) -> None:
        # Without the 0 vgdb would interrupt the process with ptrace, which containers may forbid.
        command = ["vgdb", "--max-invoke-ms=0", f"--pid={process.pid}", "instrumentation"]
        with subprocess.Popen(
            [*command, next(states)], stdout=PIPE, stderr=PIPE, text=True
        ) as told:
            for _ in range(round(PATIENCE_SECONDS / WAKE_SECONDS)):
                try:
                    _, errors = told.communicate(timeout=WAKE_SECONDS)
                except subprocess.TimeoutExpired:
                    # valgrind looks for orders when the process runs.
                    process.send_signal(signal.SIGRTMIN + 1)
                else:
                    break
            else:
                told.kill()
        if told.returncode:
            sys.exit(f"guard: vgdb failed\n{errors}")

    valgrind = ("valgrind", "--tool=callgrind", "--instr-atstart=no", *options)
    measure(checkout, kind, requests, mark, *valgrind, f"--callgrind-out-file={file}")
    total = re.search(r"^totals: (\d+)", file.read_text(), re.MULTILINE)
    assert total is not None
    return int(total[1])
