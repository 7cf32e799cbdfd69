"""When lines are forced to the disk, and what a disk that fails to do so is trusted with."""

import os
import threading
import time
from pathlib import Path

import pytest

from hookgate.ledger.writing import sync
from hookgate.ledger.writing.sync import SYNC_EVERY_LINES
from hookgate.settings import Fsync
from support.journal import Book, Disk, kinds
from support.ledger import assert_balanced, assert_chained, read_ledger


def test_never_syncs_at_the_end_only(path: Path, disk: Disk) -> None:
    """The operating system decides; a clean stop still leaves nothing to it."""
    book = Book(path, Fsync.NEVER)
    for seq in range(1, 200):
        book.refused(seq)
    book.journal.tick()
    assert disk.syncs == 0
    book.close()
    assert disk.syncs == 1


def test_always_syncs_each_line_before_the_call_returns(path: Path, disk: Disk) -> None:
    """A forward is on the disk before its first byte goes upstream."""
    book = Book(path, Fsync.ALWAYS)
    assert disk.syncs == 1
    for seq in range(1, 10):
        assert book.forward(seq)
        assert disk.syncs == seq + 1
    book.close()


def test_interval_syncs_each_fifty_lines_and_each_tick_with_new_ones(
    path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash of the machine loses at most fifty lines, or what came in 50 ms, or a second."""
    monkeypatch.setattr(sync, "SYNC_APART_SECONDS", 0)
    book = Book(path, Fsync.INTERVAL)
    for seq in range(1, 2 * SYNC_EVERY_LINES):
        book.refused(seq)
    assert disk.syncs == 1 + 1  # the first is `start`'s
    book.refused(100)
    assert disk.syncs == 1 + 2
    book.refused(101)
    book.journal.tick()
    assert disk.syncs == 1 + 3
    for _ in range(5):
        book.journal.tick()
    assert disk.syncs == 1 + 3
    book.close()


def test_interval_leaves_the_disk_alone_for_50_ms_after_each_sync(
    path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However fast lines come; those that came meanwhile are synced together."""
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    book = Book(path, Fsync.INTERVAL)
    syncs = []
    for seq in range(1, 20 * SYNC_EVERY_LINES):
        now += 0.1 / SYNC_EVERY_LINES / 20
        book.refused(seq)
        syncs.append(disk.syncs)
    assert syncs[-1] == 1 + 2  # the first is `start`'s
    assert syncs.index(1 + 1) == SYNC_EVERY_LINES - 1
    book.journal.tick()
    assert disk.syncs == 1 + 3
    book.close()


def test_no_delivery_waits_for_a_sync_of_the_interval(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow disk is synced behind: lines go on while a sync takes its time."""
    begun, release, waited_in_vain = threading.Event(), threading.Event(), threading.Event()

    def slow(_descriptor: int) -> None:
        begun.set()
        if not release.wait(10):
            waited_in_vain.set()

    book = Book(path, Fsync.INTERVAL)
    monkeypatch.setattr(os, "fdatasync", slow)
    for seq in range(1, 5 * SYNC_EVERY_LINES):
        assert book.forward(seq)
    book.journal.tick()
    assert begun.wait(5)
    assert not release.is_set()
    release.set()
    book.close()
    assert not waited_in_vain.is_set()


def test_a_sync_that_fails_in_its_thread_is_noticed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real thread's error reaches the journal."""

    def fail(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    book = Book(path, Fsync.INTERVAL)
    monkeypatch.setattr(os, "fdatasync", fail)
    until = time.monotonic() + 5
    seq = 0
    while book.available() and time.monotonic() < until:
        book.refused(seq := seq + 1)
        book.journal.tick()
    assert not book.available()
    assert book.logged == ["ledger.unavailable"]
    book.close()


def test_a_failed_sync_is_noticed_though_nothing_more_is_written(path: Path, disk: Disk) -> None:
    """A quiet ledger on a broken disk says so within a second, not at the next delivery."""
    book = Book(path, Fsync.INTERVAL)
    disk.sync_fails = True
    book.refused(1)
    book.journal.tick()
    book.journal.tick()
    assert not book.available()
    book.close()


@pytest.mark.parametrize("lines", [1, SYNC_EVERY_LINES], ids=["by the tick", "by fifty lines"])
def test_after_a_failed_sync_not_one_delivery_goes_upstream(
    lines: int, path: Path, disk: Disk
) -> None:
    """The next forward finds out, however soon it comes."""
    book = Book(path, Fsync.INTERVAL)
    disk.sync_fails = True
    for seq in range(1, lines + 1):
        book.refused(seq)
    if disk.syncs == 1:  # `start`'s
        book.journal.tick()
    assert disk.syncs == 1 + 1
    assert not book.forward(100)
    book.failed(100)
    assert not book.forward(101)
    book.close()


@pytest.mark.parametrize("fsync", [Fsync.ALWAYS, Fsync.INTERVAL])
def test_nothing_is_trusted_until_a_line_is_written_and_synced(
    fsync: Fsync, path: Path, disk: Disk
) -> None:
    """A write alone proves nothing after a failed sync: each forward must reach the disk."""
    book = Book(path, fsync)
    assert book.forward(1)
    disk.sync_fails = True
    seq = 1
    while book.available() and seq < 20:
        seq += 1
        book.refused(seq)
        book.journal.tick()
    for later in (seq + 1, seq + 2):
        assert not book.forward(later)
        book.failed(later)
    assert not book.available()
    syncs = disk.syncs
    disk.sync_fails = False
    assert book.forward(seq + 3)
    assert disk.syncs > syncs
    assert book.available()
    assert book.logged == ["ledger.unavailable", "ledger.recovered"]
    book.close()


@pytest.mark.parametrize("fsync", [Fsync.ALWAYS, Fsync.INTERVAL])
def test_a_line_whose_sync_failed_is_not_written_twice(
    fsync: Fsync, path: Path, disk: Disk
) -> None:
    """Each delivery counts once, whether its line stayed or was taken back."""
    book = Book(path, fsync)
    assert book.forward(1)
    disk.sync_fails = True
    book.refused(2)
    for _ in range(3):
        book.journal.tick()
    book.delivered(1)
    book.refused(3)
    for _ in range(3):
        book.journal.tick()
    disk.sync_fails = False
    for _ in range(3):
        book.journal.tick()
    book.close(received=3, delivered=1, refused=2)
    ended = [record["seq"] for record in read_ledger(path) if record["event"] == "delivery"]
    assert ended.count(1) == 1
    assert len(ended) == len(set(ended))
    assert assert_balanced(path) == {"delivered": 1, "refused": 2}
    assert_chained(path)


def test_a_failed_sync_is_not_forgotten_over_a_rotation(path: Path, disk: Disk) -> None:
    """Lines of the renamed file may be lost: that is told, and the new file must prove itself."""
    book = Book(path, Fsync.INTERVAL)
    disk.sync_fails = True
    book.refused(1)
    book.journal.tick()
    disk.sync_fails = False  # the kernel reports a failed write-back once
    path.rename(path.with_suffix(".jsonl.1"))
    book.journal.reopen()
    assert "ledger.unavailable" in book.logged
    syncs = disk.syncs
    assert book.forward(2)
    assert disk.syncs == syncs + 1
    book.close()


def test_a_sync_that_fails_at_a_rotation_is_a_failed_sync(path: Path, disk: Disk) -> None:
    """Closing the renamed file is where its last lines should have reached the disk."""
    book = Book(path, Fsync.INTERVAL)
    book.refused(1)
    disk.sync_fails = True
    path.rename(path.with_suffix(".jsonl.1"))
    book.journal.tick()
    assert not book.forward(2)
    book.failed(2)
    disk.sync_fails = False
    assert book.forward(3)
    book.delivered(3)
    book.close()
    assert kinds(path) == ["forward", "delivery", "refusals", "stop"]


def test_a_stop_whose_last_sync_fails_is_told(path: Path, disk: Disk) -> None:
    """The process ends all the same, and says what it could not make sure of."""
    book = Book(path, Fsync.INTERVAL)
    disk.sync_fails = True
    book.close()
    assert "ledger.unavailable" in book.logged
