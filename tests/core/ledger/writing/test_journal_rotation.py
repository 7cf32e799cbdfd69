"""Rotation: the journal follows its path, and the chain goes on over all files."""

import os
from pathlib import Path

import pytest

from hookgate.ledger.writing.sink import Sink
from support.journal import Book, Disk, kinds
from support.ledger import assert_balanced, assert_chained


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger is, in a folder that may vanish."""
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs" / "audit.jsonl"


def joined(*paths: Path) -> Path:
    """One file of several, oldest first."""
    whole = paths[0].parent / "whole.jsonl"
    whole.write_bytes(b"".join(path.read_bytes() for path in paths))
    return whole


@pytest.mark.parametrize("created", [False, True], ids=["renamed", "renamed and created anew"])
def test_after_a_rename_the_next_tick_opens_the_new_file(path: Path, created: bool) -> None:
    """logrotate needs no signal, with `create` or without."""
    old = path.with_suffix(".jsonl.1")
    book = Book(path)
    assert book.forward(1)
    path.rename(old)
    if created:
        path.touch()
    book.delivered(1)
    book.journal.tick()
    book.refused(2)
    book.close(received=2, delivered=1, refused=1)
    assert kinds(old) == ["start", "forward", "delivery"]
    assert kinds(path) == ["delivery", "stop"]
    whole = joined(old, path)
    assert_chained(whole)
    assert assert_balanced(whole) == {"delivered": 1, "refused": 1}
    assert book.logged == []


def test_reopen_needs_no_tick(path: Path) -> None:
    """As on SIGUSR1: lines go to the new file from there on."""
    old = path.with_suffix(".jsonl.1")
    book = Book(path)
    path.rename(old)
    book.journal.reopen()
    book.refused(1)
    book.close(received=1, refused=1)
    assert (kinds(old), kinds(path)) == (["start"], ["delivery", "stop"])
    assert_chained(joined(old, path))


def test_reopening_a_path_that_can_be_opened_again_needs_no_tick_to_be_available(
    path: Path,
) -> None:
    book = Book(path)
    path.rename(path.with_name("old"))
    path.mkdir()
    book.journal.reopen()
    assert not book.available()
    path.rmdir()
    book.journal.reopen()
    assert book.available()
    assert book.logged == ["ledger.unavailable", "ledger.recovered"]


def test_reopening_what_was_not_renamed_goes_on_in_the_file(path: Path) -> None:
    """A signal too many does no harm."""
    book = Book(path)
    for seq in range(1, 4):
        book.refused(seq)
        book.journal.reopen()
    book.close(received=3, refused=3)
    assert kinds(path) == ["start", *["delivery"] * 3, "stop"]
    assert_chained(path)
    assert book.available()


def test_the_renamed_file_is_let_go(path: Path) -> None:
    """Its lock and its descriptor are free: whoever compresses it is alone with it."""
    old = path.with_suffix(".jsonl.1")
    descriptors = len(os.listdir("/proc/self/fd"))
    book = Book(path)
    for _ in range(3):
        path.rename(old)
        book.journal.tick()
        Sink(str(old)).close()
    book.close()
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_deleted_file_is_a_gap_that_shows(path: Path) -> None:
    """The new file's first line names a line that nobody has."""
    book = Book(path)
    path.unlink()
    book.journal.tick()
    book.refused(1)
    book.close()
    assert sorted(kinds(path)) == ["delivery", "gap", "stop"]
    with pytest.raises(AssertionError):
        assert_chained(path)


