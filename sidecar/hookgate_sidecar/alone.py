"""The sidecar as one process."""

import asyncio
import signal
from collections.abc import Callable

import structlog

from hookgate.config.error import ConfigError
from hookgate.config.reload import ReloadableConfig
from hookgate.config.warnings import log_warnings
from hookgate.gate.gate import Gate
from hookgate.settings import Config

from .descriptors import fit
from .notify import notify, reloading
from .server import Server
from .signals import Signals
from .watching import watch


async def serve_alone(live: ReloadableConfig, log: structlog.BoundLogger) -> None:
    """Serve until SIGTERM or SIGINT, then drain.

    Raises `LedgerError`, `ListenError`, or ValueError of TLS files, before it listens.
    """
    config = live.current
    gate = Gate(fit(config), "sidecar", log)
    server = Server(gate)
    admin = None
    if config.sidecar.admin is not None:
        from .admin import Admin  # noqa: PLC0415  # 25 ms, with the client of Prometheus

        admin = Admin(config.sidecar, server)
    signals = Signals()

    @reloading()
    def reload(make: Callable[[], Config]) -> None:
        try:
            config = make()
            change = server.prepare(config)
        except (ConfigError, ValueError) as error:
            gate.record_refused_reload(tuple(str(error).splitlines()))
        else:
            live.current = config
            server.apply(change)
            log_warnings(config, log)

    signals.on(signal.SIGUSR1, gate.journal.reopen)
    signals.on(signal.SIGUSR2, lambda: log.warning("sidecar.not_rolled", why="it is one process"))
    signals.on(signal.SIGHUP, lambda: reload(live.load_again))
    watching = asyncio.create_task(watch(live, lambda: reload(live.rebuild_from_files)))
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
        if admin is not None:
            await admin.start(log)
        notify("READY=1", f"STATUS=Listening on {sockets}")
        await signals.stop.wait()
        notify("STOPPING=1", "STATUS=Draining")
        log.info("sidecar.draining", in_flight=gate.counts.in_flight)
        await signals.unless_in_a_hurry(server.drain())
    finally:
        watching.cancel()
        await server.close()
        if admin is not None:
            await admin.close()
        log.info("sidecar.stopped", received=gate.counts.received, in_flight=gate.counts.in_flight)
