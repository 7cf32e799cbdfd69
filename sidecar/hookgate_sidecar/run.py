"""One process of the sidecar: from its first line to its last."""

import asyncio
import resource
import signal
from collections.abc import Callable

import structlog

from hookgate.gate import Gate
from hookgate.settings import Config

from .server import Server

_SPARE_DESCRIPTORS = 64


async def serve(
    config: Config, log: structlog.BoundLogger, ready: Callable[[str, int], None] | None = None
) -> None:
    """Run the sidecar until SIGTERM or SIGINT, then drain; a second signal cuts the drain short.

    Raises `LedgerError` or `ListenError` before it listens. `ready` is told the address.
    """
    _raise_descriptor_limit(config, log)
    loop = asyncio.get_running_loop()
    gate = Gate(config, "sidecar", log)
    server = Server(gate)
    stop, hurry = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        (hurry if stop.is_set() else stop).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    loop.add_signal_handler(signal.SIGUSR1, gate.journal.reopen)
    try:
        address, port = await server.start()
        log.info(
            "sidecar.listening",
            address=address,
            port=port,
            upstream=config.upstream.url,
            policy=gate.policy.fingerprint,
            audit=config.audit.path,
            boot=gate.boot,
        )
        if ready is not None:
            ready(address, port)
        await stop.wait()
        log.info("sidecar.draining", in_flight=gate.in_flight)
        drained = asyncio.ensure_future(server.drain())
        hurried = asyncio.ensure_future(hurry.wait())
        await asyncio.wait((drained, hurried), return_when=asyncio.FIRST_COMPLETED)
        for task in (drained, hurried):
            task.cancel()
    finally:
        await server.close()
        log.info("sidecar.stopped", received=gate.received, in_flight=gate.in_flight)


def _raise_descriptor_limit(config: Config, log: structlog.BoundLogger) -> None:
    needed = config.sidecar.max_connections + config.upstream.max_connections + _SPARE_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft != unlimited and soft < needed:
        wanted = needed if hard == unlimited else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        if wanted < needed:
            log.warning("sidecar.few_descriptors", needed=needed, limit=wanted)
