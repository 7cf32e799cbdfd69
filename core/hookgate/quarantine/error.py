"""Why something cannot be kept."""

from typing import Literal

Refusal = Literal["full", "unavailable"]


class StoreError(Exception):
    """Why the store cannot be used, in words for the log; no sender's value is in them.

    `word` is what the ledger's `not_kept` says of it.
    """

    def __init__(self, word: Refusal, why: str) -> None:
        super().__init__(why)
        self.word: Refusal = word
