"""The ledger's writing side: chained lines, sums instead of floods, and what is owed.

Lines wait for `settle` and share one write (3 us for one line, 12 for ten). Synchronous,
single-threaded, and told the time by `tick`; a front calls that once a second.
"""

import hmac
import json
import time
from collections import Counter, deque
from collections.abc import Sequence
from hashlib import sha256
from operator import itemgetter
from typing import Any

import orjson
import structlog

from hookgate.digest import new_sha256
from hookgate.policy import Reason
from hookgate.settings import AuditSettings, Fsync

from .record import FIELDS, Clock, Record
from .sink import LedgerError, Sink

__all__ = ["Journal", "LedgerError", "LedgerUnavailableError"]

FOREIGN_LINES_A_SECOND = 50
SYNC_EVERY_LINES = 50
# A sync costs 0.4 ms of processor time. Fifty lines come within 3 ms under full load, where it was
# an eighth of each delivery's cost, and 20 ms apart still a twentieth.
SYNC_APART_SECONDS = 0.05

_KIND = itemgetter("event")
_dump = orjson.dumps


class LedgerUnavailableError(Exception):
    """The line could not be written; nothing of it remains in the file."""


class _LineLogger(structlog.BoundLoggerBase):
    def write(self, records: Sequence[Record]) -> None:
        self._proxy_to_logger("write", records=records)


