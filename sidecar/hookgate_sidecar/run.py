"""The sidecar's processes, from their first line to their last."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from hookgate.config.build import ConfigError
from hookgate.config.reload import LiveConfig
from hookgate.gate.gate import Gate
from hookgate.settings import Config
from hookgate.unblocked import unblock_stderr

from .admin import Admin
from .descriptors import fit, needed, raise_limit
from .notify import feed_watchdog, notify, reloading
from .observing import warn_while_observing
from .rollout import share
from .server import Server
from .supervisor import Supervisor

_WATCH_SECONDS = 1.0


class Signals:
    """What is asked of a process: the first SIGTERM or SIGINT to drain, the second to hurry."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            self.on(number, self._on_stop)

    def on(self, number: signal.Signals, act: Callable[[], None]) -> None:
        """Call `act` when the signal comes."""
        self._loop.add_signal_handler(number, act)

    def _on_stop(self) -> None:
        (self.hurry if self.stop.is_set() else self.stop).set()


async def serve(live: LiveConfig, log: structlog.BoundLogger) -> None:
    """Run the sidecar until SIGTERM or SIGINT, then drain; a second signal cuts the drain short.

    Raises `LedgerError` or `ListenError` before it listens.
    """
    unblock_stderr(lambda messages: log.warning("log.dropped", messages=messages))
    provide_descriptors(live.current, log)
    run = _serve_alone if live.current.sidecar.workers == 1 else _supervise

    companions = [
        asyncio.create_task(feed_watchdog()),
        asyncio.create_task(warn_while_observing(lambda: live.current, log)),
    ]
    try:
        await run(live, log)
    finally:
        for task in companions:
            task.cancel()


async def _serve_alone(live: LiveConfig, log: structlog.BoundLogger) -> None:
    config = live.current
    gate = Gate(fit(config), "sidecar", log)
    server = Server(gate)
    admin = Admin(config.sidecar, server)
    signals = Signals()

    @reloading()
    def reload(make: Callable[[], Config]) -> None:
        try:
            config = make()
            change = server.prepare(config)
        except (ConfigError, ValueError) as error:
            gate.keep(tuple(str(error).splitlines()))
        else:
            live.current = config
            server.apply(change)

    signals.on(signal.SIGUSR1, gate.journal.reopen)
    signals.on(signal.SIGUSR2, lambda: log.warning("sidecar.not_rolled", why="it is one process"))
    signals.on(signal.SIGHUP, lambda: reload(live.reread))
    watching = asyncio.create_task(_watch(live, lambda: reload(live.refresh)))
    try:
        sockets = await server.start()
        log.info(
            "sidecar.listening",
            address=sockets.address,
            port=sockets.port,
            upstream=config.upstream.url,
            policy=gate.policy.fingerprint,
            audit=config.audit.path,
            boot=gate.boot,
        )
        await admin.start(log)
        notify("READY=1", f"STATUS=Listening on {sockets}")
        await signals.stop.wait()
        notify("STOPPING=1", "STATUS=Draining")
        log.info("sidecar.draining", in_flight=gate.in_flight)
        await drain(server, signals)
    finally:
        watching.cancel()
        await server.close()
        await admin.close()
        log.info("sidecar.stopped", received=gate.received, in_flight=gate.in_flight)


async def _supervise(live: LiveConfig, log: structlog.BoundLogger) -> None:
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
    signals.on(signal.SIGHUP, lambda: begin(reload_all(live.reread)))
    watching = asyncio.create_task(_watch(live, lambda: begin(reload_all(live.refresh))))
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


async def drain(server: Server, signals: Signals) -> None:
    """Let what was begun end, unless somebody is in a hurry."""
    drained = asyncio.ensure_future(server.drain())
    hurried = asyncio.ensure_future(signals.hurry.wait())
    await asyncio.wait((drained, hurried), return_when=asyncio.FIRST_COMPLETED)
    for task in (drained, hurried):
        task.cancel()


async def _hurry(supervisor: Supervisor, signals: Signals) -> None:
    await signals.hurry.wait()
    supervisor.hurry()


async def _tell_status(supervisor: Supervisor, starting: "asyncio.Task[None]") -> None:
    """Tell the service manager which workers are missing, until cancelled."""
    await asyncio.wait((starting,))
    told = well = f"Listening on {supervisor.sockets}"
    while True:
        await asyncio.sleep(_WATCH_SECONDS)
        status = "; ".join((well, *supervisor.degraded()))
        if status != told:
            notify(f"STATUS={status}")
            told = status


async def _watch(live: LiveConfig, changed: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(_WATCH_SECONDS)
        if live.has_changed():
            changed()


def provide_descriptors(config: Config, log: structlog.BoundLogger) -> None:
    """As many descriptors as the connections may need; where there are fewer, say what follows.

    Workers inherit the limit, and each has as many.
    """
    one = share(config, 1) if config.sidecar.workers > 1 else config
    limit = raise_limit(one)
    fitted = fit(one, limit)
    if fitted is not one:
        log.warning(
            "sidecar.few_descriptors",
            limit=limit,
            needed=needed(one),
            max_connections=fitted.sidecar.max_connections,
            upstream_max_connections=fitted.upstream.max_connections,
            mend=f"LimitNOFILE={needed(one)} in the unit, or ulimit -n {needed(one)}",
        )
