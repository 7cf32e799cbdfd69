"""Ten minutes of everything at once: is any event lost, doubled, or left out of the ledger?

Two workers under mixed load (clean, refused, broken, slow, huge, from strangers, from senders
that leave) while a worker is killed every 20 s, the configuration reloaded every 5 s, the ledgers
rotated every 10 s, and the upstream stopped and started. Prints what came of it and exits 1 if a
promise was broken. `--seconds 60` for a short run.
"""

import argparse
import asyncio
import contextlib
import gzip
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from hookgate.ledger.balance import balance
from hookgate.ledger.chain import verify
from hookgate.ledger.reader import find_files, in_order, read
from hookgate.samples import documented_events

EVENTS = list(documented_events().values())
HOOKGATE = str(Path(sys.executable).with_name("hookgate"))
ALLOWED, FOREIGN = "127.0.0.10", "127.0.0.66"
KILL, RELOAD, ROTATE, OUTAGE = 20.0, 5.0, 10.0, 45.0
OUTAGE_SECONDS = 2.0
CLIENTS = 12


def event() -> bytes:
    """A documented event with a reference of its own."""
    document = json.loads(random.choice(EVENTS))
    return json.dumps({**document, "reference": str(uuid4())}).encode()


def post(body: bytes, *lines: str, length: int | None = None) -> bytes:
    """A request; `length` is what it says of the body."""
    size = len(body) if length is None else length
    head = ["POST /cm/events HTTP/1.1", "Host: soak", f"Content-Length: {size}", *lines]
    return "\r\n".join([*head, "", ""]).encode() + body


JSON = "Content-Type: application/json"


class Sent:
    """What was sent and what came of it: clean events by their body's SHA-256."""

    def __init__(self) -> None:
        self.answers: dict[str, int] = {}
        self.unanswered: set[str] = set()
        self.kinds: Counter[str] = Counter()
        self.slowest = 0.0


