"""The ledger's file as it is now: opened, synced, and able to take lines or not."""

import time

import structlog

from hookgate.settings import AuditSettings, Fsync

from .line import NO_LINE, Tip
from .sink import LedgerError, Sink
from .sync import SyncSchedule


class LedgerFile:
    """The file at the ledger's path, over failures and rotations.

    `synced_at` is when it was synced last, in seconds since 1970, 0 before that. `sink` is None
    where it could not be opened. `available` says whether it takes lines, as far as
    is known; `failures` counts how often it could not be written, synced or opened. `can_cut` is as
    in `Sink`. Each loss and each return is logged once.
    """

    def __init__(self, settings: AuditSettings, log: structlog.BoundLogger) -> None:
        self.sink: Sink | None = None
        self.available = True
        self.failures = 0
        self.can_cut = True
        self.synced_at = 0.0
        self._path = settings.path
        self._log = log
        self._fsync = settings.fsync
        self._schedule = SyncSchedule(settings.fsync)
        # A sync failed: the kernel drops such pages and the next sync succeeds, so only a line
        # that is written and synced from here on proves that the disk works.
        self._distrusted = False
        # The boot's last line in the file; the last that a sync under way covers; the last that is
        # on the disk.
        self._written = self._covered = self._synced = NO_LINE
        self._is_synced = False  # by this process: it is a file, and not for the system to sync

    def open(self) -> Sink:
        """Open the path. Raises `LedgerError` where that cannot be done."""
        self.sink = Sink(self._path)
        self.can_cut = self.sink.can_cut
        self._is_synced = self.sink.regular and self._fsync is not Fsync.NEVER
        if self.sink.torn:
            self._log.warning("ledger.torn_line_found", path=self._path)
        return self.sink

    def reopen(self, *, owed: bool) -> bool:
        """Close the file and open the path anew; False where that fails, which is noted.

        Lines that are `owed` will show whether it takes lines again; without them it is taken to.
        """
        try:
            self._close()
        except OSError as error:
            self._note_failed_sync(error)
        try:
            self.open()
        except LedgerError as error:
            self.note_failure(error)
            return False
        if not (owed or self.available or self._distrusted):
            self._note_recovery()
        return True

    @property
    def moved(self) -> bool:
        """Whether the path names another file by now, or the file is not open."""
        return self.sink is None or self.sink.moved()

    def append(self, lines: bytes) -> None:
        """Write rendered lines, joined. Raises OSError, and then nothing of them remains."""
        sink = self.sink
        if sink is None:
            raise OSError(None, "it is not open")
        if sink.is_syncing:
            self.check_sync()
        sink.write(lines, durable=self._distrusted or self._fsync is Fsync.ALWAYS)

    @property
    def vouched(self) -> tuple[Tip, bool]:
        """The boot's last line that a crash of the machine leaves, and True; where nothing is
        synced, the last that was written, and False.
        """
        if self._fsync is Fsync.ALWAYS and self._is_synced:
            return self._written, True
        if self._is_synced or self._synced == self._written:
            return self._synced, True
        return self._written, False

    def note_written(self, count: int, tip: Tip) -> None:
        """Note that so many lines were written, up to this one; sync them behind if that is due."""
        self._written = tip
        self._distrusted = False
        if not self.available:
            self._note_recovery()
        if self._schedule.add(count):
            self._sync_behind()

    def note_failure(self, error: Exception) -> None:
        """Note that lines could not be written, or the file not be opened."""
        self.failures += 1
        if self.available:
            self.available = False
            match error:
                case OSError():
                    reason = error.strerror
                case LedgerError():
                    reason = str(error)
                case _:  # its message may hold a sender's value
                    reason = type(error).__name__
            self._log.error("ledger.unavailable", path=self._path, error=reason)

    def sync_now(self) -> bool:
        """Sync, unless that is the system's to do; False where it failed, which is noted.

        What the state file names must not be lost later.
        """
        if self.sink is not None and self._fsync is Fsync.INTERVAL:
            try:
                self.sink.sync()
            except OSError as error:
                self._note_failed_sync(error)
                return False
            self._schedule.begun()
            self._note_synced(self._written)
        return True

    def sync_if_due(self) -> None:
        """Sync behind what a second has brought, on a thread."""
        if self._schedule.due_by_time:
            self._sync_behind()

    def check_sync(self) -> None:
        """Note how a sync behind ended, if it has."""
        try:
            probed = self.sink.check_sync() if self.sink is not None else None
        except OSError as error:
            self._note_failed_sync(error)
            return
        if probed is not None:
            self._note_synced(max(self._synced, self._covered))
            self._distrusted = self._distrusted and not probed

    def push(self) -> None:
        """Go on with a line that did not fit as a whole into a stream."""
        try:
            if self.sink is not None:
                self.sink.push()
        except OSError as error:
            self.note_failure(error)

    def recover(self) -> None:
        """Find out whether lines can be written again; no line may come to prove it.

        Nothing is sent to a gate that is not ready.
        """
        if self.available or self.sink is None:
            return
        if not self._distrusted:
            self._note_recovery()
            return
        try:
            self.sink.probe()
        except OSError as error:
            self.note_failure(error)

    def close(self) -> None:
        """Sync and close; what fails is noted."""
        try:
            self._close()
        except OSError as error:
            self.note_failure(error)

    def _close(self) -> None:
        sink, self.sink = self.sink, None
        if sink is not None:
            sink.close()
            if sink.regular:
                self._note_synced(self._written)

    def _note_synced(self, tip: Tip) -> None:
        self._synced = tip
        self.synced_at = time.time()

    def _sync_behind(self) -> None:
        try:
            if self.sink is not None and self.sink.sync_behind():
                self._schedule.begun()
                self._covered = self._written
        except OSError as error:
            self._note_failed_sync(error)

    def _note_failed_sync(self, error: OSError) -> None:
        self._distrusted = True
        self._covered = self._synced  # what it was to cover may be lost, whatever succeeds later
        self.note_failure(error)

    def _note_recovery(self) -> None:
        self.available = True
        self._log.info("ledger.recovered", path=self._path)
