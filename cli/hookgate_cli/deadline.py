"""Work that has no bound of its own: a name server, or a server that sends a byte now and then."""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class OverdueError(Exception):
    """The work was not done in time. It goes on, and nobody waits for it."""


def within(seconds: float, work: Callable[[], T]) -> T:
    """Return what the work returns, or raise what it raises, within so many seconds.

    Raises `OverdueError`.
    """
    done: list[T] = []
    failed: list[Exception] = []

    def run() -> None:
        try:
            done.append(work())
        except Exception as error:  # noqa: BLE001  # raised anew where it is waited for
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not done:
        raise OverdueError
    return done[0]