def test_while_the_folder_is_gone_nothing_may_go_upstream(path: Path) -> None:
    """A vanished folder is an outage like a full disk, and ends by itself when it is back."""
    folder, away = path.parent, path.parent.with_name("away")
    book = Book(path)
    assert book.forward(1)
    folder.rename(away)
    book.journal.tick()
    assert not book.forward(2)
    book.failed(2)
    book.delivered(1)
    book.journal.tick()
    assert not book.available()
    folder.mkdir()
    book.journal.tick()
    assert book.available()
    assert book.forward(3)
    book.delivered(3)
    counts = {"delivered": 2, "failed": 1}
    book.close(received=3, **counts)
    assert kinds(path) == ["delivery", "refusals", "forward", "delivery", "stop"]
    whole = joined(away / path.name, path)
    assert_chained(whole)
    assert assert_balanced(whole) == counts
    assert book.logged == ["ledger.unavailable", "ledger.recovered"]


def test_a_ledger_that_opens_again_is_available_before_anybody_sends(path: Path) -> None:
    """Whoever waits until the gate is ready before sending must not wait for ever."""
    folder, away = path.parent, path.parent.with_name("away")
    book = Book(path)
    folder.rename(away)
    book.journal.tick()
    assert not book.available()
    away.rename(folder)
    book.journal.tick()
    assert book.available()
    book.close()


def test_a_new_file_that_another_process_writes_is_left_alone(path: Path) -> None:
    """Between a rename and the tick somebody else may have taken the path."""
    old = path.with_suffix(".jsonl.1")
    book = Book(path)
    path.rename(old)
    other = Sink(str(path))
    other.write(b'{"event":"other"}')
    book.journal.tick()
    assert not book.forward(1)
    book.failed(1)
    assert kinds(path) == ["other"]
    other.close()
    book.journal.tick()
    assert book.forward(2)
    book.delivered(2)
    book.close(received=2, delivered=1, failed=1)
    assert kinds(path) == ["other", "refusals", "forward", "delivery", "stop"]


def test_what_is_owed_at_a_rotation_goes_to_the_new_file(path: Path, disk: Disk) -> None:
    """On a full disk, rotating and deleting is how space comes back."""
    old = path.with_suffix(".jsonl.1")
    book = Book(path)
    assert book.forward(1)
    disk.room = 0
    book.delivered(1)
    path.rename(old)
    book.journal.tick()
    disk.room = None
    book.journal.tick()
    book.close(received=1, delivered=1)
    assert (kinds(old), kinds(path)) == (["start", "forward"], ["delivery", "stop"])
    assert_chained(joined(old, path))


def test_a_torn_line_in_the_file_that_is_opened_anew_is_reported(path: Path) -> None:
    """What somebody left there without its end is ended, not glued to."""
    book = Book(path)
    path.rename(path.with_suffix(".jsonl.1"))
    path.write_bytes(b'{"event":"to')
    book.journal.tick()
    book.refused(1)
    book.close()
    torn, *lines = path.read_bytes().splitlines()
    assert torn == b'{"event":"to'
    assert len(lines) == 2
    assert book.logged == ["ledger.torn_line_found"]


def test_opening_anew_on_a_full_disk_is_no_recovery(path: Path, disk: Disk) -> None:
    """Only a line that was written shows that the disk has space; a new file alone does not."""
    book = Book(path)
    disk.room = 0
    book.refused(1)
    book.journal.reopen()
    assert not book.available()
    path.rename(path.with_suffix(".jsonl.1"))
    book.journal.tick()
    assert not book.available()
    assert book.logged == ["ledger.unavailable"]
    disk.room = None
    book.journal.tick()
    assert book.logged == ["ledger.unavailable", "ledger.recovered"]
    book.close(received=1, refused=1)
    assert kinds(path) == ["refusals", "stop"]


def test_a_new_file_that_cannot_be_read_is_an_outage_until_it_can(path: Path, disk: Disk) -> None:
    """A disk that fails when it is opened anew fails closed and is tried again each second."""
    book = Book(path)
    disk.read_fails = True
    for _ in range(3):
        book.journal.reopen()
        assert not book.forward(1)
    disk.read_fails = False
    book.journal.tick()
    assert book.forward(2)
    assert book.available()
    book.close()
