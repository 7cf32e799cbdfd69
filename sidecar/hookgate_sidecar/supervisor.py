"""Several workers on one socket: started, replaced when they die, reloaded all or none, drained."""

import asyncio
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process, create_subprocess_exec
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import structlog

from hookgate.config import ConfigError
from hookgate.ledger.sink import LedgerError
from hookgate.live import LiveConfig
from hookgate.metrics import Snapshot, lasting, merge
from hookgate.settings import Config

from .channel import Apply, Channel, Keep, Prepare, Report, Start
from .exposition import process_snapshot
from .listener import listen

_ANSWER_SECONDS = 10.0
_REPORT_SECONDS = 2.0
# A worker that cannot live is not started again and again at full speed.
_QUICK_DEATH_SECONDS = 5.0
_PAUSE_SECONDS = 1.0
_KILL_AFTER_SECONDS = 5.0


class Worker:
    """A child process that serves, or is about to."""

    def __init__(self, number: int, channel: Channel, process: Process) -> None:
        self.number = number
        self.channel = channel
        self.process = process
        self.leaving = False
        self.serving = False
        self.silent = False

    async def ask(self, message: object) -> Any:
        """Its reply. Raises OSError or EOFError where it is gone, TimeoutError where it hangs."""
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await self.channel.ask(message)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it is there still."""
        if self.process.returncode is None:
            self.process.send_signal(number)


class Supervisor:
    """Owns the listening socket and the workers. Raises `ListenError` where it cannot listen."""

    def __init__(self, live: LiveConfig, log: structlog.BoundLogger) -> None:
        self._live = live
        self._log = log
        self._socket = listen(*live.current.sidecar.listen)
        self._workers: dict[int, Worker] = {}
        self._numbers: set[int] = set()
        self._watching: set[asyncio.Task[None]] = set()
        self._changing = asyncio.Lock()
        self._stopping = False
        # What each worker counted when it was asked last, and all that are gone.
        self._counted: dict[int, Snapshot] = {}
        self._gone: Snapshot = {"hookgate_worker_restarts_total": [([], 0)]}

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self._live.current

    async def snapshots(self) -> list[Snapshot]:
        """What each worker counts, what the dead ones counted, and this process."""
        await asyncio.gather(*map(self._count, self._serving()))
        return [*self._counted.values(), self._gone, process_snapshot()]

    def ready(self) -> list[str]:
        """Why no events should be sent here."""
        problems = ["draining"] if self._stopping else []
        if not self._serving():
            problems.append("no worker serves")
        for worker in self._serving():
            if worker.silent:
                problems.append(f"worker {worker.number} does not answer")
            counted = self._counted.get(worker.number, {})
            if counted.get("hookgate_ledger_available") == [([], 0)]:
                problems.append(f"the ledger of worker {worker.number} cannot be written")
        return problems

    async def _count(self, worker: Worker) -> None:
        try:
            async with asyncio.timeout(_REPORT_SECONDS):
                counted = await worker.channel.ask(Report())
        except (OSError, EOFError):
            worker.silent = True
            return
        worker.silent = False
        if self._workers.get(worker.number) is worker:
            self._counted[worker.number] = counted

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    async def start(self) -> None:
        """Start every worker. Raises `LedgerError` where one cannot write its ledger."""
        count = self._live.current.sidecar.workers
        starts = (self._start() for _ in range(count))
        for problem in await asyncio.gather(*starts, return_exceptions=True):
            if problem is not None:
                raise problem

    async def stop(self) -> None:
        """Let every worker end what it began, within `sidecar.drain`; then kill what is left."""
        self._stopping = True
        self._socket.close()
        self.signal(signal.SIGTERM)
        if self._watching:
            seconds = self._live.current.sidecar.drain + _KILL_AFTER_SECONDS
            await asyncio.wait(self._watching, timeout=seconds)
        for worker in self._workers.values():
            self._log.error("worker.killed", worker=worker.number, pid=worker.process.pid)
            worker.signal(signal.SIGKILL)
        if self._watching:
            await asyncio.wait(self._watching)

    def signal(self, number: signal.Signals) -> None:
        """Send every worker a signal."""
        for worker in self._workers.values():
            worker.signal(number)

    async def roll(self) -> None:
        """Start as many workers anew, from the program as it is now; then drain the old ones.

        Where one cannot start, the old ones serve on.
        """
        async with self._changing:
            old = self._serving()
            self._log.info("supervisor.rolling", workers=len(old))
            try:
                await self.start()
            except (LedgerError, OSError) as error:
                self._log.error("supervisor.not_rolled", error=str(error))
                old = [worker for worker in self._serving() if worker not in old]
            for worker in old:
                worker.leaving = True
                worker.signal(signal.SIGTERM)

    async def reload(self, make: Callable[[], Config]) -> None:
        """Have every worker go by the configuration that `make` returns, or none."""
        async with self._changing:
            try:
                config = make()
            except ConfigError as error:
                await self._keep(tuple(error.problems))
                return
            serving = self._serving()
            replies = await asyncio.gather(*(self._prepare(worker, config) for worker in serving))
            problems = tuple(problem for reply in replies for problem in reply)
            if problems:
                await self._keep(problems)
                return
            self._live.current = config
            await asyncio.gather(*(self._apply(worker) for worker in serving))

    async def _start(self, replaces: str | None = None) -> None:
        config = self._live.current
        number = next(n for n in range(1, len(self._numbers) + 2) if n not in self._numbers)
        self._numbers.add(number)
        ours, theirs = socket.socketpair()
        self._workers[number] = worker = await self._spawn(number, ours, theirs)
        watching = asyncio.ensure_future(self._watch(worker))
        self._watching.add(watching)
        watching.add_done_callback(self._watching.discard)
        try:
            start = Start(share(config, number), number, replaces)
            problem = await worker.ask(start)
        except (OSError, EOFError):  # TimeoutError is an OSError
            problem = f"worker {number} ended before it served"
        if problem is not None:
            worker.leaving = True
            worker.signal(signal.SIGKILL)
            raise LedgerError(problem)
        worker.serving = True
        self._log.info("worker.serving", worker=number, pid=worker.process.pid, replaces=replaces)
        if self._live.current is not config:  # a reload overtook it
            await self._prepare(worker, self._live.current)
            await self._apply(worker)
        if self._stopping:
            worker.signal(signal.SIGTERM)

    async def _spawn(self, number: int, ours: socket.socket, theirs: socket.socket) -> Worker:
        fds = (theirs.fileno(), self._socket.fileno())
        with theirs:
            process = await create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                "hookgate_sidecar.worker",
                *map(str, fds),
                pass_fds=fds,
                stdin=DEVNULL,
            )
        return Worker(number, await Channel.over(ours), process)

    async def _watch(self, worker: Worker) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        status = await worker.process.wait()
        worker.serving = False
        said = [word for word in await worker.channel.rest() if isinstance(word, dict)]
        told = self._counted.pop(worker.number, {})
        counted = said[-1] if said else told
        del self._workers[worker.number]
        self._numbers.remove(worker.number)
        self._gone = merge((self._gone, lasting(counted)))
        if self._stopping or worker.leaving:
            return
        how = f"signal {-status}" if status < 0 else f"status {status}"
        self._log.error("worker.died", worker=worker.number, pid=worker.process.pid, of=how)
        self._gone = merge((self._gone, {"hookgate_worker_restarts_total": [([], 1)]}))
        while not self._stopping:
            if loop.time() - began < _QUICK_DEATH_SECONDS:
                await asyncio.sleep(_PAUSE_SECONDS)
            began = loop.time()
            try:
                await self._start(f"a worker that ended with {how}")
            except (LedgerError, OSError) as error:
                self._log.error("worker.not_started", error=str(error))
            else:
                return

    async def _keep(self, problems: tuple[str, ...]) -> None:
        self._log.error("supervisor.reload_refused", problems=list(problems))
        await asyncio.gather(*(self._tell(worker, Keep(problems)) for worker in self._serving()))

    async def _prepare(self, worker: Worker, config: Config) -> tuple[str, ...]:
        try:
            problems: tuple[str, ...] = await worker.ask(Prepare(share(config, worker.number)))
        except (OSError, EOFError):
            # It is dying: whoever replaces it starts with what is in force by then.
            return ()
        return problems

    async def _apply(self, worker: Worker) -> None:
        try:
            await worker.ask(Apply())
        except (OSError, EOFError):
            worker.signal(signal.SIGKILL)  # hung: it must not go by what is no longer in force

    async def _tell(self, worker: Worker, message: object) -> Any:
        """Its reply, None where it is gone or hangs."""
        try:
            return await worker.ask(message)
        except (OSError, EOFError):
            return None

    def _serving(self) -> list[Worker]:
        return [w for w in self._workers.values() if w.serving and not w.leaving]


def share(config: Config, number: int) -> Config:
    """A worker's part of the whole: a ledger of its own, and its share of the connections."""
    path = PurePath(config.audit.path)
    sidecar = config.sidecar
    return replace(
        config,
        audit=replace(config.audit, path=str(path.with_name(f"{path.stem}.{number}{path.suffix}"))),
        sidecar=replace(
            sidecar,
            max_connections=-(-sidecar.max_connections // sidecar.workers),
            max_foreign_connections=-(-sidecar.max_foreign_connections // sidecar.workers),
            max_unnamed_connections=-(-sidecar.max_unnamed_connections // sidecar.workers),
        ),
    )
