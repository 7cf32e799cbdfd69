"""Calls of the store by a thread of its own, so that lines are read while it writes others."""

from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread

_Call = tuple[Callable[[], None], Future[None]]


class Sending:
    """One call at a time. What it raised is raised by whoever begins the next, or waits for it.

    The thread is no reason for a process to go on.
    """

    def __init__(self) -> None:
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._done: Future[None] | None = None
        self._thread: Thread | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether a call may not have ended."""
        return self._done is not None

    def begin(self, call: Callable[[], None]) -> None:
        """Wait for the call before, and begin this one."""
        self.settle()
        if self._thread is None:
            self._thread = Thread(target=self._run, daemon=True)
            self._thread.start()
        self._done = Future()
        self._calls.put((call, self._done))

    def settle(self) -> None:
        """Wait for the last call."""
        done, self._done = self._done, None
        if done is not None:
            done.result()

    def close(self) -> None:
        """End the thread after the last call."""
        self._calls.put(None)

    def _run(self) -> None:
        while (given := self._calls.get()) is not None:
            call, done = given
            try:
                call()
            except Exception as error:  # noqa: BLE001  # whoever waits is told
                done.set_exception(error)
            else:
                done.set_result(None)
