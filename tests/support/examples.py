"""How many examples of a property are drawn."""

import os

_FEWEST = 50


def many(count: int, fewest: int = _FEWEST) -> int:
    """So many where each run draws others, as `make soak` does.

    `make test` draws the same ones each time, which find what a change breaks: a third is enough.
    `fewest` is less where an example takes tens of milliseconds.
    """
    if os.environ.get("HYPOTHESIS_PROFILE") == "other":
        return count
    return max(count // 3, min(count, fewest))
