"""A ledger beside notes that were signed while lines of it were in no file."""

from pathlib import Path

import pytest

from hookgate.ledger.reading.files import find_files
from hookgate.proof.checkpoint import Checkpoint
from hookgate.proof.note import text_of
from support.forgery import write_boots
from support.journal import Book
from support.notes import anchor, compare


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger is."""
    (tmp_path / "ledger").mkdir()
    return tmp_path / "ledger" / "audit.jsonl"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where what is kept is."""
    return tmp_path / "kept"


def told(path: Path, *notes: bytes) -> list[tuple[str, str, str]]:
    return [(found.kind, found.boot, found.text) for found in compare(path, list(notes))]


def newest(path: Path, folder: Path) -> bytes:
    return anchor(path, folder)[0][-1].note


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def test_a_file_that_was_put_back_after_the_note_is_no_change(path: Path, folder: Path) -> None:
    """Of its lines the note says nothing, and of the others that they are those it saw."""
    write_boots(path, "a", b"")
    (old,) = [file for file in find_files(path) if file != path]
    away = old.rename(folder.with_name("away"))
    note = newest(path, folder)
    assert told(path, note) == []
    away.rename(old)
    (found,) = told(path, note)
    assert found[:2] == ("returned", "boot-a")
    assert found[2].startswith("3 of its first 6 lines were in no file when the note of 20")
    assert found[2].endswith(
        " was signed, and are here: it says nothing of them, and the others are those it saw"
    )
    old.write_bytes(old.read_bytes().replace(b'"outcome":"delivered"', b'"outcome":"refused"'))
    assert [kind for kind, *_ in told(path, note)] == ["returned"]  # the chain tells of that
    path.write_bytes(path.read_bytes().replace(b"malformed_json", b"malformed_jsom"))
    assert [kind for kind, *_ in told(path, note)] == ["remade"]


def test_lines_in_the_middle_may_come_back_too(path: Path, folder: Path) -> None:
    """And of all notes of a boot the newest says so."""
    book = Book(path, boot="boot-a")
    notes = [newest(path, folder)]
    for seq in range(4):
        book.refused(seq)
    whole, lines = path.read_bytes(), lines_of(path)
    path.write_bytes(b"".join([lines[0], *lines[3:]]))
    notes += [newest(path, folder), newest(path, folder)]
    path.write_bytes(whole)
    for notes_of_a_run in (notes[1:2], notes, notes[::-1]):
        (found,) = told(path, *notes_of_a_run)
        assert found[0] == "returned"
        assert found[2].startswith("2 of its first 5 lines")
    notes.append(newest(path, folder))
    path.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    (found,) = told(path, *notes)
    assert found[2].startswith("1 of its first 5 lines was in no file")
    path.write_bytes(b"".join([*lines[:4]]))
    assert [kind for kind, *_ in told(path, *notes)] == ["cut", "cut", "cut"]


def test_two_anchors_may_have_missed_other_lines(path: Path, folder: Path) -> None:
    book = Book(path, boot="boot-a")
    for seq in range(9):
        book.refused(seq)
    whole, lines = path.read_bytes(), lines_of(path)
    notes = []
    for first in (3, 5, 0):
        path.write_bytes(b"".join(lines[first:]))
        notes.append(newest(path, folder.with_name(f"kept{first}")))
    path.write_bytes(whole)
    assert [(kind, text[:20]) for kind, _, text in told(path, *notes)] == [
        ("returned", "3 of its first 10 li"),
        ("returned", "5 of its first 10 li"),
    ]


def test_a_note_says_which_lines_it_misses(path: Path, folder: Path) -> None:
    """In a line below the root, which other programs leave alone."""
    book = Book(path, boot="boot-a")
    for seq in range(9):
        book.refused(seq)
    lines = lines_of(path)
    path.write_bytes(b"".join([*lines[2:5], *lines[6:]]))
    text = text_of(newest(path, folder))
    assert text.splitlines()[3:] == ["missing 1-2 6"]
    assert Checkpoint.parse(text).missing == ((1, 2), (6, 6))
    assert Checkpoint.parse(text).text == text
