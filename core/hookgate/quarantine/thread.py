"""Threads that do one piece of work after the other."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

Work = Callable[[], object]


class Threads:
    """So many threads at most; work begins in the order in which it came.

    Each begins with a piece of work. The process ends without waiting for them: its disk may hang.
    """

    def __init__(self, name: str, most: int = 1) -> None:
        self._name = name
        self._most = most
        self._work: SimpleQueue[Work | None] = SimpleQueue()
        self._running = 0

    def submit(self, work: Work) -> bool:
        """Have work done, which must not raise; False where no thread can be had."""
        if self._running < self._most:
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
