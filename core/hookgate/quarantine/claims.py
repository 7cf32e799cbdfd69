"""Items on their way out of the store: claimed by one process, then recorded, then gone."""

from pathlib import Path
from typing import NamedTuple

from .names import Record


class Claim(NamedTuple):
    """An item that this process alone may record as released, and drop; or restore.

    `kept` is the SHA-256 of the stored file in hex, worked out from what is there; `sha256` that of
    the body, by the item's name. `record` is what stands beside it, None where that is no record.
    `cause` is what it was claimed for. A process that ends before it drops or restores a claim
    leaves it stale.
    """

    name: str
    path: Path
    kept: str
    sha256: str
    cause: str
    record: Record | None
    fd: int
