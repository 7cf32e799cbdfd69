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


class InFleet(NamedTuple):
    """What the store of a fleet says of an item. `kept` is the SHA-256 of its file in hex.

    `claimed_by` is the login that claimed it to send it, "" where none did, `claimed_at` in seconds
    since 1970; `is_claimed` says that its session lives, so that it is sent now. `arrived` says
    that it was sent on since from what another gate keeps of it.
    """

    gate: str
    kept: str
    in_custody: bool
    claimed_by: str
    claimed_at: float | None
    is_claimed: bool
    arrived: bool


class Entry(NamedTuple):
    """An item as it lies there.

    `size` is its file's, in bytes; `kept_at` is in seconds since 1970. `record` is the `delivery`
    beside it, None where that is none. `claimed` is the cause that it was claimed for, None where
    it was not. Of one in the store of a fleet `path` is its gate and its file's SHA-256.
    """

    name: str
    path: Path
    size: int
    kept_at: float
    record: Record | None
    claimed: str | None
    fleet: InFleet | None = None


class Swept(NamedTuple):
    """What a look into folders found: what there is in all, and in these what is to be released for
    its age, and what is claimed, maybe by a process that has ended.
    """

    usage: Usage
    expired: list[Entry]
    claims: list[Entry]
