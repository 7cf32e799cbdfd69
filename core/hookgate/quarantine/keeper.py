"""Keeping off the event loop: a thread stores what is refused, and its answer waits for that."""

from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

import structlog

from .claims import Claim
from .item import Item
from .store import Usage


class KeeperSettings(Protocol):
    """What a `Keeper` reads of `QuarantineSettings`."""

    @property
    def path(self) -> str: ...
    @property
    def recipients(self) -> tuple[str, ...]: ...
    @property
    def max_age(self) -> float: ...
    @property
    def max_items(self) -> int: ...
    @property
    def max_bytes(self) -> int: ...


class NotKept(StrEnum):
    """Name why nothing is kept, as the ledger says it."""

    FULL = "full"
    UNAVAILABLE = "unavailable"
    TOO_SLOW = "too_slow"
    BUSY = "busy"
    INCOMPLETE = "incomplete"


class Kept(NamedTuple):
    """What became of an item: `sha256` of the stored file, or `refusal`, a word for `not_kept`."""

    sha256: str
    refusal: str
    status: int = 0


Done = Callable[[Kept], None]
Release = Callable[[Claim, str], bool]


class Keeper:
    """Keep deliveries' bodies on a thread of its own. Make it inside the event loop.

    `release(claim, cause)` is called in the loop, and writes the `released` line of a claim: False
    where it could not. Raises `QuarantineKeyError` for recipients that are none.
    """

    def __init__(
        self, settings: KeeperSettings, log: structlog.BoundLogger, release: Release
    ) -> None:
        self.kept = 0
        self.not_kept: Counter[str] = Counter()
        self.released: Counter[str] = Counter()
        self.usage: Usage | None = None
        self.available = True
        raise NotImplementedError((settings, log, release))

    def keep(self, item: Item, record: dict[str, Any], done: Done) -> None:
        """Keep an item; `done` is called in the loop, later, once, within two seconds."""
        raise NotImplementedError

    def tick(self) -> None:
        """Do what is to be done each minute, on the thread; called once a second, in the loop."""
        raise NotImplementedError

    async def close(self) -> None:
        """Wait for what was begun, some seconds at most, and end the thread."""
        raise NotImplementedError
