"""The folder of what is kept."""

from typing import NamedTuple


class Claim(NamedTuple):
    """Hold an item that is about to be released by whoever has this."""

    kept: str
    sha256: str
