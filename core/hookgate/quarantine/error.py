"""Why something is not kept."""

from enum import StrEnum


class NotKept(StrEnum):
    """Name why nothing is kept, as the ledger says it."""

    FULL = "full"
    UNAVAILABLE = "unavailable"
    TOO_SLOW = "too_slow"
    BUSY = "busy"
    INCOMPLETE = "incomplete"


class StoreError(Exception):
    """Why the store takes or gives nothing, in words for the log; no sender's value is in them."""

    def __init__(self, word: NotKept, why: str) -> None:
        super().__init__(why)
        self.word = word


class GoneError(StoreError):
    """An item is not there any more."""
