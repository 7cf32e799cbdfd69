"""A ledger's file that goes away under a running gate: a rotation is quiet, a loss is not."""

import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.journal import Book, Disk, kinds
from support.ledger import assert_chained, read_ledger
from support.raw import wait_until

Act = Callable[[Path], None]


def write(book: Book, *seqs: int) -> None:
    for seq in seqs:
        book.refused(seq)


def rename(path: Path) -> None:
    path.rename(path.with_name("audit.jsonl.1"))


def rename_and_compress(path: Path) -> None:
    """As logrotate does without `delaycompress`: the renamed file is gone before the next look."""
    with gzip.open(path.with_name("audit.jsonl.1.gz"), "wb") as file:
        file.write(path.read_bytes())
    path.unlink()


def rename_away(path: Path) -> None:
    """As logrotate with `olddir`."""
    (path.parent / "old").mkdir()
    path.rename(path.parent / "old" / "audit.jsonl-20261128")


def copy_and_truncate(path: Path) -> None:
    shutil.copy(path, path.with_name("audit.jsonl-20261128"))
    os.truncate(path, 0)


def copy_compress_and_truncate(path: Path) -> None:
    with gzip.open(path.with_name("audit.jsonl-20261128.gz"), "wb") as file:
        file.write(path.read_bytes())
    os.truncate(path, 0)


def put_in_its_place(path: Path) -> None:
    """As an editor does: a new file of the same lines."""
    copy = path.with_name("copy")
    shutil.copy(path, copy)
    copy.rename(path)


def link_and_delete(path: Path) -> None:
    """As a backup of hard links holds it."""
    path.with_name("backup").hardlink_to(path)
    path.unlink()


ROTATIONS: list[Act] = [
    rename,
    rename_and_compress,
    rename_away,
    copy_and_truncate,
    copy_compress_and_truncate,
    put_in_its_place,
    link_and_delete,
    lambda path: None,
]


@pytest.mark.parametrize("signal", [False, True], ids=["followed", "by signal"])
@pytest.mark.parametrize("rotate", ROTATIONS, ids=lambda act: act.__name__)
def test_a_rotation_is_quiet(rotate: Act, signal: bool, tmp_path: Path) -> None:
    """Every line is in some file, and nothing is said or written of it."""
    book = Book(tmp_path / "audit.jsonl")
    write(book, 1, 2)
    book.journal.tick()
    rotate(tmp_path / "audit.jsonl")
    if signal:
        book.journal.reopen()
    else:
        book.journal.tick()
    write(book, 3)
    book.journal.tick()
    write(book, 4)
    book.journal.tick()
    book.close(received=4, refused=4)
    assert book.logged == []
    assert book.journal.missing == 0
    assert "gap" not in kinds(tmp_path / "audit.jsonl")


def truncate(path: Path) -> None:
    os.truncate(path, 0)


def keep_two_lines(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    with path.open("r+b") as file:
        file.truncate(sum(map(len, lines[:2])))


def copy_early_and_truncate(path: Path) -> None:
    """The copy was made before the last line."""
    lines = path.read_bytes().splitlines(keepends=True)
    path.with_name("audit.jsonl.1").write_bytes(b"".join(lines[:-1]))
    os.truncate(path, 0)


def delete_beside_another(path: Path) -> None:
    """A file of another boot is no copy of this one's."""
    other = path.read_bytes().replace(b'"boot":"b0"', b'"boot":"b1"')
    path.with_name("audit.jsonl.1").write_bytes(other)
    path.unlink()


@pytest.mark.parametrize("signal", [False, True], ids=["followed", "by signal"])
@pytest.mark.parametrize(
    ("lose", "cause", "first", "last"),
    [
        pytest.param(Path.unlink, "deleted", 1, 4, id="deleted"),
        pytest.param(delete_beside_another, "deleted", 1, 4, id="deleted beside another boot's"),
        pytest.param(truncate, "truncated", 1, 4, id="truncated"),
        pytest.param(keep_two_lines, "truncated", 3, 4, id="truncated to two lines"),
        pytest.param(copy_early_and_truncate, "truncated", 4, 4, id="a line behind the copy"),
    ],
)
def test_a_loss_is_told_with_the_numbers_of_its_lines(
    lose: Act, cause: str, first: int, last: int, signal: bool, tmp_path: Path
) -> None:
    """In the log, the counter and the ledger, however much has been written since."""
    path = tmp_path / "audit.jsonl"
    book = Book(path)
    write(book, 1, 2, 3)
    book.journal.tick()
    lose(path)
    if signal:
        book.journal.reopen()
    else:
        write(book, *range(4, 8)) if cause == "truncated" else book.journal.tick()
    assert wait_until(lambda: ticked(book) and book.logged == ["ledger.lines_missing"])
    write(book, 9)
    book.close()
    (gap,) = gaps(path)
    told = {"cause": cause, "first_n": first, "last_n": last}
    assert {name: gap[name] for name in told} == told
    (entry,) = book.entries
    assert entry["lines"] == book.journal.missing == last - first + 1
    assert told.items() <= entry.items()


def ticked(book: Book) -> bool:
    book.journal.tick()
    return True


def gaps(path: Path) -> list[dict[str, Any]]:
    return [record for record in read_ledger(path) if record["event"] == "gap"]


def test_what_is_written_behind_the_compression_is_lost_and_told(tmp_path: Path) -> None:
    """Into the renamed file, whose compressed copy was whole already."""
    path = tmp_path / "audit.jsonl"
    book = Book(path)
    write(book, 1, 2)
    rename_and_compress(path)
    write(book, 3)
    book.journal.tick()
    book.close()
    (gap,) = gaps(path)
    assert (gap["first_n"], gap["last_n"]) == (4, 4)


def test_each_loss_is_told_once(tmp_path: Path) -> None:
    """After one, lines are counted from there, in a file that was cut or in a new one."""
    path = tmp_path / "audit.jsonl"
    book = Book(path)
    write(book, 1)  # lines 1 and 2
    book.journal.tick()
    truncate(path)
    assert wait_until(lambda: ticked(book) and book.journal.missing == 2)
    path.unlink()  # line 3, which is the gap's
    assert wait_until(lambda: ticked(book) and book.journal.missing == 3)
    rename(path)
    book.journal.tick()
    write(book, 2)
    path.unlink()
    assert wait_until(lambda: ticked(book) and book.journal.missing == 4)
    book.close()
    assert book.logged == ["ledger.lines_missing"] * 3


def test_a_loss_just_before_the_end_is_told_too(tmp_path: Path) -> None:
    """No look comes between."""
    path = tmp_path / "audit.jsonl"
    book = Book(path)
    write(book, 1)
    truncate(path)
    book.close(received=1, refused=1)
    assert kinds(path) == ["gap", "stop"]
    assert book.logged == ["ledger.lines_missing"]


def test_half_a_line_that_is_cut_off_a_full_disk_is_no_loss(tmp_path: Path, disk: Disk) -> None:
    """hookgate does that by itself, at once or later."""
    path = tmp_path / "audit.jsonl"
    book = Book(path)
    for room, cut_fails in ((10, False), (10, True)):
        disk.room, disk.cut_fails = room, cut_fails
        write(book, 1)
        book.journal.tick()
        disk.room, disk.cut_fails = None, False
        book.journal.tick()
        book.journal.tick()
    book.close(received=2, refused=2)
    assert_chained(path)
    assert "ledger.lines_missing" not in book.logged
