"""What is wrong with an entry that is no network, and what to write instead."""

from typing import NamedTuple


class Offer(NamedTuple):
    """Name entries to write instead; `means` says what they admit where there is a choice."""

    entries: tuple[str, ...]
    means: str = ""


class NetworkError(ValueError):
    """Report an entry that is no network here.

    Each of `offers` admits what the text may have meant, no more and no less; where that is in
    doubt there is none, and `mend` says in words what to do, "" where only the place knows.
    """

    def __init__(self, why: str, *offers: Offer, mend: str = "") -> None:
        super().__init__(f"{why}; {mend}" if mend else why)
        self.why = why
        self.offers = offers
        self.mend = mend
