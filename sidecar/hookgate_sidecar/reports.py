"""What workers count, asked for and kept."""

import asyncio
from collections.abc import Mapping

from hookgate.gate.metrics import Snapshot

from .fleet import Fleet
from .process import WorkerProcess
from .rollout import settle
from .tally import Tally

# What an answer about all workers waits for one of them.
_SNAPSHOT_SECONDS = 0.8


class Reports:
    """Ask those of the `workers` that have served what they count, and have the tally keep it."""

    def __init__(self, fleet: Fleet, tally: Tally, workers: Mapping[int, WorkerProcess]) -> None:
        self._fleet = fleet
        self._tally = tally
        self._workers = workers

    def ask(self) -> dict[int, "asyncio.Future[Snapshot]"]:
        """Ask each, those that drain too, and return the replies to come by number."""
        return {
            number: self._count(worker)
            for number, worker in self._workers.items()
            if self._fleet.has_served(number)
        }

    async def snapshots(self) -> list[Snapshot]:
        """Return what each worker counts, what the dead ones counted, and this process."""
        replies = self.ask()
        waited = [reply for number, reply in replies.items() if not self._fleet.silent(number)]
        await settle(waited, _SNAPSHOT_SECONDS)
        return self._tally.snapshots(self.answering())

    def answering(self) -> list[int]:
        """Return the numbers of those that serve, and owe no answer for long."""
        return [number for number in self._fleet.serving if not self._fleet.silent(number)]

    def _count(self, worker: WorkerProcess) -> "asyncio.Future[Snapshot]":
        def tell(reply: "asyncio.Future[Snapshot]") -> None:
            # Another may have its number by now.
            if reply.exception() is None and self._workers.get(worker.number) is worker:
                self._tally.tell(worker.number, reply.result())

        report = worker.report()
        report.add_done_callback(tell)
        return report
