"""Threads that take work from one queue, and the way back into the loop."""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue

Work = Callable[[], object]


class Threads:
    """At most so many threads; one more begins where work waits. The process ends without waiting
    for them: their disk may hang.
    """

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._running = 0
        self._work: SimpleQueue[Work | None] = SimpleQueue()

    def submit(self, work: Work) -> bool:
        """Have work done, which must not raise; False where no thread can be had."""
        if not self._running or (self._running < self._most and not self._work.empty()):
            try:
                threading.Thread(target=self._run, name=self._name, daemon=True).start()
                self._running += 1
            except RuntimeError:
                if not self._running:
                    return False
        self._work.put(work)
        return True

    def end(self) -> None:
        """End them, after what was submitted."""
        for _ in range(self._running):
            self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()


def call_in(
    loop: asyncio.AbstractEventLoop, function: Callable[..., object], *arguments: object
) -> bool:
    """Have a loop call a function, from any thread; False where there is no loop any more."""
    try:
        loop.call_soon_threadsafe(function, *arguments)
    except RuntimeError:
        return False
    return True
