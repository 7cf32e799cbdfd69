"""The journal: which records wait for the next write, and which for a file that takes lines again.

Lines wait for `flush` and share one write (3 us for one line, 12 for ten). Synchronous,
single-threaded, and told the time by `tick`, once a second.
"""

from collections import deque
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import structlog

from hookgate.ledger.record import Record
from hookgate.ledger.seal import Keyring, Seal, split_keys
from hookgate.settings import AuditSettings

from .checkpoints import Checkpoints
from .clock import Clock
from .gaps import GapWatch
from .ledger_file import LedgerFile
from .line import NO_LINE
from .pipeline import Pipeline
from .standing import Standing
from .state_file import StateFile
from .sums import Sums


class Journal:
    """Write one boot's ledger.

    `boot` names this run of this process in every line; `log` is the operational logger. `lines`
    counts those written by kind, `missing` lines whose file was deleted or cut. Each line names the
    one before it in this boot, and is sealed where `settings.seal_key` is set. `sum_if_flooding` is
    that of its sums, `standing` tells how it is. A record goes to the disk by `flush`, `_commit`
    and the pipeline's `_append`.
    """

    def __init__(
        self, settings: AuditSettings, boot: str, front: str, log: structlog.BoundLogger
    ) -> None:
        self.missing = 0
        self._path = settings.path
        self._boot, self._front, self._log = boot, front, log
        self._clock = Clock()
        self._batch_time = ""  # that of the lines which one write takes
        keys = split_keys(settings.seal_key)
        self._keyring = Keyring(keys)
        self._seal = Seal(keys[0]) if keys else None
        # To be written at the next `flush`; of those, the ends of what was forwarded.
        self._pending: list[Record] = []
        self._pending_forwarded: list[Record] = []
        self._file = LedgerFile(settings, log)
        self._checkpoints = Checkpoints(self._file, settings.path, boot, log)
        self._pipeline = pipeline = Pipeline(self._file, self._seal)
        self._append, self.lines = pipeline.append, pipeline.lines
        self._state: StateFile | None = None  # where the ledger is a file
        self._watch: GapWatch | None = None
        # What could not be written and must be, before anything else.
        self._backlog: deque[Record] = deque()
        self.standing = Standing(self._file, pipeline, self._checkpoints, self._backlog)
        # `forward` lines in the ledger whose deliveries were not sent, by seq: a write that could
        # not be taken back held others that failed.
        self._unsent: set[int] = set()
        self._sums = Sums()
        self.sum_if_flooding = self._sums.sum_if_flooding

    @property
    def available(self) -> bool:
        """Whether lines can be written, as far as is known."""
        return self._file.available

    @property
    def failures(self) -> int:
        """How often the file could not be written, synced or opened."""
        return self._file.failures

    def open(self, fields: Record) -> None:
        """Open the file and write `start`. Raises `LedgerError` where it cannot be opened.

        A `start` that cannot be written, as on a full disk, goes to the backlog.
        """
        sink = self._file.open()
        follows = None
        if sink.regular:
            self._watch = GapWatch(Path(self._path), self._boot)
            self._state = StateFile(Path(self._path), self._boot, self._seal, self._log)
            last = self._state.read(self._keyring)
            follows = str(last) if last is not None else ""
            if last is None:  # so that a crash before the next one does not look like a loss of it
                self._state.save(NO_LINE)
        self._write(
            "start",
            {
                "front": self._front,
                **fields,
                "key": self._seal.id if self._seal is not None else None,
                "previous_line": sha256(sink.last_line).hexdigest() if sink.last_line else "",
                "follows": follows,
            },
        )
        sink.may_be_cut(holds_lines=False)  # from here on
        if self._state is not None and not self._backlog and self._file.sync_now():
            self._state.save(self._pipeline.tip)

    def forward(self, record: Record) -> None:
        """Have it written at the next `flush` that a delivery is about to go upstream."""
        record["ts"] = self._batch_time or self._start_batch()
        self._pending.append(record)

    def delivery(self, record: Record, *, forwarded: bool, deferred: bool = False) -> None:
        """Write how a delivery ended: at once or, `deferred`, at the next `flush`.

        What cannot be written goes to the backlog where the delivery was forwarded, and otherwise
        into a sum.
        """
        if self._unsent and not forwarded and record["seq"] in self._unsent:
            self._unsent.discard(record["seq"])
            forwarded = True
        if deferred:
            record["ts"] = self._batch_time or self._start_batch()
            self._pending.append(record)
            if forwarded:
                self._pending_forwarded.append(record)
        else:
            record["ts"] = self._batch_time or self._clock.now()
            self._commit([record], [record] if forwarded else [])

    def flush(self) -> bool:
        """Write the lines that wait; True if there were some and they are written."""
        pending, self._pending = self._pending, []
        forwarded, self._pending_forwarded = self._pending_forwarded, []
        self._batch_time = ""
        return bool(pending) and self._commit(pending, forwarded)

    def reload(self, fields: Record) -> None:
        """Write what came of a reload, now or when writing works again."""
        self._write("reload", fields)

    def released(self, fields: Record) -> bool:
        """Write that what was kept is kept no more; True if it is written."""
        return self._commit((self._make("released", {"front": self._front, **fields}),), ())

    def sync(self) -> bool:
        """Have what was written on the disk, where that is asked for; False where it is not."""
        return not self._backlog and self._file.sync_now()

    def tick(self) -> None:
        """Follow a rotation, write the backlog and the sums, sync, log a checkpoint each minute."""
        if self._file.moved:
            self.reopen()
        else:
            self._look_for_loss()
        self._report_gaps()
        self._file.check_sync()
        self._file.push()
        self._write_backlog()
        self._write_sums()
        self._file.sync_if_due()
        if not (self._backlog or self._sums):
            self._file.recover()
        self._checkpoints.tick()

    def reopen(self) -> None:
        """Close the file and open its path anew, as after a rotation."""
        moved = self._file.moved
        self._look_for_loss()
        if moved and self._watch is not None and self._file.sink is not None:
            self._watch.leave_file(self._pipeline.tip.n)
        if self._file.reopen(owed=bool(self._backlog or self._sums)) and self._state is not None:
            self._state.save_behind(self._pipeline.tip)

    def close(self, fields: Record) -> None:
        """Write the backlog, the sums and `stop`, sync, close; what cannot be written is logged."""
        self.flush()
        if self._watch is not None:
            self._look_for_loss()
            self._report_gaps(wait=True)
            self._watch.close()
        self._write_backlog()
        self._write_sums()
        self._write("stop", {"front": self._front, **fields})
        self._file.close()
        if self._state is not None:
            self._state.close()
            self._state.save(self._pipeline.tip)
        self._checkpoints.write()
        if lost := len(self._backlog) + len(self._sums):
            self._log.error("ledger.lines_lost", lines=lost)

    def _start_batch(self) -> str:
        self._batch_time = self._clock.now()
        return self._batch_time

    def _commit(self, records: Sequence[Record], forwarded: Sequence[Record]) -> bool:
        """Write records after the backlog. Of those that cannot be written, the `forwarded` go to
        the backlog, and other deliveries into a sum.
        """
        if len(records) > 1 and not self._file.can_cut:
            return self._commit_each(records, forwarded)
        if self._backlog:
            self._write_backlog()
        if not self._backlog and self._append(records):
            return True
        owed = {id(record) for record in forwarded}
        for record in records:
            if id(record) in owed:
                self._backlog.append(record)
            elif record["event"] == "delivery":
                self._sums.add(
                    record["outcome"], record["reason"], record["seq"], "audit_unavailable"
                )
        return False

    def _commit_each(self, records: Sequence[Record], forwarded: Sequence[Record]) -> bool:
        """Write one line after the other; where one fails, no delivery of theirs is sent."""
        written = [record for record in records if self._commit((record,), forwarded)]
        if len(written) < len(records):
            self._unsent.update(r["seq"] for r in written if r["event"] == "forward")
            return False
        return True

    def _write(self, kind: str, fields: Record) -> None:
        """Write what must be written, now or when writing works again."""
        self._backlog.append(self._make(kind, fields))
        self._write_backlog()

    def _make(self, kind: str, fields: Record) -> Record:
        return {"event": kind, "ts": self._clock.now(), "boot": self._boot, **fields}

    def _write_backlog(self) -> None:
        while self._backlog and self._append((self._backlog[0],)):
            self._backlog.popleft()

    def _write_sums(self) -> None:
        for fields in self._sums.take():
            if not self._commit((self._make("refusals", {"front": self._front, **fields}),), ()):
                return

    def _look_for_loss(self) -> None:
        if self._watch is not None and self._file.sink is not None:
            self._watch.look(self._file.sink, self._pipeline.tip.n)

    def _report_gaps(self, *, wait: bool = False) -> None:
        for gap in self._watch.gaps(wait=wait) if self._watch is not None else ():
            lines = gap.last - gap.kept
            self.missing += lines
            told = {"cause": gap.cause, "first_n": gap.kept + 1, "last_n": gap.last}
            self._log.error("ledger.lines_missing", path=self._path, lines=lines, **told)
            self._write("gap", {"front": self._front, **told})
