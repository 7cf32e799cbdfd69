"""How the gate looks while it serves: probes, memory, workers."""

import asyncio
import time

from . import process
from .gate import Gate

PROBE_SECONDS = 1.0


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
        """Look each second, until cancelled."""
        while True:
            await asyncio.sleep(1)
            pids = self._gate.workers()
            self.most_workers = max(self.most_workers, len(pids))
            self.peak = max([self.peak, *map(process.peak_rss_mib, pids)])
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
