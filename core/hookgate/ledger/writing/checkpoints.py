"""Checkpoints into the operational log: at the start, once a minute and at the stop."""

import time
from pathlib import Path

import structlog

from hookgate.ledger.checkpoint import Checkpoint
from hookgate.unblocked import CHECKPOINT, dropped_checkpoints

from .ledger_file import LedgerFile
from .sink import STDOUT

EVERY_SECONDS = 60.0


class Checkpoints:
    """Say of one boot's ledger which of its lines are there: those that no crash can take.

    A boot that wrote nothing since says so all the same: it lived. `written_at` is when it said so
    last, in seconds since 1970, 0 before the first time.
    """

    def __init__(self, file: LedgerFile, path: str, boot: str, log: structlog.BoundLogger) -> None:
        self._file = file
        self._path = path if path == STDOUT else str(Path(path).absolute())
        self._boot = boot
        self._log = log
        self._due = 0.0
        self.written_at = 0.0

    def tick(self) -> None:
        """Write one where a minute has passed, and at the first call."""
        now = time.monotonic()
        if now >= self._due:
            self._due = now + EVERY_SECONDS
            self.write()

    def write(self) -> None:
        """Write one now."""
        tip, synced = self._file.vouched
        told = Checkpoint(self._boot, tip.n, tip.digest, synced, self._path, dropped_checkpoints())
        self._log.info(CHECKPOINT, **told.fields())
        self.written_at = time.time()
