"""A program that runs beside the gate, which neither needs it nor waits for it."""

import asyncio
import contextlib
from asyncio.subprocess import DEVNULL, Process, create_subprocess_exec
from collections.abc import Callable, Sequence

import structlog

from .sockets import os_reason

_LONGEST_PAUSE = 60.0
_LOOK_SECONDS = 1.0
# What it may do after it was told to end; the shipper takes two seconds for what it has.
_GRACE_SECONDS = 3.0


class Beside:
    """Keep `command` running until `end`, and start it anew where what `goes_by` returns changes.

    It is in a session of its own, so that no signal of a terminal reaches it. That it cannot be
    started, and that it ended, is said in the log, and it is tried again later and later.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        goes_by: Callable[[], object],
        log: structlog.BoundLogger,
    ) -> None:
        self._name, self._command, self._goes_by, self._log = name, command, goes_by, log
        self._process: Process | None = None
        self._task = asyncio.create_task(self._run())

    async def end(self) -> None:
        """End it, within seconds in any case."""
        self._task.cancel()
        await asyncio.wait((self._task,))
        await self._stop()

    async def _run(self) -> None:
        pause, loop = 1.0, asyncio.get_running_loop()
        await asyncio.sleep(pause)  # the gate's own start comes first
        while True:
            known, began = self._goes_by(), loop.time()
            how = await self._run_once(known)
            if not how:
                continue
            pause = 1.0 if loop.time() - began > _LONGEST_PAUSE else min(2 * pause, _LONGEST_PAUSE)
            self._log.warning(f"{self._name}.ended", how=how, again_in=pause)
            for _ in range(round(pause / _LOOK_SECONDS)):
                await asyncio.sleep(_LOOK_SECONDS)
                if self._goes_by() != known:
                    break

    async def _run_once(self, known: object) -> str:
        """Run it until it ends, and say how it did; "" where it was to, to be started anew."""
        try:
            self._process = process = await create_subprocess_exec(
                *self._command, stdin=DEVNULL, stdout=DEVNULL, start_new_session=True
            )
        except OSError as error:
            return f"no process can be had: {os_reason(error)}"
        ending = asyncio.create_task(process.wait())
        while not ending.done():
            await asyncio.wait((ending,), timeout=_LOOK_SECONDS)
            if self._goes_by() != known:
                await self._stop()
                return ""
        status = ending.result()
        return f"signal {-status}" if status < 0 else f"status {status}"

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _GRACE_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
