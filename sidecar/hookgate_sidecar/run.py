"""The sidecar's first process, from its first line to its last."""

import asyncio
from collections.abc import Sequence

import structlog

from hookgate.config.reload import ReloadableConfig
from hookgate.unblocked import unblock_stderr

from .beside import Beside
from .descriptors import provide_descriptors
from .notify import feed_watchdog
from .observing import warn_while_observing


async def serve(
    live: ReloadableConfig, log: structlog.BoundLogger, ship: Sequence[str] = ()
) -> None:
    """Run the sidecar until SIGTERM or SIGINT, then drain; a second signal cuts the drain short.

    `ship` is a command that ships the ledger, to run beside. Raises `LedgerError` or `ListenError`
    before it listens.
    """
    unblock_stderr(lambda messages: log.warning("log.dropped", messages=messages))
    provide_descriptors(live.current, log)
    companions = [
        asyncio.create_task(feed_watchdog()),
        asyncio.create_task(warn_while_observing(lambda: live.current, log)),
    ]
    shipper = Beside("ship", ship, lambda: live.current.fleet, log) if ship else None
    try:
        # Each imports much that the other does without.
        if live.current.sidecar.workers == 1:
            from .alone import serve_alone  # noqa: PLC0415  # not for workers

            await serve_alone(live, log)
        else:
            from .with_workers import serve_with_workers  # noqa: PLC0415  # not for one process

            await serve_with_workers(live, log)
    finally:
        for task in companions:
            task.cancel()
        if shipper is not None:
            await shipper.end()
