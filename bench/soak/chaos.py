"""What is done to the gate while it serves."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from .endpoint_process import Endpoint
from .gate import Gate

HUNT_SECONDS = 4.0
# The watchdog of workers takes half a minute.
SETTLE_SECONDS = 40.0
HOGS = 40
HOG = "127.0.0.67"

Act = Callable[[], Awaitable[None]]


class Chaos:
    """The acts by name, how often each was done, and the Unix times of those that halt.

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
    async def repeating(
        self, acts: dict[str, tuple[float, Act]], names: set[str], seconds: float
    ) -> AsyncIterator[None]:
        """Do the named acts again and again until the block ends; `seconds` bounds their pauses."""
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
        """Wait for a worker beside which another serves, and return it. Raises OSError for none."""
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
