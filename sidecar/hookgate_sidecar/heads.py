"""Heads that were screened, by their bytes, so that none is parsed and screened again and again."""

from dataclasses import dataclass

from hookgate.bounded_cache import BoundedCache
from hookgate.gate.state import Screened

# Senders differ in little but the body's length. Strangers have a store of their own, and can
# drive nobody else's out.
MOST, MOST_OF_STRANGERS = 1024, 256
LONGEST = 2048

# Who opened the connection, whom its PROXY header named, and the scheme.
Sender = tuple[str, str | None, bytes]


@dataclass(frozen=True, slots=True)
class KnownHead:
    """What followed from a head; `length` is that of the body behind it."""

    screened: Screened
    length: int


KnownHeads = BoundedCache[tuple[Sender, bytes], KnownHead]
