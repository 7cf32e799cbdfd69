"""What is done to the gate while it serves, and how it looks meanwhile."""

import asyncio
import os
import random
import signal
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from . import process
from .gate import Gate

OUTAGE_SECONDS = 2.0
HUNT_SECONDS = 4.0
# The watchdog of workers takes half a minute.
SETTLE_SECONDS = 40.0
HOGS = 40
HOG = "127.0.0.67"
PROBE_SECONDS = 1.0

Act = Callable[[], Awaitable[None]]


class Endpoint:
    """The upstream process, which is ended and started again."""

    def __init__(self, seen: Path) -> None:
        self.port = process.free_port()
        self.outages: list[tuple[float, float]] = []
        self._seen = seen
        self._start()
        self.wait()

    async def outage(self) -> None:
        """Away for a while."""
        began = time.time()
        self.end()
        await asyncio.sleep(OUTAGE_SECONDS)
        self._start()
        await asyncio.to_thread(self.wait)
        self.outages.append((began, time.time()))

    def wait(self) -> None:
        """Until it listens."""
        while self._process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.05)
        raise RuntimeError("the endpoint does not start")

    def end(self) -> None:
        """Kill it."""
        process.end(self._process)

    def _start(self) -> None:
        self._process = process.start_module("endpoint", self.port, self._seen)


class Chaos:
    """Every act by its name, how often each was done,
    and the Unix times of what halts.

    `halting` acts end or halt workers, one after the other, so that one always serves; the others
    leave them alive.
    """

    def __init__(self, gate: Gate, endpoint: Endpoint) -> None:
        self.done: Counter[str] = Counter()
        self.times: list[tuple[float, str]] = []
        self.stopped: list[int] = []
        self._alone = asyncio.Lock()
        self._gate = gate
        self._endpoint = endpoint
        # Seconds between two times; a short run does each at least a few times.
        self.halting: dict[str, tuple[float, Act]] = {
            "workers killed": (20.0, self._one_by_one(self._kill)),
            "workers stopped": (45.0, self._one_by_one(self._stop)),
            "replacements killed": (60.0, self._one_by_one(self._hunt)),
            "rolls": (30.0, self._one_by_one(self._roll)),
        }
        self.harmless: dict[str, tuple[float, Act]] = {
            "reloads": (5.0, self._reload),
            "broken reloads": (15.0, self._reload_broken),
            "rotations": (10.0, self._rotate),
            "outages of the endpoint": (45.0, endpoint.outage),
            "admin listener hogged": (20.0, self._hog),
        }

    @asynccontextmanager
    async def raging(
        self, acts: dict[str, tuple[float, Act]], names: set[str], seconds: float
    ) -> AsyncIterator[None]:
        """Those of the acts that are named, again and again, for so long or until it is left."""
        async with AsyncExitStack() as stack:
            for name, (pause, act) in acts.items():
                if name in names:
                    task = asyncio.create_task(self._repeat(name, min(pause, seconds / 3), act))
                    stack.push_async_callback(_end, task)
            yield

    async def _repeat(self, name: str, pause: float, act: Act) -> None:
        while True:
            await asyncio.sleep(pause)
            with suppress(OSError, IndexError):  # one that was chosen ended just now
                await asyncio.shield(asyncio.ensure_future(act()))
                self.done[name] += 1

    def _note(self, what: str) -> None:
        self.times.append((time.time(), what))

    def _one_by_one(self, act: Act) -> Act:
        async def alone() -> None:
            async with self._alone:
                await act()

        return alone

    async def _victim(self) -> int:
        """A worker beside which another serves, as soon as there is one. Raises OSError if none."""
        if not await _until(lambda: len(self._gate.serving()) > 1):
            raise OSError("too few workers serve")
        return random.choice(self._gate.serving())

    async def _kill(self) -> None:
        pid = await self._victim()
        self._note("killed")
        os.kill(pid, signal.SIGKILL)
        # Until then it would be taken for one that serves.
        await _until(lambda: pid not in self._gate.workers())

    async def _stop(self) -> None:
        pid = await self._victim()
        self._note("halted")
        os.kill(pid, signal.SIGSTOP)
        await _until(lambda: pid not in self._gate.serving())
        self.stopped.append(pid)

    async def _hunt(self) -> None:
        """Kill a worker, and for a while each that comes in its place, as it starts."""
        await self._kill()
        known = self._gate.workers()
        until = time.monotonic() + HUNT_SECONDS
        while time.monotonic() < until:
            await asyncio.sleep(0.1)
            for pid in set(self._gate.workers()) - set(known):
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)

    async def _roll(self) -> None:
        old = set(self._gate.workers())
        self._note("rolled")
        self._gate.roll()
        await _until(lambda: old.isdisjoint(self._gate.workers()))

    async def _reload(self) -> None:
        self._gate.reload()

    async def _reload_broken(self) -> None:
        self._gate.reload(broken=True)

    async def _rotate(self) -> None:
        self._gate.rotate()

    async def _hog(self) -> None:
        """Hold many idle connections to the admin listener, half of them with half a head."""
        writers = []
        try:
            for number in range(HOGS):
                with suppress(OSError):
                    _, writer = await asyncio.open_connection(
                        "127.0.0.1", self._gate.admin, local_addr=(HOG, 0)
                    )
                    writers.append(writer)
                    if number % 2:
                        writer.write(b"GET /metrics HTTP/1.1\r\n")
            await asyncio.sleep(10)
        finally:
            for writer in writers:
                writer.transport.abort()


class Watch:
    """What is seen of the gate each second.

    `probes` holds the seconds that /readyz took, None where it was not answered in time. `peak` is
    the most resident memory, in MiB, of any worker; `most_workers` how many there were at once.
    """

    def __init__(self, gate: Gate) -> None:
        self.probes: list[float | None] = []
        self.peak = 0.0
        self.most_workers = 0
        self._gate = gate

    async def look(self) -> None:
        """Each second, until cancelled."""
        while True:
            await asyncio.sleep(1)
            pids = self._gate.workers()
            self.most_workers = max(self.most_workers, len(pids))
            self.peak = max([self.peak, *map(process.peak_mib, pids)])
            self.probes.append(await self._probe())

    async def _probe(self) -> float | None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._gate.admin)
                try:
                    writer.write(b"GET /readyz HTTP/1.1\r\nHost: soak\r\n\r\n")
                    line = await reader.readline()
                finally:
                    writer.transport.abort()
        except (OSError, TimeoutError):
            return None
        return time.monotonic() - began if line.startswith(b"HTTP/1.1 ") else None


async def _until(is_so: Callable[[], bool]) -> bool:
    """Whether it became so before long."""
    until = time.monotonic() + SETTLE_SECONDS
    while not is_so():
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.05)
    return True


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
