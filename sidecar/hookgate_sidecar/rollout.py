"""How a configuration comes to all workers, or to none."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import structlog

from hookgate.config.error import ConfigError
from hookgate.config.reload import ReloadableConfig
from hookgate.config.warnings import log_warnings
from hookgate.settings import Config

from .channel import Apply, Prepare, ReloadRefused
from .process import WorkerProcess
from .shares import share

# What a reload waits for a worker, in each of its two steps.
_PATIENCE_SECONDS = 2.0


class Rollout:
    """Reload those that `serving` returns. `kill` is for one that cannot go by what is in force.

    A worker that does not answer is not waited for: it prepares and applies what is in force by
    then once it answers again, and nothing else is asked of it before.
    """

    def __init__(
        self,
        live: ReloadableConfig,
        log: structlog.BoundLogger,
        serving: Callable[[], list[WorkerProcess]],
        kill: Callable[[WorkerProcess, str], None],
    ) -> None:
        self._live = live
        self._log = log
        self._serving = serving
        self._kill = kill
        self._lock = asyncio.Lock()

    async def reload(self, make: Callable[[], Config]) -> None:
        """Have every worker go by the configuration that `make` returns, or none."""
        async with self._lock:
            try:
                config = make()
            except ConfigError as error:
                self._record_refusal(tuple(error.problems))
                return
            prepared = await self._prepare(config)
            if problems := [problem for reply in prepared.values() for problem in reply]:
                self._record_refusal(tuple(problems))
                return
            self._live.current = config
            log_warnings(config, self._log)
            waited = []
            for worker in self._serving():
                if worker in prepared:
                    waited.append(self._bring(worker, config))
                else:
                    self._bring(worker, None)
            await settle(waited, _PATIENCE_SECONDS)

    async def catch_up(self, worker: WorkerProcess, prepared: Config | None = None) -> None:
        """Have a worker go by what is in force; `prepared` is what it compiled last.

        Raises EOFError where it is gone: whoever replaces it starts with what is in force.
        """
        while worker.config is not (config := self._live.current):
            if prepared is not config:
                problems = await worker.ask(Prepare(share(config, worker.number)))
                if problems:
                    self._kill(worker, f"could not go by what is in force: {problems[0]}")
                    raise EOFError
                prepared = config
            if config is self._live.current:
                await worker.ask(Apply())
                worker.config = config

    def _record_refusal(self, problems: tuple[str, ...]) -> None:
        self._log.error("supervisor.reload_refused", problems=list(problems))
        for worker in self._serving():
            worker.ask(ReloadRefused(problems))

    async def _prepare(self, config: Config) -> dict[WorkerProcess, tuple[str, ...]]:
        """The problems of each that answers. Who still has to catch up is not asked."""
        asked = {
            worker: worker.ask(Prepare(share(config, worker.number)))
            for worker in self._serving()
            if worker.config is self._live.current
        }
        await settle(asked.values(), _PATIENCE_SECONDS)
        return {w: r.result() for w, r in asked.items() if r.done() and r.exception() is None}

    def _bring(self, worker: WorkerProcess, prepared: Config | None) -> "asyncio.Task[None]":
        """Let it catch up, in one task at a time: two would apply what the other prepared."""

        async def bring() -> None:
            try:
                await self.catch_up(worker, prepared)
            except EOFError:
                pass

        if worker.catching_up is None or worker.catching_up.done():
            worker.catching_up = asyncio.ensure_future(bring())
        return worker.catching_up


async def settle(futures: Iterable["asyncio.Future[Any]"], seconds: float) -> None:
    """Wait until all are done, or for so many seconds."""
    if waited := tuple(futures):
        await asyncio.wait(waited, timeout=seconds)