class Client:
    """One sender that opens a connection anew whenever the one before ended."""

    def __init__(self, port: int, sent: Sent) -> None:
        self._port = port
        self._sent = sent
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self, until: float) -> None:
        """Send one request after the other, of every kind, until then."""
        acts: list[Callable[[], Awaitable[None]]] = [
            *[self.clean] * 12, self.refused, self.broken, self.slow, self.huge, self.foreign,
            self.leaving,
        ]  # fmt: skip
        while time.monotonic() < until:
            act = random.choice(acts)
            self._sent.kinds[act.__name__] += 1
            try:
                async with asyncio.timeout(20):
                    await act()
            except (OSError, EOFError, asyncio.IncompleteReadError):
                self._drop()
                await asyncio.sleep(0.05)

    async def clean(self) -> None:
        body = event()
        digest = sha256(body).hexdigest()
        self._sent.unanswered.add(digest)
        began = time.monotonic()
        status = await self._ask(post(body, JSON))
        self._sent.slowest = max(self._sent.slowest, time.monotonic() - began)
        self._sent.answers[digest] = status
        self._sent.unanswered.discard(digest)

    async def refused(self) -> None:
        body = random.choice([b"{", b'{"a":1,"a":2}', b"[]", b'{"channel":"RCS"}', b"\xff"])
        await self._ask(post(body, JSON))

    async def broken(self) -> None:
        await self._alone(b"POST /cm/events HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")

    async def slow(self) -> None:
        reader, writer = await self._connect(ALLOWED)
        for piece in (data[i : i + 64] for data in [post(b"[1]", JSON)] for i in range(0, 200, 64)):
            writer.write(piece)
            await asyncio.sleep(0.2)
        await reader.read(1024)
        writer.transport.abort()

    async def huge(self) -> None:
        await self._alone(post(b" " * 2_000_000, JSON))

    async def foreign(self) -> None:
        await self._alone(post(event(), JSON), FOREIGN)

    async def leaving(self) -> None:
        _, writer = await self._connect(ALLOWED)
        writer.write(post(event()[:100], JSON, length=400))
        await asyncio.sleep(random.random() / 10)
        writer.transport.abort()

    async def _ask(self, data: bytes) -> int:
        if self._streams is None:
            self._streams = await self._connect(ALLOWED)
        reader, writer = self._streams
        writer.write(data)
        head = await reader.readuntil(b"\r\n\r\n")
        fields = head.lower()
        length = fields.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length or 0))
        if b"connection: close" in fields:
            self._drop()
        return int(head.split(b" ")[1])

    async def _alone(self, data: bytes, source: str = ALLOWED) -> None:
        reader, writer = await self._connect(source)
        writer.write(data)
        await reader.read(1024)
        writer.transport.abort()

    async def _connect(self, source: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._port, local_addr=(source, 0))

    def _drop(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


async def endpoint(port: int, seen: Path) -> None:
    """The upstream, as a process of its own: answers 200, notes each body's SHA-256 before."""
    notes = seen.open("a", buffering=1)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                body = await reader.readexactly(int(length))
                notes.write(sha256(body).hexdigest() + "\n")
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    await server.serve_forever()


class Gate:
    """`hookgate serve` with two workers, and what is done to it."""

    def __init__(self, folder: Path, upstream: int) -> None:
        self._folder = folder
        self._turn = 0
        self.kills = self.reloads = self.rotations = 0
        self.configure(upstream)
        self._upstream = upstream
        self.process = subprocess.Popen(
            [HOOKGATE, "serve"], cwd=folder, stderr=(folder / "log").open("wb")
        )
        self.port = self._wait_for_port()

    def configure(self, upstream: int) -> None:
        self._turn += 1
        (self._folder / "hookgate.toml").write_text(
            f'[upstream]\nurl = "http://127.0.0.1:{upstream}"\ntimeout = "3s"\n'
            f"[request]\nmax_depth = {32 + self._turn % 2}\n"
            f'[source]\nallow = ["{ALLOWED}", "cm.com"]\n'
            '[sidecar]\nlisten = "127.0.0.1:0"\nworkers = 2\nbody_timeout = "5s"\n'
        )

    def _wait_for_port(self) -> int:
        while True:
            for line in (self._folder / "log").read_text().splitlines():
                record = json.loads(line)
                if record["event"] == "sidecar.listening":
                    return int(record["port"])
            assert self.process.poll() is None, (self._folder / "log").read_text()
            time.sleep(0.05)

    def workers(self) -> list[int]:
        pid = self.process.pid
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def kill_a_worker(self) -> None:
        os.kill(random.choice(self.workers()), signal.SIGKILL)
        self.kills += 1

    def reload(self) -> None:
        self.configure(self._upstream)
        self.process.send_signal(signal.SIGHUP)
        self.reloads += 1

    def rotate(self) -> None:
        """Rename, as logrotate does; compress what was renamed the time before."""
        self.rotations += 1
        for old in self._folder.glob("*.jsonl.*[0-9]"):
            with old.open("rb") as plain, gzip.open(f"{old}.gz", "wb", 1) as packed:
                shutil.copyfileobj(plain, packed)
            old.unlink()
        for ledger in self._folder.glob("*.jsonl"):
            ledger.rename(f"{ledger}.{self.rotations}")

    def figures(self) -> tuple[list[int], list[int]]:
        """Resident memory in MiB and descriptors of each worker."""
        memory, descriptors = [], []
        for pid in self.workers():
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{pid}/status").read_text()
                memory.append(int(status.partition("VmRSS:")[2].split()[0]) // 1024)
                descriptors.append(len(list(Path(f"/proc/{pid}/fd").iterdir())))
        return memory, descriptors


@contextlib.asynccontextmanager
async def repeating(seconds: float, act: Callable[[], object]) -> AsyncIterator[None]:
    async def go() -> None:
        while True:
            await asyncio.sleep(seconds)
            result = act()
            if asyncio.iscoroutine(result):
                await result

    task = asyncio.create_task(go())
    yield
    task.cancel()


class Endpoint:
    """The upstream process, which is killed and started again."""

    def __init__(self, port: int, seen: Path) -> None:
        self._command = [sys.executable, __file__, "--endpoint", str(port), str(seen)]
        self.outages = 0
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command)

    async def outage(self) -> None:
        self.outages += 1
        self.process.kill()
        self.process.wait()
        await asyncio.sleep(OUTAGE_SECONDS)
        self.start()


async def soak(folder: Path, seconds: float) -> bool:
    """Run it, print what came of it; whether every promise was kept."""
    seen = folder / "seen"
    port = _free_port()
    upstream = Endpoint(port, seen)
    try:
        gate = Gate(folder, port)
        try:
            return await _soak(folder, seconds, gate, upstream)
        finally:
            gate.process.kill()
            gate.process.wait()
    finally:
        upstream.process.kill()
        upstream.process.wait()


async def _soak(folder: Path, seconds: float, gate: Gate, upstream: Endpoint) -> bool:
    sent = Sent()
    samples: list[tuple[list[int], list[int]]] = []
    async with contextlib.AsyncExitStack() as chaos:
        for pause, act in (
            (KILL, gate.kill_a_worker),
            (RELOAD, gate.reload),
            (ROTATE, gate.rotate),
            (OUTAGE, upstream.outage),
            (5.0, lambda: samples.append(gate.figures())),
        ):
            await chaos.enter_async_context(repeating(pause, act))
        until = time.monotonic() + seconds
        await asyncio.gather(*(Client(gate.port, sent).run(until) for _ in range(CLIENTS)))
    await asyncio.sleep(2)
    samples.append(gate.figures())
    gate.process.terminate()
    status = gate.process.wait(30)
    return _report(folder, sent, folder / "seen", gate, upstream, samples, status)


def _report(
    folder: Path,
    sent: Sent,
    seen_file: Path,
    gate: Gate,
    upstream: Endpoint,
    samples: list[tuple[list[int], list[int]]],
    status: int,
) -> bool:
    seen = set(seen_file.read_text().split())
    files = in_order(find_files(folder / "hookgate-audit.jsonl"))
    sums, chain = balance(read(files)), verify(read(files))
    forwarded = {
        line.record["sha256"]
        for line in read(files)
        if line.record is not None and line.record["event"] == "forward"
    }
    delivered = {digest for digest, answer in sent.answers.items() if answer == 200}
    total = sums.total
    print(f"sent        {dict(sent.kinds)}")
    print(f"done to it  {gate.kills} kills, {gate.reloads} reloads, {gate.rotations} rotations, "
          f"{upstream.outages} outages of the upstream")  # fmt: skip
    print(f"answers     {dict(Counter(sent.answers.values()))}, {len(sent.unanswered)} unanswered, "
          f"slowest {sent.slowest:.2f} s")  # fmt: skip
    print(f"ledger      {len(files)} files, {len(sums.sheets)} boots, {chain.lines} lines; "
          f"received {total.received}, {dict(total.ended)}, unknown {total.unknown}, "
          f"in flight at an end {total.in_flight}, missing {total.missing}")  # fmt: skip
    for name, place in (("memory MiB", 0), ("descriptors", 1)):
        first, last = samples[min(2, len(samples) - 1)][place], samples[-1][place]
        most = max(value for sample in samples for value in sample[place])
        print(f"{name:<11} {first} at first, {last} at the end, {most} at most")
    promises = {
        "every event answered 200 had reached the upstream": delivered <= seen,
        "every event that reached the upstream is in the ledger": seen <= forwarded,
        "the ledger balances": sums.balances,
        "the chain holds": chain.holds,
        "unknown are at most those in flight at each kill": (
            total.unknown <= CLIENTS * (gate.kills + 1)
        ),
        "it stopped with 0": status == 0,
    }
    for promise, kept in promises.items():
        print(f"{'kept  ' if kept else 'BROKEN'}  {promise}")
    for finding in sums.findings[:5]:
        print(f"        {finding}")
    return all(promises.values())


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--endpoint", nargs=2, metavar=("PORT", "FILE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.endpoint:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(endpoint(int(given.endpoint[0]), Path(given.endpoint[1])))
        return
    with tempfile.TemporaryDirectory(prefix="hookgate-soak-") as folder:
        kept = asyncio.run(soak(Path(folder), given.seconds))
    sys.exit(not kept)


if __name__ == "__main__":
    main()
