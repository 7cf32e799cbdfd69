"""Heads that were screened, by their bytes, so that none is parsed and screened again and again."""

from typing import NamedTuple

from hookgate.delivery import Screened

# Senders differ in little but the body's length. Strangers have a store of their own, and can
# drive nobody else's out.
MOST, MOST_OF_STRANGERS = 1024, 256
_LONGEST = 2048

# Who opened the connection, whom its PROXY header named, and the scheme.
Sender = tuple[str, str | None, bytes]


class KnownHead(NamedTuple):
    """What followed from a head; `length` is that of the body behind it."""

    screened: Screened
    length: int


class KnownHeads(dict[tuple[Sender, bytes], KnownHead]):
    """Heads that were screened lately, `most` of them, by who sent them."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def learn(self, sender: Sender, head: bytes, known: KnownHead) -> None:
        """Remember a head; where there are too many, which are soon learnt again, begin anew."""
        if len(head) > _LONGEST:
            return
        if len(self) >= self._most:
            # Taking the first key out again and again would search past all that were before it.
            self.clear()
        self[sender, head] = known
