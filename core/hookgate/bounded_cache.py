"""What was worked out before, so that it need not be again."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

# Bytes. Senders repeat what is short; what is longer may be made up, anew each time and by anybody.
LONGEST_REMEMBERED = 256

K = TypeVar("K")
V = TypeVar("V")


def remember_short(most: int) -> Callable[[Callable[[bytes], V]], Callable[[bytes], V]]:
    """Decorate a function of one text: keep the results of the `most` short ones asked last.

    So a cache holds at most `most` texts of `LONGEST_REMEMBERED` bytes, whoever sends them.
    """

    def decorate(function: Callable[[bytes], V]) -> Callable[[bytes], V]:
        known = lru_cache(maxsize=most)(function)

        @wraps(function)
        def look_up(text: bytes) -> V:
            return known(text) if len(text) <= LONGEST_REMEMBERED else function(text)

        return look_up

    return decorate


class BoundedCache(dict[K, V]):
    """Keep results by what they follow from, at most `most` of them."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def remember(self, key: K, value: V) -> None:
        """Keep a result; where there are too many, which are soon found again, begin anew."""
        if len(self) >= self._most:
            # Taking the first key out again and again would search past all that were before it.
            self.clear()
        self[key] = value
