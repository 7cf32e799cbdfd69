"""An event that a signal's handler may set."""

import os
import select
from threading import Event


class SignalEvent(Event):
    """A `threading.Event` that may be set by a handler while the main thread waits for it.

    That of the standard library has a lock, which the thread that waits holds for moments: a
    handler that sets it just then waits for itself, for ever. This one is a pipe that can be read
    once it is set. It cannot be cleared.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_set = False
        self._read, self._write = os.pipe()

    def __del__(self) -> None:
        os.close(self._read)
        os.close(self._write)

    def is_set(self) -> bool:
        """Tell whether it was set."""
        return self._is_set

    def set(self) -> None:
        """Set it."""
        if not self._is_set:
            self._is_set = True
            os.write(self._write, b"\0")

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, for so many seconds at most; return whether it is."""
        if not self._is_set:
            poll = select.poll()
            poll.register(self._read, select.POLLIN)
            poll.poll(None if timeout is None else max(0.0, timeout) * 1000)
        return self._is_set