class Journal:
    """One boot's ledger.

    `boot` names this run of this process in every line; `log` is the operational logger. `lines`
    counts those written by kind, `failures` how often the file could not be written, synced or
    opened.
    `prev` of each line is the SHA-256 of this boot's line before it, or its HMAC where
    `settings.seal_key` is set; the first line's is "".
    """

    def __init__(
        self, settings: AuditSettings, boot: str, front: str, log: structlog.BoundLogger
    ) -> None:
        self.available = True
        self.lines = dict.fromkeys(FIELDS, 0)
        self.failures = 0
        self._settings = settings
        self._boot = boot
        self._front = front
        self._log = log
        self._clock = Clock()
        self._now = ""
        self._prev = self._tip = ""
        # To be written at the next `settle`; of those, the ends of what was forwarded.
        self._pending: list[Record] = []
        self._pending_forwarded: list[Record] = []
        self._sink: Sink | None = None
        # A sync failed: the kernel drops such pages and the next sync succeeds, so only a line
        # that is written and synced from here on proves that the disk works.
        self._distrusted = False
        self._unsynced = 0
        self._synced_at = 0.0
        self._owed: deque[Record] = deque()
        self._sums: dict[tuple[str, str, str], list[int]] = {}
        self._window = 0.0
        self._foreign_lines = 0
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
        last = self._open_sink().last_line
        previous = sha256(last).hexdigest() if last else ""
        self._owed.append(
            {**self._opening("start"), "front": self._front, **fields, "previous_line": previous}
        )
        self._pay()

    def forward(self, record: Record) -> None:
        """Write at the next `settle` that a delivery is about to go upstream."""
        record["ts"] = self._now or self._turn()
        self._pending.append(record)

    def delivery(self, record: Record, *, forwarded: bool, later: bool = False) -> None:
        """Write how a delivery ended, at once or `later`, at the next `settle`.

        What cannot be written is owed where the delivery was forwarded, and otherwise summed.
        """
        if later:
            record["ts"] = self._now or self._turn()
            self._pending.append(record)
            if forwarded:
                self._pending_forwarded.append(record)
        else:
            record["ts"] = self._now or self._clock.now()
            self._keep([record], [record] if forwarded else [])

    def count_stranger(self, reason: Reason, seq: int) -> bool:
        """Sum up a refusal of a foreign source, if `FOREIGN_LINES_A_SECOND` were written.

        False, and nothing done, where its line is still to be written.
        """
        flooding = self._is_flooding()
        if flooding:
            self._sum(reason.outcome.value, reason.code, seq, "flood")
        return flooding

    def settle(self) -> bool:
        """Write the lines that wait; True if there were some and they are written."""
        pending, self._pending = self._pending, []
        forwarded, self._pending_forwarded = self._pending_forwarded, []
        self._now = ""
        return bool(pending) and self._keep(pending, forwarded)

    def reload(self, fields: Record) -> None:
        """Write what came of a reload, now or when writing works again."""
        self._owed.append({**self._opening("reload"), **fields})
        self._pay()

    def tick(self) -> None:
        """Once a second: follow a rotation, pay what is owed, write the sums, sync."""
        if self._sink is None or self._sink.moved():
            self.reopen()
        self._check_sync()
        self._pay()
        self._write_sums()
        if self._unsynced and self._settings.fsync is Fsync.INTERVAL:
            self._sync_behind()
        if not (self.available or self._owed or self._sums):
            self._recover()

    def reopen(self) -> None:
        """Close the file and open its path anew, as after a rotation."""
        old, self._sink = self._sink, None
        try:
            if old is not None:
                old.close()
        except OSError as error:
            self._distrusted = True
            self._lost(error)
        try:
            self._open_sink()
        except LedgerError as error:
            self._lost(error)
            return
        if not (self._distrusted or self._owed or self._sums):
            self._regained()

    def close(self, fields: Record) -> None:
        """Write what is owed, the sums and `stop`, sync, close; what cannot be is logged."""
        self.settle()
        self._pay()
        self._write_sums()
        self._owed.append({**self._opening("stop"), "front": self._front, **fields})
        self._pay()
        lost = len(self._owed) + len(self._sums)
        if self._sink is not None:
            try:
                self._sink.close()
            except OSError as error:
                self._lost(error)
            self._sink = None
        if lost:
            self._log.error("ledger.lines_lost", lines=lost)

    def write(self, lines: bytes) -> None:
        """Called by structlog with rendered lines; not for others."""
        if self._sink is None:
            raise LedgerUnavailableError
        durable = self._distrusted or self._settings.fsync is Fsync.ALWAYS
        self._sink.write(lines, durable=durable)
        self._prev = self._tip

    def _opening(self, kind: str) -> Record:
        return {"event": kind, "ts": self._clock.now(), "boot": self._boot}

    def _turn(self) -> str:
        """The time of the lines that one write takes."""
        self._now = self._clock.now()
        return self._now

    def _render(self, _logger: Any, _method: str, event: Any) -> bytes:
        lines: list[bytes] = []
        tip, seal_key = self._prev, self._settings.seal_key
        for record in event["records"]:
            record["prev"] = tip
            try:
                line = _dump(record)
            except orjson.JSONEncodeError:  # a lone surrogate, or an integer beyond 64 bits
                line = _dump_odd(record)
            if not line.isascii():  # U+2028, C1 controls and whatever else orjson leaves raw
                line = _dump_odd(record)
            if seal_key:
                tip = hmac.digest(seal_key, line, "sha256").hex()
            else:
                digest = new_sha256()
                digest.update(line)
                tip = digest.hexdigest()
            lines.append(line)
        self._tip = tip
        return b"\n".join(lines)

    def _keep(self, records: Sequence[Record], forwarded: Sequence[Record]) -> bool:
        try:
            self._write(records)
        except LedgerUnavailableError:
            owed = {id(record) for record in forwarded}
            for record in records:
                if id(record) in owed:
                    self._owed.append(record)
                elif record["event"] == "delivery":
                    self._sum(
                        record["outcome"], record["reason"], record["seq"], "audit_unavailable"
                    )
            return False
        return True

    def _write(self, records: Sequence[Record]) -> None:
        self._pay()
        if self._owed:
            raise LedgerUnavailableError
        self._put(records)

    def _pay(self) -> None:
        while self._owed:
            try:
                self._put((self._owed[0],))
            except LedgerUnavailableError:
                return
            self._owed.popleft()

    def _put(self, records: Sequence[Record]) -> None:
        """Write lines. Raises `LedgerUnavailableError`, and then nothing of them remains."""
        self._check_sync()
        try:
            self._logger.write(records)
        except LedgerUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  # whoever shares this write must be told
            self._lost(error)
            raise LedgerUnavailableError from None
        for kind, count in Counter(map(_KIND, records)).items():
            self.lines[kind] += count
        self._distrusted = False
        self._regained()
        self._unsynced += len(records)
        if self._unsynced >= SYNC_EVERY_LINES and self._settings.fsync is Fsync.INTERVAL:
            now = time.monotonic()
            if now - self._synced_at >= SYNC_APART_SECONDS:
                self._synced_at = now
                self._sync_behind()

    def _open_sink(self) -> Sink:
        self._sink = Sink(self._settings.path)
        if self._sink.torn:
            self._log.warning("ledger.torn_line_found", path=self._settings.path)
        return self._sink

    def _sync_behind(self) -> None:
        if self._sink is not None and self._sink.sync_behind():
            self._unsynced = 0

    def _check_sync(self) -> None:
        try:
            if self._sink is not None and self._sink.check_sync():
                self._distrusted = False
        except OSError as error:
            self._distrusted = True
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

    def _is_flooding(self) -> bool:
        now = time.monotonic()
        if now - self._window >= 1:
            self._window = now
            self._foreign_lines = 0
        self._foreign_lines += 1
        return self._foreign_lines > FOREIGN_LINES_A_SECOND

    def _sum(self, outcome: str, reason: str, seq: int, cause: str) -> None:
        entry = self._sums.setdefault((outcome, reason, cause), [0, seq, seq])
        entry[:] = entry[0] + 1, min(entry[1], seq), max(entry[2], seq)

    def _write_sums(self) -> None:
        for key, (count, first, last) in list(self._sums.items()):
            outcome, reason, cause = key
            fields = {
                "front": self._front,
                "outcome": outcome,
                "reason": reason,
                "count": count,
                "first_seq": first,
                "last_seq": last,
                "cause": cause,
            }
            try:
                self._write(({**self._opening("refusals"), **fields},))
            except LedgerUnavailableError:
                return
            del self._sums[key]


def _dump_odd(record: Record) -> bytes:
    return json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode("ascii")
