"""The ledger's writing side: what waits to be written, what is owed, and the file's troubles.

Lines wait for `settle` and share one write (3 us for one line, 12 for ten). Synchronous,
single-threaded, and told the time by `tick`; a front calls that once a second.
"""

from collections import deque
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import structlog

from hookgate.ledger.line import NO_LINE, render
from hookgate.ledger.record import FIELDS, Clock, Record
from hookgate.ledger.seal import Keyring, Seal, split_keys
from hookgate.ledger.state import StateFile
from hookgate.policy import Reason
from hookgate.settings import AuditSettings, Fsync

from .sight import Search, Sight
from .sink import LedgerError, Sink
from .sums import Sums
from .sync import SyncSchedule

__all__ = ["Journal", "LedgerError", "LedgerUnavailableError"]


class LedgerUnavailableError(Exception):
    """The line could not be written; nothing of it remains in the file."""


class _LineLogger(structlog.BoundLoggerBase):
    def append(self, records: Sequence[Record]) -> None:
        self._proxy_to_logger("append", records=records)


class Journal:
    """One boot's ledger.

    `boot` names this run of this process in every line; `log` is the operational logger. `lines`
    counts those written by kind, `failures` how often the file could not be written, synced or
    opened, `missing` lines whose file was deleted or cut. Each line names the one before it in this
    boot, and is sealed where `settings.seal_key` is set.
    """

    def __init__(
        self, settings: AuditSettings, boot: str, front: str, log: structlog.BoundLogger
    ) -> None:
        self.available = True
        self.lines = dict.fromkeys(FIELDS, 0)
        self.failures = 0
        self.missing = 0
        self._settings = settings
        self._boot = boot
        self._front = front
        self._log = log
        self._clock = Clock()
        self._batch_time = ""
        keys = split_keys(settings.seal_key)
        self._keyring = Keyring(keys)
        self._seal = Seal(keys[0]) if keys else None
        # The last line in the file, and that of the lines which are being written.
        self._tip = self._next_tip = NO_LINE
        # To be written at the next `settle`; of those, the ends of what was forwarded.
        self._pending: list[Record] = []
        self._pending_forwarded: list[Record] = []
        self._sink: Sink | None = None
        self._line_by_line = False
        # None where the ledger is no file.
        self._state: StateFile | None = None
        self._search: Search | None = None
        # The number of this boot's last line that is not in the present file.
        self._before_file = 0
        # A sync failed: the kernel drops such pages and the next sync succeeds, so only a line
        # that is written and synced from here on proves that the disk works.
        self._distrusted = False
        self._schedule = SyncSchedule(settings.fsync)
        self._backlog: deque[Record] = deque()
        # `forward` lines in the ledger whose deliveries were not sent, by seq: a write that could
        # not be taken back held others that failed.
        self._unsent: set[int] = set()
        self._sums = Sums()
        # Wrapped once with its own processors: as a guest in mitmproxy, structlog's global
        # configuration is not ours to touch.
        self._logger = structlog.wrap_logger(
            self,
            processors=[self._render],
            wrapper_class=_LineLogger,
            context_class=dict,
            cache_logger_on_first_use=True,
        ).bind()

    def open(self, fields: Record) -> None:
        """Open the file and write `start`. Raises `LedgerError` where it cannot be opened.

        A `start` that cannot be written, as on a full disk, is owed.
        """
        sink = self._open_sink()
        follows = None
        if sink.regular:
            self._search = Search(Path(self._settings.path), self._boot)
            self._state = StateFile(Path(self._settings.path), self._boot, self._seal, self._log)
            last = self._state.read(self._keyring)
            follows = str(last) if last is not None else ""
            if last is None:  # so that a crash before the next one does not look like a loss of it
                self._state.save(NO_LINE)
        self._backlog.append(
            {
                **self._opening("start"),
                "front": self._front,
                **fields,
                "key": self._seal.id if self._seal is not None else None,
                "previous_line": sha256(sink.last_line).hexdigest() if sink.last_line else "",
                "follows": follows,
            }
        )
        self._write_backlog()
        sink.may_be_cut(holds_lines=False)  # from here on
        if self._state is not None and not self._backlog and self._sync_now(sink):
            self._state.save(self._tip)

    def forward(self, record: Record) -> None:
        """Write at the next `settle` that a delivery is about to go upstream."""
        record["ts"] = self._batch_time or self._start_batch()
        self._pending.append(record)

    def delivery(self, record: Record, *, forwarded: bool, later: bool = False) -> None:
        """Write how a delivery ended, at once or `later`, at the next `settle`.

        What cannot be written is owed where the delivery was forwarded, and otherwise summed.
        """
        if self._unsent and not forwarded and record["seq"] in self._unsent:
            self._unsent.discard(record["seq"])
            forwarded = True
        if later:
            record["ts"] = self._batch_time or self._start_batch()
            self._pending.append(record)
            if forwarded:
                self._pending_forwarded.append(record)
        else:
            record["ts"] = self._batch_time or self._clock.now()
            self._commit([record], [record] if forwarded else [])

    def count_stranger(self, reason: Reason, seq: int) -> bool:
        """Sum up a refusal of a foreign source, if `FOREIGN_LINES_A_SECOND` were written.

        False, and nothing done, where its line is still to be written.
        """
        return self._sums.sum_if_flooding(reason, seq)

    def settle(self) -> bool:
        """Write the lines that wait; True if there were some and they are written."""
        pending, self._pending = self._pending, []
        forwarded, self._pending_forwarded = self._pending_forwarded, []
        self._batch_time = ""
        return bool(pending) and self._commit(pending, forwarded)

    def reload(self, fields: Record) -> None:
        """Write what came of a reload, now or when writing works again."""
        self._backlog.append({**self._opening("reload"), **fields})
        self._write_backlog()

    def tick(self) -> None:
        """Once a second: follow a rotation, pay what is owed, write the sums, sync."""
        if self._sink is None or self._sink.moved():
            self.reopen()
        else:
            self._look_for_loss(self._sink)
        self._report_gaps()
        self._check_sync()
        self._push()
        self._write_backlog()
        self._write_sums()
        if self._schedule.due_by_time:
            self._sync_behind()
        if not (self.available or self._backlog or self._sums):
            self._recover()

    def reopen(self) -> None:
        """Close the file and open its path anew, as after a rotation."""
        old, self._sink = self._sink, None
        try:
            if old is not None:
                moved = old.moved()
                self._look_for_loss(old)
                if moved:
                    self._before_file = self._tip.n
                old.close()
        except OSError as error:
            self._distrusted = True
            self._lost(error)
        try:
            self._open_sink()
        except LedgerError as error:
            self._lost(error)
            return
        if self._state is not None:
            self._state.save_behind(self._tip)
        if not (self._distrusted or self._backlog or self._sums):
            self._regained()

    def close(self, fields: Record) -> None:
        """Write what is owed, the sums and `stop`, sync, close; what cannot be is logged."""
        self.settle()
        self._close_search()
        self._write_backlog()
        self._write_sums()
        self._backlog.append({**self._opening("stop"), "front": self._front, **fields})
        self._write_backlog()
        lost = len(self._backlog) + len(self._sums)
        if self._sink is not None:
            try:
                self._sink.close()
            except OSError as error:
                self._lost(error)
            self._sink = None
        if self._state is not None:
            self._state.close()
            self._state.save(self._tip)
        if lost:
            self._log.error("ledger.lines_lost", lines=lost)

    def append(self, lines: bytes) -> None:
        """Called by structlog with rendered lines; not for others."""
        if self._sink is None:
            raise LedgerUnavailableError
        durable = self._distrusted or self._settings.fsync is Fsync.ALWAYS
        self._sink.write(lines, durable=durable)
        self._tip = self._next_tip

    def _opening(self, kind: str) -> Record:
        return {"event": kind, "ts": self._clock.now(), "boot": self._boot}

    def _start_batch(self) -> str:
        """The time of the lines that one write takes."""
        self._batch_time = self._clock.now()
        return self._batch_time

    def _render(self, _logger: Any, _method: str, event: Any) -> bytes:
        lines, self._next_tip = render(event["records"], self._tip, self._seal)
        return lines

    def _commit(self, records: Sequence[Record], forwarded: Sequence[Record]) -> bool:
        if self._line_by_line and len(records) > 1:
            return self._commit_each(records, forwarded)
        try:
            self._write(records)
        except LedgerUnavailableError:
            owed = {id(record) for record in forwarded}
            for record in records:
                if id(record) in owed:
                    self._backlog.append(record)
                elif record["event"] == "delivery":
                    self._sums.add(
                        record["outcome"], record["reason"], record["seq"], "audit_unavailable"
                    )
            return False
        return True

    def _commit_each(self, records: Sequence[Record], forwarded: Sequence[Record]) -> bool:
        """Write one line after the other; where one fails, no delivery of theirs is sent."""
        written = [record for record in records if self._commit((record,), forwarded)]
        if len(written) < len(records):
            self._unsent.update(r["seq"] for r in written if r["event"] == "forward")
            return False
        return True

    def _write(self, records: Sequence[Record]) -> None:
        self._write_backlog()
        if self._backlog:
            raise LedgerUnavailableError
        self._append(records)

    def _write_backlog(self) -> None:
        while self._backlog:
            try:
                self._append((self._backlog[0],))
            except LedgerUnavailableError:
                return
            self._backlog.popleft()

    def _append(self, records: Sequence[Record]) -> None:
        """Write lines. Raises `LedgerUnavailableError`, and then nothing of them remains."""
        self._check_sync()
        try:
            self._logger.append(records)
        except LedgerUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  # whoever shares this write must be told
            self._lost(error)
            raise LedgerUnavailableError from None
        counts = self.lines
        for record in records:
            counts[record["event"]] += 1
        self._distrusted = False
        self._regained()
        if self._schedule.add(len(records)):
            self._sync_behind()

    def _open_sink(self) -> Sink:
        self._sink = Sink(self._settings.path)
        self._line_by_line = not self._sink.can_cut
        if self._sink.torn:
            self._log.warning("ledger.torn_line_found", path=self._settings.path)
        return self._sink

    def _sync_now(self, sink: Sink) -> bool:
        """Sync, unless that is the system's: what the state file names must not be lost later."""
        if self._settings.fsync is Fsync.INTERVAL:
            try:
                sink.sync()
            except OSError as error:
                self._distrusted = True
                self._lost(error)
                return False
            self._schedule.begun()
        return True

    def _sync_behind(self) -> None:
        try:
            if self._sink is not None and self._sink.sync_behind():
                self._schedule.begun()
        except OSError as error:
            self._distrusted = True
            self._lost(error)

    def _check_sync(self) -> None:
        try:
            if self._sink is not None and self._sink.check_sync():
                self._distrusted = False
        except OSError as error:
            self._distrusted = True
            self._lost(error)

    def _look_for_loss(self, sink: Sink) -> None:
        """Have it found out what is gone, where the file was deleted or cut since the last time."""
        if self._search is None:
            return
        cause = ""
        if sink.deleted():
            cause = "deleted"
        elif sink.may_be_cut(holds_lines=self._tip.n > self._before_file):
            cause = "truncated"
        if cause:
            self._search.begin(cause, self._before_file, self._tip.n)
            self._before_file = self._tip.n

    def _close_search(self) -> None:
        if self._search is not None:
            if self._sink is not None:
                self._look_for_loss(self._sink)
            self._report_gaps(wait=True)
            self._search.close()

    def _report_gaps(self, *, wait: bool = False) -> None:
        if self._search is None:
            return
        for sight in self._search.results(wait=wait):
            if sight.cause == "truncated" and self._before_file == sight.tip:
                self._before_file = sight.before
            if sight.kept < sight.last:
                self._report_gap(sight)

    def _report_gap(self, sight: Sight) -> None:
        lines = sight.last - sight.kept
        self.missing += lines
        told = {"cause": sight.cause, "first_n": sight.kept + 1, "last_n": sight.last}
        self._log.error("ledger.lines_missing", path=self._settings.path, lines=lines, **told)
        self._backlog.append({**self._opening("gap"), "front": self._front, **told})

    def _push(self) -> None:
        try:
            if self._sink is not None:
                self._sink.push()
        except OSError as error:
            self._lost(error)

    def _recover(self) -> None:
        # No line may come to prove it: nothing is sent to a gate that is not ready.
        if self._sink is None:
            return
        if not self._distrusted:
            self._regained()
            return
        try:
            self._sink.probe()
        except OSError as error:
            self._lost(error)

    def _lost(self, error: Exception) -> None:
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
            self._log.error("ledger.unavailable", path=self._settings.path, error=reason)

    def _regained(self) -> None:
        if not self.available:
            self.available = True
            self._log.info("ledger.recovered", path=self._settings.path)

    def _write_sums(self) -> None:
        for fields in self._sums.take():
            try:
                self._write(({**self._opening("refusals"), "front": self._front, **fields},))
            except LedgerUnavailableError:
                return
