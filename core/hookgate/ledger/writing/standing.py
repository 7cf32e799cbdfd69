"""How one boot's ledger stands, for whoever looks at a gate while it runs."""

from collections.abc import Collection
from typing import TypedDict

from .checkpoints import Checkpoints
from .ledger_file import LedgerFile
from .pipeline import Pipeline


class LedgerStanding(TypedDict):
    """How a ledger stands.

    Of its `lines` those are `unsynced` that a crash of the machine may take, None where the gate
    syncs nothing; the `backlog` waits for a file that takes lines. Times are seconds since 1970, 0
    before the first time.
    """

    writable: bool
    lines: int
    backlog: int
    unsynced: int | None
    synced_at: float
    checkpoint_at: float


class Standing:
    """Look at a journal's parts."""

    def __init__(
        self,
        file: LedgerFile,
        pipeline: Pipeline,
        checkpoints: Checkpoints,
        backlog: Collection[object],
    ) -> None:
        self._file = file
        self._pipeline = pipeline
        self._checkpoints = checkpoints
        self._backlog = backlog

    def __call__(self) -> LedgerStanding:
        """Tell how they are now."""
        (last, _), is_synced = self._file.vouched
        lines = self._pipeline.tip.n
        return {
            "writable": self._file.available,
            "lines": lines,
            "backlog": len(self._backlog),
            "unsynced": lines - last if is_synced else None,
            "synced_at": self._file.synced_at,
            "checkpoint_at": self._checkpoints.written_at,
        }
