"""By what a foreign request looks like the provider's, in words for records and metrics."""

from collections.abc import Collection
from enum import StrEnum


class Sign(StrEnum):
    """Name one thing that matched; `means` says it to a person. In the order of records."""

    means: str

    def __new__(cls, word: str, means: str) -> "Sign":
        """Make a member whose value is the word."""
        sign = str.__new__(cls, word)
        sign._value_ = word
        sign.means = means
        return sign

    FIELDS = "fields", "the same header fields as admitted senders"
    LENGTH = "length", "a length as admitted bodies have"
    WATCH = "watch", "an address in source.watch"
    AGAIN = "again", "came back after about five minutes"
    QUIET = "quiet", "came while admitted traffic was below half of what is usual at this hour"


# One of these makes it a near miss: the others alone do not. The first that matched counts.
CAUSES = (Sign.WATCH, Sign.AGAIN, Sign.QUIET)

Signs = tuple[Sign, ...]


def cause(signs: Signs) -> Sign:
    """Return for what a near miss is counted. Raises ValueError where it is none."""
    for sign in CAUSES:
        if sign in signs:
            return sign
    raise ValueError("no near miss")


def describe(words: Collection[str]) -> str:
    """Say in a sentence why a record calls a request a near miss; words of others are left out."""
    known = [sign.means for sign in Sign if sign in words]
    return f"Looks like the provider: {', '.join(('method, path and type', *known))}."
