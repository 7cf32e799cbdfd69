"""What a process is asked for by signals, whichever part of the sidecar it is."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any


class Signals:
    """Take the first SIGTERM or SIGINT as the wish to `stop`, the second as that to `hurry`.

    Make it inside the event loop.
    """

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            self.on(number, self._on_stop)

    def on(self, number: signal.Signals, act: Callable[[], None]) -> None:
        """Call `act` when the signal comes."""
        self._loop.add_signal_handler(number, act)

    async def unless_in_a_hurry(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait for the work, and cancel it when somebody is in a hurry."""
        working = asyncio.ensure_future(work)
        hurried = asyncio.ensure_future(self.hurry.wait())
        await asyncio.wait((working, hurried), return_when=asyncio.FIRST_COMPLETED)
        for task in (working, hurried):
            task.cancel()

    def _on_stop(self) -> None:
        (self.hurry if self.stop.is_set() else self.stop).set()
