"""How a ledger that could not be synced becomes available again though no line comes."""

import os
from pathlib import Path

from hookgate.settings import Fsync
from support.journal import Book, Disk, kinds
from support.ledger import assert_chained


def fail_a_sync(book: Book, disk: Disk) -> None:
    disk.sync_fails = True
    book.refused(1)
    for _ in range(3):
        book.journal.tick()
    assert not book.available()


def test_a_quiet_ledger_recovers_once_the_disk_does(path: Path, disk: Disk) -> None:
    """Nothing is sent to a gate that is not ready, so it must find out by itself."""
    book = Book(path, Fsync.INTERVAL)
    fail_a_sync(book, disk)
    before = path.read_bytes()
    disk.sync_fails = False
    for _ in range(3):
        book.journal.tick()
    assert book.available()
    assert book.logged == ["ledger.unavailable", "ledger.recovered"]
    assert path.read_bytes() == before
    assert book.forward(2)
    book.failed(2)
    book.close()
    assert_chained(path)


def test_it_stays_unavailable_while_the_disk_fails(path: Path, disk: Disk) -> None:
    """Each tick asks again; what the disk refuses is counted and leaves the file alone."""
    book = Book(path, Fsync.INTERVAL)
    fail_a_sync(book, disk)
    before, failures = path.read_bytes(), book.journal.failures
    for _ in range(10):
        book.journal.tick()
    assert not book.available()
    assert book.journal.failures > failures + 5
    assert path.read_bytes() == before
    book.close()


def test_a_sync_that_passes_without_a_write_is_no_proof(path: Path, disk: Disk) -> None:
    """The kernel reports a failed write-back once; only a sync that follows a write tells."""
    book = Book(path, Fsync.INTERVAL)
    disk.sync_fails = True
    book.refused(1)
    book.journal.tick()
    disk.sync_fails = False
    written: list[int] = []

    def pwrite(fd: int, data: bytes, at: int) -> int:
        written.append(at)
        return os.pwrite(fd, data, at)

    disk.__dict__["pwrite"] = pwrite
    book.journal.tick()
    assert not book.available()
    for _ in range(2):
        book.journal.tick()
    assert book.available()
    assert written == [path.stat().st_size - 1]
    book.close()


def test_an_empty_file_after_a_rotation_recovers_and_stays_empty(path: Path, disk: Disk) -> None:
    """The renamed file's last lines may be lost; the new file is proved without a line in it."""
    book = Book(path, Fsync.INTERVAL)
    book.refused(1)
    disk.sync_fails = True
    path.rename(path.with_suffix(".jsonl.1"))
    book.journal.tick()
    assert not book.available()
    assert path.read_bytes() == b""
    disk.sync_fails = False
    for _ in range(3):
        book.journal.tick()
    assert book.available()
    assert path.read_bytes() == b""
    assert book.forward(2)
    book.failed(2)
    book.close()
    assert kinds(path) == ["forward", "delivery", "stop"]


def test_lines_are_still_appended_after_a_probe(path: Path, disk: Disk) -> None:
    """Whatever the probe does to the descriptor, a file cut from outside grows no hole."""
    book = Book(path, Fsync.INTERVAL)
    fail_a_sync(book, disk)
    disk.sync_fails = False
    for _ in range(3):
        book.journal.tick()
    os.truncate(path, 0)
    book.refused(2)
    book.close()
    assert b"\0" not in path.read_bytes()
    assert kinds(path) == ["delivery", "gap", "stop"]
