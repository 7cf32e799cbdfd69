"""What a shipper tells of itself beside the ledger, by a thread: also while the store hangs."""

import os
import time
from pathlib import Path
from threading import Event, Thread
from typing import Self

import structlog

from hookgate.ledger.names import is_part
from hookgate.ledger.shipping import (
    FINDINGS,
    SILENT_SECONDS,
    Shipping,
    shipping_path,
    write_shipping,
)

from .live import FileKey
from .shipper import Progress, Shipper

_LOOK_SECONDS = 1.0
_LEAST_OFTEN_SECONDS = 10.0
# A turn takes less, as long as the store answers.
_FRESH_SECONDS = 2.0
# The store itself ends a call after a minute; one that stands still does not.
_HANG_SECONDS = 90.0
# A disk that hangs is not waited for.
_LAST_SECONDS = 1.0


class Telling:
    """Keep the file beside a ledger true while it is entered."""

    def __init__(
        self, ledger: Path, gate: str, shipper: Shipper, log: structlog.BoundLogger
    ) -> None:
        self._ledger, self._gate, self._shipper, self._log = ledger, gate, shipper, log
        self._path = shipping_path(ledger)
        self._ended = Event()
        self._thread = Thread(target=self._run, daemon=True)
        # Files that were written to since the shipper was last heard of, and their sizes.
        self._sizes: dict[FileKey, int] = {}
        self._written: Shipping | None = None
        self._has_failed = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(_LAST_SECONDS)

    def look(self, now: float, *, has_ended: bool = False) -> Shipping:
        """Say how far the shipper is: by what it says, and by how much the ledger grew since."""
        progress = self._shipper.progress
        is_fresh = not progress.trouble and now - progress.at < _FRESH_SECONDS
        if is_fresh:
            self._sizes.clear()
        grown = self._grown(progress)
        since = progress.since
        if since is None and grown and not is_fresh:
            since = progress.at
        trouble = progress.trouble
        if not trouble and now - progress.at > SILENT_SECONDS:
            trouble = "it does not answer"
        kinds = [kind for kind, _ in progress.found]
        return Shipping(
            now, self._gate, os.getpid(), has_ended, trouble, since, progress.behind + grown,
            progress.lines, *map(kinds.count, FINDINGS),
        )  # fmt: skip

    def _run(self) -> None:
        while True:
            has_ended = self._ended.wait(_LOOK_SECONDS)
            now = time.time()
            self._write(self.look(now, has_ended=has_ended), now)
            if has_ended:
                return
            progress = self._shipper.progress
            if not progress.trouble and now - progress.at > _HANG_SECONDS:
                self._shipper.break_off()

    def _write(self, shipping: Shipping, now: float) -> None:
        before = self._written
        is_recent = before is not None and 0 <= now - before.told < _LEAST_OFTEN_SECONDS
        if before is not None and is_recent and shipping == before._replace(told=now):
            return
        try:
            write_shipping(self._path, shipping)
        except OSError as error:
            if not self._has_failed:
                self._log.warning("ship.not_told", file=str(self._path), why=error.strerror)
            self._has_failed = True
        else:
            self._written, self._has_failed = shipping, False

    def _grown(self, progress: Progress) -> int:
        """Count the bytes of files that are written to which the shipper had not read."""
        try:
            entries = list(os.scandir(self._ledger.parent))
        except OSError:
            return 0
        for entry in entries:
            try:
                status = entry.stat()
            except OSError:
                continue
            key = status.st_dev, status.st_ino
            if key in self._sizes or is_part(entry.name, self._ledger):
                self._sizes[key] = status.st_size
        return sum(max(0, size - progress.read.get(key, 0)) for key, size in self._sizes.items())
