"""Heads that passed, by their bytes, so that none is parsed and screened again and again."""

from typing import NamedTuple

from hookgate.delivery import Passed

# Senders differ in little but the body's length. Together at most 2 MiB of keys.
_MOST = 1024
_LONGEST = 2048

# Who opened the connection, whom its PROXY header named, and the scheme.
Sender = tuple[str, str | None, bytes]


class KnownHead(NamedTuple):
    """What followed from a head; `length` is that of the body behind it."""

    passed: Passed
    length: int


class KnownHeads(dict[tuple[Sender, bytes], KnownHead]):
    """The heads that passed last, up to a bound, by who sent them."""

    def learn(self, sender: Sender, head: bytes, known: KnownHead) -> None:
        """Remember a head, and forget the one that was learnt first if there are too many."""
        if len(head) > _LONGEST:
            return
        if len(self) >= _MOST:
            del self[next(iter(self))]
        self[sender, head] = known
