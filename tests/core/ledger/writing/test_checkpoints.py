"""Checkpoints in the operational log: what they say of the ledger, and when."""

import json
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from hookgate.settings import Fsync
from support.journal import Book, Clock, Disk, obedient_clock, obedient_disk
from support.tamper import SEAL


@pytest.fixture
def clock() -> Iterator[Clock]:
    with obedient_clock() as clock:
        yield clock


@pytest.fixture
def disk() -> Iterator[Disk]:
    with obedient_disk() as disk:
        yield disk


def told(book: Book) -> list[tuple[int, bool]]:
    """How many lines each checkpoint says that there are, and whether they are on the disk."""
    return [(said["n"], said["synced"]) for said in book.checkpoints]


def test_one_comes_at_the_start_each_minute_and_at_the_stop(tmp_path: Path, clock: Clock) -> None:
    """Also where nothing was written since: the boot lived. The last one knows the stop."""
    book = Book(tmp_path / "audit.jsonl", Fsync.INTERVAL)
    for _ in range(181):
        book.journal.tick()
        clock.now += 1
    assert told(book) == [(1, True)] * 4
    book.close()
    assert told(book)[4:] == [(2, True)]


@pytest.mark.parametrize("key", [b"", SEAL], ids=["chained", "sealed"])
def test_it_names_a_line_as_the_next_line_does(tmp_path: Path, key: bytes) -> None:
    """By its seal, or else by its digest."""
    path = tmp_path / "audit.jsonl"
    book = Book(path, seal_key=key, boot="b7")
    book.refused(1)
    book.close()
    (said,) = book.checkpoints
    last = path.read_bytes().splitlines()[-1]
    assert (said["boot"], said["n"], said["path"]) == ("b7", 3, str(path))
    assert said["head"] == json.loads(last).get("mac", sha256(last).hexdigest())
    assert said["log_level"] == "info"


def test_a_relative_path_is_told_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who reads the log stands elsewhere."""
    monkeypatch.chdir(tmp_path)
    book = Book("audit.jsonl")
    book.close()
    assert book.checkpoints[0]["path"] == str(tmp_path / "audit.jsonl")


def test_lines_that_are_not_synced_are_not_vouched_for(
    tmp_path: Path, clock: Clock, disk: Disk
) -> None:
    """A crash of the machine may take them; after the next sync they are told."""
    book = Book(tmp_path / "audit.jsonl", Fsync.INTERVAL)
    book.journal.tick()
    clock.now += 60
    book.refused(1)
    book.journal.tick()  # begins a sync
    clock.now += 60
    book.journal.tick()
    assert told(book) == [(1, True), (1, True), (2, True)]


def test_what_a_failed_sync_left_is_not_vouched_for(
    tmp_path: Path, clock: Clock, disk: Disk
) -> None:
    """Until a line was written and synced after it."""
    book = Book(tmp_path / "audit.jsonl", Fsync.INTERVAL)
    book.journal.tick()
    disk.sync_fails = True
    book.refused(1)
    book.journal.tick()
    book.journal.tick()
    clock.now += 60
    book.journal.tick()
    disk.sync_fails = False
    book.journal.tick()  # the disk is tried
    clock.now += 60
    book.journal.tick()
    assert told(book) == [(1, True)] * 3
    book.refused(2)
    book.journal.tick()
    clock.now += 60
    book.journal.tick()
    assert told(book)[3:] == [(3, True)]


@pytest.mark.parametrize(
    ("fsync", "running"), [(Fsync.ALWAYS, (2, True)), (Fsync.NEVER, (2, False))]
)
def test_each_way_of_syncing_is_told(
    fsync: Fsync, running: tuple[int, bool], tmp_path: Path, disk: Disk
) -> None:
    """Who never syncs says so, until the file is closed."""
    book = Book(tmp_path / "audit.jsonl", fsync)
    book.refused(1)
    book.journal.tick()
    assert told(book) == [running]
    book.close()
    assert told(book)[1:] == [(3, True)]


def test_a_file_that_was_rotated_is_synced(tmp_path: Path, clock: Clock) -> None:
    """Its lines are told at once, with those that follow not yet among them."""
    path = tmp_path / "audit.jsonl"
    book = Book(path, Fsync.INTERVAL)
    book.refused(1)
    path.rename(tmp_path / "audit.jsonl.1")
    book.journal.reopen()
    book.refused(2)
    book.journal.tick()
    assert told(book) == [(2, True)]
    book.close()


def test_a_ledger_that_takes_no_line_is_told_as_it_was(tmp_path: Path, disk: Disk) -> None:
    """A full disk at the start, and what is owed to it at the stop."""
    disk.room = 0
    book = Book(tmp_path / "audit.jsonl", Fsync.INTERVAL)
    book.journal.tick()
    assert [(said["n"], said["head"]) for said in book.checkpoints] == [(0, "")]
    disk.room = None
    book.close()
    assert told(book)[1:] == [(2, True)]


def test_a_pipe_is_never_vouched_for(tmp_path: Path) -> None:
    """What its reader makes of it nobody knows."""
    reader, writer = os.pipe()
    before = os.dup(1)
    os.dup2(writer, 1)
    try:
        book = Book("-", Fsync.INTERVAL)
        book.journal.tick()
        book.close()
    finally:
        os.dup2(before, 1)
        for fd in (reader, writer, before):
            os.close(fd)
    assert told(book) == [(1, False), (2, False)]
    assert book.checkpoints[0]["path"] == "-"
