"""What was worked out before, so that it need not be again."""

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Known(dict[K, V]):
    """Results of late by what they follow from, at most so many."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def learn(self, key: K, value: V) -> None:
        """Remember one; where there are too many, which are soon learnt again, begin anew."""
        if len(self) >= self._most:
            # Taking the first key out again and again would search past all that were before it.
            self.clear()
        self[key] = value
