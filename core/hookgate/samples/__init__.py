"""The documented events, one file each, with invented values."""

from functools import cache
from importlib.resources import files

__all__ = ["documented_events"]


@cache
def documented_events() -> dict[str, bytes]:
    """Every shipped event by name, as the bytes of a request body."""
    folder = files(__name__)
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".json"))
    return {name.removesuffix(".json"): folder.joinpath(name).read_bytes() for name in names}
