"""What a look into the store finds."""

from pathlib import Path
from typing import NamedTuple

from .names import Record


class Usage(NamedTuple):
    """What is in the store. `bytes` counts all files of items; `oldest` is when the one that is
    there longest was kept, in seconds since 1970, None where there is none; `in_custody` counts
    those whose sender was told that they are safe here, or may have been: no record tells.
    """

    items: int
    bytes: int
    oldest: float | None
    in_custody: int = 0


class Entry(NamedTuple):
    """An item as it lies there.

    `size` is its file's, in bytes; `kept_at` is in seconds since 1970. `record` is the `delivery`
    beside it, None where that is none. `claimed` is the cause that it was claimed for, None where
    it was not.
    """

    name: str
    path: Path
    size: int
    kept_at: float
    record: Record | None
    claimed: str | None


class Swept(NamedTuple):
    """What a look into folders found: what there is in all, and in these what is to be released for
    its age, and what is claimed, maybe by a process that has ended.
    """

    usage: Usage
    expired: list[Entry]
    claims: list[Entry]
