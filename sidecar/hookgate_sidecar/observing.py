"""Says that a gate lets things pass which its policy would refuse, until nobody wants it to."""

import asyncio
from collections.abc import Callable

import structlog

from hookgate.settings import Config, Mode

_EVERY_SECONDS = 3600.0


async def warn_while_observing(current: Callable[[], Config], log: structlog.BoundLogger) -> None:
    """Log which checks only observe, at once and every hour, until cancelled.

    `current` returns the configuration in force by then.
    """
    while True:
        observed = [name for name, mode in current().checks.items() if mode is Mode.OBSERVE]
        if observed:
            log.warning(
                "sidecar.observing",
                checks=observed,
                effect="what these find is recorded as observed and forwarded",
            )
        await asyncio.sleep(_EVERY_SECONDS)
