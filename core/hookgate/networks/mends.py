"""What to write instead, in the notation of the place where it is to be written."""

from enum import Enum

from .error import NetworkError


class Notation(Enum):
    """Name where a value stands, and so how it is written."""

    TOML = "an array of hookgate.toml"
    TEXT = "a text, its parts separated by commas, as in the environment"
    FILE = "a file with an entry on each line"
    OPTION = "an option of a command, which is given once for each entry"


def network_mend(error: NetworkError, notation: Notation, otherwise: str) -> str:
    """Say an entry's fault and its mend; `otherwise` is that of one whose meaning is in doubt."""
    if not error.offers:
        return f"{error.why}; {error.mend or otherwise}"
    choices = [
        f"{_written(offer.entries, notation)} {offer.means}".rstrip() for offer in error.offers
    ]
    return f"{error.why}; write {', or '.join(choices)}"


def _written(entries: tuple[str, ...], notation: Notation) -> str:
    match notation:
        case Notation.TOML:
            return ", ".join(f'"{entry}"' for entry in entries)
        case Notation.TEXT:
            return ",".join(entries)
        case Notation.FILE:
            return ", ".join(entries) + (", each on a line of its own" if entries[1:] else "")
        case Notation.OPTION:
            return ", ".join(entries) + (", each in an option of its own" if entries[1:] else "")
