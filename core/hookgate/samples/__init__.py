"""What the provider's webhooks send: a folder for each contract, with invented values."""

from functools import cache
from importlib.resources import files

__all__ = ["CONTRACTS", "documented_events", "documented_samples"]

# A contract for each documented webhook; the first is the default.
CONTRACTS = (
    "cm-events",
    "cm-messages",
    "cm-status",
    "cm-email",
    "cm-payments",
    "cm-voice",
    "cm-two-way",
)


def documented_events() -> dict[str, bytes]:
    """Every documented event by name, as the bytes of a request body."""
    return documented_samples("cm-events")


@cache
def documented_samples(contract: str) -> dict[str, bytes]:
    """Every sample of one of `CONTRACTS` by name, as the bytes of a request body."""
    folder = files(__name__) / contract
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".json"))
    return {name.removesuffix(".json"): (folder / name).read_bytes() for name in names}
