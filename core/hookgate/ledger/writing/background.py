"""Work that no delivery waits for."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Background:
    """Do work on a thread of its own, one piece after the other.

    The thread begins with the first piece. Where none can be had, work is done at once.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._pool: ThreadPoolExecutor | None = None

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        """Begin work, after what was begun before. Raises its errors where it is done at once."""
        try:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(1, self._name)
            return self._pool.submit(work)
        except RuntimeError:  # no thread can be had
            self._pool = None
            done: Future[T] = Future()
            done.set_result(work())
            return done

    def close(self) -> None:
        """Wait for what was begun, and end the thread."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None
