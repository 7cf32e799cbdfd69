"""The sidecar as several workers and their supervisor."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from hookgate.config.reload import ReloadableConfig
from hookgate.settings import Config

from .admin import Admin
from .notify import notify, reloading
from .signals import Signals
from .supervisor import Supervisor
from .watching import watch

_STATUS_SECONDS = 1.0


async def serve_with_workers(live: ReloadableConfig, log: structlog.BoundLogger) -> None:
    """Have `sidecar.workers` processes serve until SIGTERM or SIGINT, then drain.

    Raises `ListenError`, and `LedgerError` where a worker cannot serve, before it listens.
    """
    supervisor = Supervisor(live, log)
    admin = Admin(live.current.sidecar, supervisor)
    signals = Signals()
    tasks: set[asyncio.Task[None]] = set()

    async def reload_all(make: Callable[[], Config]) -> None:
        with reloading():
            await supervisor.reload(make)

    def begin(work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    signals.on(signal.SIGUSR1, supervisor.reopen)
    signals.on(signal.SIGUSR2, supervisor.roll)
    signals.on(signal.SIGHUP, lambda: begin(reload_all(live.load_again)))
    watching = asyncio.create_task(watch(live, lambda: begin(reload_all(live.rebuild_from_files))))
    stopping = asyncio.create_task(signals.stop.wait())
    starting = asyncio.create_task(supervisor.start())
    telling = asyncio.create_task(_tell_status(supervisor, starting))
    try:
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            await starting
            sockets = supervisor.sockets
            log.info(
                "sidecar.listening",
                address=sockets.address,
                port=sockets.port,
                upstream=live.current.upstream.url,
                workers=live.current.sidecar.workers,
                audit=live.current.audit.path,
            )
            await admin.start(log)
            notify("READY=1", f"STATUS=Listening on {sockets}")
            await stopping
        notify("STOPPING=1", "STATUS=Draining")
        log.info("sidecar.draining")
    finally:
        starting.cancel()
        stopping.cancel()
        watching.cancel()
        telling.cancel()
        hurrying = asyncio.create_task(_hurry(supervisor, signals))
        await supervisor.stop()
        hurrying.cancel()
        await admin.close()
        log.info("sidecar.stopped")


async def _hurry(supervisor: Supervisor, signals: Signals) -> None:
    await signals.hurry.wait()
    supervisor.hurry()


async def _tell_status(supervisor: Supervisor, starting: "asyncio.Task[None]") -> None:
    """Tell the service manager which workers are missing, until cancelled."""
    await asyncio.wait((starting,))
    told = well = f"Listening on {supervisor.sockets}"
    while True:
        await asyncio.sleep(_STATUS_SECONDS)
        status = "; ".join((well, *supervisor.degraded()))
        if status != told:
            notify(f"STATUS={status}")
            told = status
