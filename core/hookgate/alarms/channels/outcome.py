"""What came of telling one notice by one channel."""

from typing import NamedTuple


class Outcome(NamedTuple):
    """Hold whether it was told, why not in a few words, and how long it took.

    `why` holds no secret and nothing that the other side said but a status. `is_final` where the
    message itself was refused: to send it again is of no use.
    """

    told: bool
    why: str
    seconds: float
    is_final: bool = False
