"""Keeping, off the event loop."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

import structlog

from hookgate.settings import QuarantineSettings

from .item import Item
from .store import Claim


class NotKept(StrEnum):
    """Name why nothing is kept, as the ledger says it."""

    FULL = "full"
    UNAVAILABLE = "unavailable"
    TOO_SLOW = "too_slow"
    BUSY = "busy"
    INCOMPLETE = "incomplete"


class Kept(NamedTuple):
    """Tell what became of a body: the SHA-256 of its file, or a `refusal` that says why not."""

    sha256: str
    refusal: str
    status: int = 0


class Keeper:
    """Keep bodies on a thread of its own. Make it inside the event loop."""

    def __init__(
        self,
        settings: QuarantineSettings,
        log: structlog.BoundLogger,
        release: Callable[[Claim, str], bool],
    ) -> None:
        raise NotImplementedError

    def keep(self, item: Item, record: dict[str, Any], done: Callable[[Kept], None]) -> None:
        """Keep it; `done` gets what became of it."""
        raise NotImplementedError

    def tick(self) -> None:
        """Do the clock's work, once a second."""
        raise NotImplementedError

    async def close(self) -> None:
        """Wait for what was begun."""
        raise NotImplementedError
