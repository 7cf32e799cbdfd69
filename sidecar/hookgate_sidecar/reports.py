"""What workers count and show, asked for and kept."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from hookgate.gate.metrics import Snapshot
from hookgate.gate.status import GateStatus
from hookgate.gate.undelivered import Entry, latest

from .channel import Look, Report
from .fleet import Fleet
from .process import WorkerProcess
from .rollout import settle
from .sight import Sight
from .tally import Tally

# What an answer about all workers waits for one of them.
_SNAPSHOT_SECONDS = 0.8
# Little is uncounted when a worker is killed.
_EACH_SECONDS = 1.0


class Reports:
    """Ask those of the `workers` that have served what they count, and have the tally keep it."""

    def __init__(self, fleet: Fleet, tally: Tally, workers: Mapping[int, WorkerProcess]) -> None:
        self._fleet = fleet
        self._tally = tally
        self._workers = workers
        self._seen: dict[int, GateStatus] = {}
        self._gone: list[Entry] = []
        self._loop = asyncio.get_running_loop()
        self._asked_at = 0.0

    def ask(self) -> None:
        """Ask each what it counts, those that drain too, unless all were asked a moment ago."""
        if self._loop.time() - self._asked_at >= _EACH_SECONDS:
            self._ask(Report(), self._tally.tell)

    async def snapshots(self) -> list[Snapshot]:
        """Return what each worker counts, what the dead ones counted, and this process."""
        await self._settle(self._ask(Report(), self._tally.tell))
        return self._tally.snapshots(self.answering())

    async def look(self) -> Sight:
        """Return all that there is to see of each worker, and of those that are gone."""
        replies = self._ask(Look(), self._note)
        await self._settle(replies)
        late = frozenset(number for number, reply in replies.items() if not reply.done())
        gates = [self._seen[number] for number in sorted(self._seen)]
        return Sight(self._tally.snapshots(self.answering()), gates, late, tuple(self._gone))

    def answering(self) -> list[int]:
        """Return the numbers of those that serve, and owe no answer for long."""
        return [number for number in self._fleet.serving if not self._fleet.silent(number)]

    def end(self, number: int) -> None:
        """Keep of a worker that has ended what it had shown of its requests."""
        if seen := self._seen.pop(number, None):
            self._gone = latest((*seen["not_delivered"], *self._gone))

    def _note(self, number: int, told: tuple[Snapshot, GateStatus]) -> None:
        snapshot, self._seen[number] = told
        self._tally.tell(number, snapshot)

    def _ask(
        self, question: Report | Look, tell: Callable[[int, Any], None]
    ) -> dict[int, "asyncio.Future[Any]"]:
        self._asked_at = self._loop.time()
        return {
            number: self._hear(worker, question, tell)
            for number, worker in self._workers.items()
            if self._fleet.has_served(number)
        }

    async def _settle(self, replies: Mapping[int, "asyncio.Future[Any]"]) -> None:
        waited = [reply for number, reply in replies.items() if not self._fleet.silent(number)]
        await settle(waited, _SNAPSHOT_SECONDS)

    def _hear(
        self, worker: WorkerProcess, question: Report | Look, tell: Callable[[int, Any], None]
    ) -> "asyncio.Future[Any]":
        def hear(reply: "asyncio.Future[Any]") -> None:
            # Another may have its number by now.
            if reply.exception() is None and self._workers.get(worker.number) is worker:
                tell(worker.number, reply.result())

        reply = worker.ask_once(question)
        reply.add_done_callback(hear)
        return reply
