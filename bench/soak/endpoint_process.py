"""The endpoint's process, which is ended and started again."""

import asyncio
import socket
import time
from contextlib import suppress
from pathlib import Path

from bench.process import free_port

from . import process

OUTAGE_SECONDS = 2.0


class Endpoint:
    """A running endpoint; `outages` are the Unix times between which it was away."""

    def __init__(self, seen: Path) -> None:
        self.port = free_port()
        self.outages: list[tuple[float, float]] = []
        self._seen = seen
        self._start()
        self.wait()

    async def outage(self) -> None:
        """Let it be away for two seconds."""
        began = time.time()
        self.end()
        await asyncio.sleep(OUTAGE_SECONDS)
        self._start()
        await asyncio.to_thread(self.wait)
        self.outages.append((began, time.time()))

    def wait(self) -> None:
        """Wait until it listens. Raises RuntimeError where it has ended."""
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
