"""Several workers on one socket: does what the fleet decides, and tells it what happens."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from hookgate.config.reload import ReloadableConfig
from hookgate.gate.metrics import Snapshot
from hookgate.ledger.writing.sink import LedgerError
from hookgate.settings import Config

from .channel import LAYOUT, Start
from .fleet import Fleet
from .lifecycle import (
    GRACE_SECONDS,
    Action,
    Cause,
    Kill,
    Lost,
    NotRolled,
    NotStarted,
    Rolled,
    Rolling,
    Spawn,
    Started,
    Terminate,
)
from .process import WorkerProcess
from .reports import Reports
from .rollout import Rollout
from .shares import share
from .sight import Sight
from .sockets import listen, os_reason
from .tally import Tally

_PULSE_SECONDS = 0.25


class Supervisor:
    """Run the workers on listening sockets. Raises `ListenError` where it cannot listen."""

    def __init__(self, live: ReloadableConfig, log: structlog.BoundLogger) -> None:
        sidecar = live.current.sidecar
        self._live = live
        self._log = log
        self.sockets = listen("sidecar.listen", sidecar.listen, sidecar.socket_mode)
        self._fleet = Fleet(sidecar.workers, sidecar.worker_timeout, sidecar.drain)
        self._tally = Tally(sidecar.workers)
        self._workers: dict[int, WorkerProcess] = {}
        self._reports = Reports(self._fleet, self._tally, self._workers)
        self._lives: set[asyncio.Task[Any]] = set()
        self._started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pulsing = asyncio.ensure_future(self._pulse())
        self._rollout = Rollout(live, log, self._serving, self._kill)

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self._live.current

    async def start(self) -> None:
        """Start every worker. Raises `LedgerError` where one cannot serve."""
        self._do(self._fleet.begin())
        await self._started

    async def stop(self) -> None:
        """Let every worker end what it began, within `sidecar.drain`; then kill what is left."""
        self._do(self._fleet.stop())
        self.sockets.close()
        if self._lives:
            # Only what the kernel cannot kill is there after twice the grace.
            await asyncio.wait(self._lives, timeout=self._fleet.drain + 2 * GRACE_SECONDS)
        self._pulsing.cancel()
        for worker in self._workers.values():
            self._log.error("worker.left", worker=worker.number, pid=worker.pid)

    def hurry(self) -> None:
        """Have every worker cut short what it does."""
        self._do(self._fleet.hurry())

    def reopen(self) -> None:
        """Have every worker open its ledger anew; one that is about to start does so anyway."""
        for number in self._fleet.serving:
            self._workers[number].signal(signal.SIGUSR1)

    def roll(self) -> None:
        """Start as many workers anew, from the program as it is now; then drain the old ones.

        Where one cannot start, the old ones serve on.
        """
        self._do(self._fleet.roll())

    async def reload(self, make: Callable[[], Config]) -> None:
        """Have every worker go by the configuration that `make` returns, or none.

        One that does not answer is not waited for: it goes by it before it is asked anything else.
        """
        await self._rollout.reload(make)
        sidecar = self._live.current.sidecar
        self._fleet.patience, self._fleet.drain = sidecar.worker_timeout, sidecar.drain

    # what the admin listener asks

    async def snapshots(self) -> list[Snapshot]:
        """Return what each worker counts, what the dead ones counted, and this process."""
        return await self._reports.snapshots()

    async def look(self) -> Sight:
        """Return all that there is to see of each worker."""
        return await self._reports.look()

    def ready(self) -> list[str]:
        """Say why no events should be sent here."""
        problems = ["draining"] if self._fleet.stopping else []
        if not self._reports.answering():
            problems += ["no worker serves", *self._fleet.missing()]
        return problems + [
            f"the ledger of worker {number} cannot be written"
            for number in self._reports.answering()
            if self._tally.ledger_fails(number)
        ]

    def degraded(self) -> list[str]:
        """Say which workers are missing, and why."""
        return self._fleet.missing()

    # what is done

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Spawn(number, replaces):
                    self._begin(self._live_through(number, replaces))
                case Terminate(number):
                    self._workers[number].signal(signal.SIGTERM)
                case Kill(number, why):
                    worker = self._workers[number]
                    self._log.error("worker.killed", worker=number, pid=worker.pid, why=why)
                    worker.signal(signal.SIGKILL)
                case Lost(number, cause, how, pause):
                    self._tally.lose(cause)
                    name = "not_started" if cause is Cause.NEVER_SERVED else "died"
                    self._log.error(f"worker.{name}", worker=number, how=how, pause=pause)
                case Started():
                    if not self._started.done():
                        self._started.set_result(None)
                case NotStarted(why):
                    if not self._started.done():
                        self._started.set_exception(LedgerError(why))
                case Rolling():
                    self._log.info("supervisor.rolling", workers=self._fleet.wanted)
                case Rolled():
                    self._log.info("supervisor.rolled")
                case NotRolled(why):
                    self._log.error("supervisor.not_rolled", error=why)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._lives.add(task)
        task.add_done_callback(self._lives.discard)
        return task

    async def _live_through(self, number: int, replaces: str | None) -> None:
        """One process, from before it is there until it is gone."""
        fleet = self._fleet
        try:
            worker = await WorkerProcess.spawn(
                number, self._live.current, self.sockets.sockets, self._on_message
            )
        except OSError as error:
            self._do(fleet.not_spawned(number, f"no process can be had: {os_reason(error)}"))
            return
        self._workers[number] = worker
        self._do(fleet.spawned(number))
        self._begin(self._start(worker, replaces))
        how = await worker.end()
        del self._workers[number]
        self._tally.end(number, worker.last)
        self._reports.end(number)
        self._do(fleet.ended(number, how))

    async def _start(self, worker: WorkerProcess, replaces: str | None) -> None:
        number = worker.number
        try:
            start = Start(share(worker.config, number), number, replaces, LAYOUT)
            problem = await worker.ask(start)
            if problem is None:
                await self._rollout.catch_up(worker)  # a reload may have overtaken it
        except EOFError:
            return
        if not self._has(worker):
            return
        if problem is not None:
            self._fleet.failed(number, problem)
            return
        actions = self._fleet.served(number)
        if number in self._fleet.serving:
            self._log.info("worker.serving", worker=number, pid=worker.pid, replaces=replaces)
        self._do(actions)

    def _has(self, worker: WorkerProcess) -> bool:
        """Whether it is there still; another may have its number by now."""
        return self._workers.get(worker.number) is worker

    def _kill(self, worker: WorkerProcess, why: str) -> None:
        if self._has(worker):
            self._do(self._fleet.kill(worker.number, why))

    def _on_message(self, worker: WorkerProcess) -> None:
        if self._has(worker):
            self._fleet.heard(worker.number)

    async def _pulse(self) -> None:
        """Tell the fleet how time goes by, and who owes an answer."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            await asyncio.sleep(_PULSE_SECONDS)
            now = loop.time()
            try:
                self._look_after_all(now - last)
            except Exception as error:  # noqa: BLE001  # without a pulse nobody would be replaced
                self._log.error("supervisor.fault", error=repr(error))
            last = now

    def _look_after_all(self, elapsed: float) -> None:
        self._reports.ask()
        for number, worker in self._workers.items():
            if worker.owes:
                self._fleet.asked(number)
        self._do(self._fleet.tick(elapsed))

    def _serving(self) -> list[WorkerProcess]:
        return [self._workers[number] for number in self._fleet.serving]
