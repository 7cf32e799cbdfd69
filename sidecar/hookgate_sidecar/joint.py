"""One answer for all who ask at once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Joint(Generic[T]):
    """Make an answer for all who asked before it was begun, and begin none within `apart` seconds
    of the one before: however many ask, it is made no more often. No answer is older than its
    question.
    """

    def __init__(self, make: Callable[[], Awaitable[T]], apart: float) -> None:
        self._make = make
        self._apart = apart
        self._not_before = 0.0
        self._next: asyncio.Task[T] | None = None

    async def answer(self) -> T:
        """Return the answer that is begun next. Raises what making it raises."""
        if self._next is None:
            self._next = asyncio.create_task(self._make_next())
        # Whoever leaves must not take it from the others.
        return await asyncio.shield(self._next)

    async def _make_next(self) -> T:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._not_before - loop.time())
        self._not_before = loop.time() + self._apart
        self._next = None
        return await self._make()
