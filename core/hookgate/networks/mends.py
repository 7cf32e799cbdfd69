"""What to write instead, in the words of the place where it is to be written."""

from enum import Enum

from .error import NetworkError


class Place(Enum):
    """Name where a value stands, and so how it is written."""

    TOML = "an array of hookgate.toml"
    TEXT = "a text, its parts separated by commas, as in the environment"
    FILE = "a file with an entry on each line"
    OPTION = "an option of a command, which is given once for each entry"


def is_variable(origin: str) -> bool:
    """Tell whether a value came from the environment, where it stands without quotes."""
    return origin.startswith("$")


def network_mend(error: NetworkError, place: Place, otherwise: str) -> str:
    """Say an entry's fault and its mend; `otherwise` is that of one whose meaning is in doubt."""
    if not error.offers:
        return f"{error.why}; {error.mend or otherwise}"
    choices = [f"{_written(offer.entries, place)} {offer.means}".rstrip() for offer in error.offers]
    return f"{error.why}; write {', or '.join(choices)}"


def _written(entries: tuple[str, ...], place: Place) -> str:
    match place:
        case Place.TOML:
            return ", ".join(f'"{entry}"' for entry in entries)
        case Place.TEXT:
            return ",".join(entries)
        case Place.FILE:
            return ", ".join(entries) + (", each on a line of its own" if entries[1:] else "")
        case Place.OPTION:
            return ", ".join(entries) + (", each in an option of its own" if entries[1:] else "")
