"""The configuration's files, looked at while the sidecar serves."""

import asyncio
from collections.abc import Callable

from hookgate.config.reload import ReloadableConfig

_WATCH_SECONDS = 1.0


async def watch(live: ReloadableConfig, changed: Callable[[], None]) -> None:
    """Call `changed` whenever a file that is read has changed, until cancelled: within a second."""
    while True:
        await asyncio.sleep(_WATCH_SECONDS)
        if live.has_changed():
            changed()
