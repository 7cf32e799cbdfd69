"""A journal on a file, the operational log it writes, and a disk and a clock that obey."""

import contextlib
import errno
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import structlog

from hookgate.ledger.checkpoint import Checkpoint, parse_checkpoint
from hookgate.ledger.record import Record
from hookgate.ledger.writing import background, checkpoints, sink, sums, sync
from hookgate.ledger.writing.journal import Journal
from hookgate.policy import Reason
from hookgate.settings import AuditSettings, Fsync, PersonalData
from hookgate.unblocked import CHECKPOINT

_REASONS = {reason.code: reason for reason in Reason}

START = {"version": "0", "policy": "p", "config": "c"}
COUNTS = {"received": 0, "delivered": 0, "refused": 0, "failed": 0, "aborted": 0, "in_flight": 0}


recorders: list[list[Checkpoint]] = []


@contextlib.contextmanager
def recorded() -> Iterator[list[Checkpoint]]:
    """The checkpoints that books log in the block, as whoever keeps the log has them."""
    kept: list[Checkpoint] = []
    recorders.append(kept)
    try:
        yield kept
    finally:
        recorders.remove(kept)


def _record(_logger: Any, _method: str, event: Any) -> Any:
    if event["event"] == CHECKPOINT:
        said = parse_checkpoint({**event, "timestamp": datetime.now(UTC).isoformat()})
        assert said is not None
        for kept in recorders:
            kept.append(said)
    return event


class Book:
    """A journal with short names for what a gate does to it."""

    def __init__(
        self, path: Path | str, fsync: Fsync = Fsync.NEVER, seal_key: bytes = b"", boot: str = "b0"
    ) -> None:
        self._capture = structlog.testing.LogCapture()
        log: structlog.BoundLogger = structlog.wrap_logger(
            structlog.PrintLogger(),
            [_record, self._capture],
            structlog.BoundLogger,
            context_class=dict,
        ).bind()
        settings = AuditSettings(str(path), PersonalData.OMIT, b"", seal_key, fsync)
        self._boot = boot
        self.journal = Journal(settings, boot, "test", log)
        self.journal.open(dict(START))

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The operational log so far, less its checkpoints."""
        return [dict(e) for e in self._capture.entries if e["event"] != CHECKPOINT]

    @property
    def checkpoints(self) -> list[dict[str, Any]]:
        """The checkpoints in the log so far."""
        return [dict(e) for e in self._capture.entries if e["event"] == CHECKPOINT]

    @property
    def logged(self) -> list[str]:
        """The names of the operational events so far."""
        return [str(entry["event"]) for entry in self.entries]

    def available(self) -> bool:
        """Whether the journal says that it can be written to."""
        return self.journal.available

    def record(self, kind: str, **fields: object) -> Record:
        """A record for the journal to take."""
        return {"event": kind, "ts": "", "boot": self._boot, **fields}

    def forward(self, seq: int) -> bool:
        """Whether a delivery may go upstream."""
        self.journal.forward(self.record("forward", seq=seq, request_id=f"r{seq}"))
        return self.journal.flush()

    def delivered(self, seq: int) -> None:
        record = self.record("delivery", seq=seq, outcome="delivered", reason="clean")
        self.journal.delivery(record, forwarded=True)

    def failed(self, seq: int) -> None:
        record = self.record("delivery", seq=seq, outcome="failed", reason="audit_unavailable")
        self.journal.delivery(record, forwarded=False)

    def refused(self, seq: int, reason: str = "malformed_json") -> None:
        record = self.record("delivery", seq=seq, outcome="refused", reason=reason)
        self.journal.delivery(record, forwarded=False)

    def foreign(self, seq: int, reason: str = "source_not_allowed") -> None:
        if not self.journal.sum_if_flooding(_REASONS[reason], seq):
            self.refused(seq, reason)

    def checkpoint(self) -> None:
        """Another minute has passed."""
        self.journal._checkpoints.write()

    def close(self, **counts: int) -> None:
        self.journal.close({**COUNTS, **counts})


class Disk:
    """`os` as the sink sees it. `room` is how many bytes still fit; None is no bound."""

    def __init__(self) -> None:
        self.room: int | None = None
        self.sync_fails = False
        self.cut_fails = False
        self.read_fails = False
        self.syncs = 0
        self.writes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def write(self, fd: int, data: bytes) -> int:
        self.writes += 1
        if self.room is None:
            return os.write(fd, data)
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = os.write(fd, data[: self.room])
        self.room -= written
        return written

    def pread(self, fd: int, length: int, offset: int) -> bytes:
        if self.read_fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return os.pread(fd, length, offset)

    def ftruncate(self, fd: int, size: int) -> None:
        if self.cut_fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        if self.room is not None:
            self.room += max(0, os.fstat(fd).st_size - size)
        os.ftruncate(fd, size)

    def fdatasync(self, fd: int) -> None:
        self.syncs += 1
        if self.sync_fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        os.fdatasync(fd)


class _AtOnce:
    """A thread pool whose work is done when `submit` returns."""

    def submit(self, act: Callable[[], None]) -> "Future[None]":
        future: Future[None] = Future()
        try:
            act()
            future.set_result(None)
        except OSError as error:
            future.set_exception(error)
        return future

    def shutdown(self, *, wait: bool) -> None:
        pass


def _pool(workers: int, name: str) -> "_AtOnce | ThreadPoolExecutor":
    return _AtOnce() if name == "ledger-sync" else ThreadPoolExecutor(workers, name)


@contextlib.contextmanager
def obedient_disk() -> Iterator[Disk]:
    """Every sink's disk, until the end of the block; syncs behind are done at once."""
    disk = Disk()
    with patch.object(sink, "os", disk), patch.object(background, "ThreadPoolExecutor", _pool):
        yield disk


class Clock:
    """`time` as the journal sees it; `now` is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def monotonic(self) -> float:
        return self.now


@contextlib.contextmanager
def obedient_clock() -> Iterator[Clock]:
    clock = Clock()
    with contextlib.ExitStack() as patched:
        for module in (checkpoints, sums, sync):
            patched.enter_context(patch.object(module, "time", clock))
        yield clock


def kinds(path: Path) -> list[str]:
    """The kinds of a ledger's lines, in order."""
    return [json.loads(line)["event"] for line in path.read_bytes().splitlines()]
