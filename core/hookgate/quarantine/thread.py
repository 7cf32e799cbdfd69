"""A thread that does one piece of work after the other."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

Work = Callable[[], object]


class Thread:
    """Begins with the first piece of work. The process ends without waiting for it: its disk may
    hang.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._work: SimpleQueue[Work | None] = SimpleQueue()
        self._is_running = False

    def submit(self, work: Work) -> bool:
        """Have work done, which must not raise; False where no thread can be had."""
        if not self._is_running:
            try:
                threading.Thread(target=self._run, name=self._name, daemon=True).start()
            except RuntimeError:
                return False
            self._is_running = True
        self._work.put(work)
        return True

    def end(self) -> None:
        """End it, after what was submitted."""
        self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()
