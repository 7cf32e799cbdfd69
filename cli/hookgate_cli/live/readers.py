"""The open pages: all are sent the same bytes once a second, and none is waited for."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

MOST_READERS = 4


class NoRoomError(Exception):
    """As many pages are open as may be."""


class Readers:
    """Who is sent each second's state. A reader that is behind misses states and costs nothing.

    `describe` makes the state as it is sent. Where nobody reads it is not called.
    """

    def __init__(self, describe: Callable[[], bytes]) -> None:
        self._describe = describe
        self._count = 0
        self._next: asyncio.Future[bytes] | None = None
        self._is_closed = False

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold one of the places. Raises `NoRoomError`."""
        if self._count >= MOST_READERS:
            raise NoRoomError
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1

    async def states(self) -> AsyncIterator[bytes]:
        """Return the state as it is now, and then each that is newer than the one before."""
        yield self._describe()
        while not self._is_closed:
            if self._next is None:
                self._next = asyncio.get_running_loop().create_future()
            # One that leaves must not take it from the others.
            yield await asyncio.shield(self._next)

    def tell(self) -> None:
        """Send the state of now to whoever waits for one."""
        if self._next is not None:
            waited, self._next = self._next, None
            waited.set_result(self._describe())

    def close(self) -> None:
        """Let all go."""
        self._is_closed = True
        self.tell()
