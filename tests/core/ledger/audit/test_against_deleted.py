"""Boots that a log kept elsewhere saw, and that are in no file: rotated away, or deleted."""

from pathlib import Path

import pytest

from hookgate.ledger.audit.chain import verify
from hookgate.ledger.checkpoint import Checkpoint
from hookgate.ledger.reading.files import find_files, in_order
from hookgate.ledger.reading.reader import read
from hookgate.ledger.state import find_states
from hookgate.proof.note import text_of
from support.forgery import look, write_boots
from support.journal import recorded
from support.notes import SIGNER, anchor, compare

Log = list[Checkpoint]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "ledger").mkdir()
    return tmp_path / "ledger" / "audit.jsonl"


def delete_all(path: Path) -> None:
    """The files of a ledger, and its state file."""
    for file in (*find_files(path), *find_states(path)):
        file.unlink()


def boots(path: Path, names: str) -> Log:
    with recorded() as log:
        write_boots(path, names, b"")
    return log


def told(path: Path, log: Log) -> list[tuple[str, str, str]]:
    found = look(path, (), log).findings
    return [(f.kind, f.boot, f.text) for f in found if f.kind in ("gone", "rotated")]


def notes_tell(path: Path, notes: list[bytes]) -> list[tuple[str, str]]:
    anew = verify(read(in_order(find_files(path)))).begins_anew
    return [(found.kind, found.boot) for found in compare(path, notes, anew=anew)]


def early_notes(path: Path) -> list[bytes]:
    """Notes of what is there, as if they were of long ago."""
    signed, _ = anchor(path, path.parents[1] / "kept")
    return [SIGNER.sign(text_of(each.note), 1_000_000) for each in signed]


def test_a_ledger_that_was_deleted_whole_is_gone_and_not_rotated(path: Path) -> None:
    """As the boot after it found nothing, and rotation leaves the state file."""
    log = boots(path, "ab")
    notes = early_notes(path)
    delete_all(path)
    log += boots(path, "c")
    notes += early_notes(path)
    found = told(path, log)
    assert [(kind, boot) for kind, boot, _ in found] == [("gone", "boot-a"), ("gone", "boot-b")]
    assert found[0][2].endswith(
        ": boot boot-c, the first here, found neither lines nor a state file, which rotation"
        " leaves: the whole ledger was deleted, or its files were not given"
    )
    assert notes_tell(path, notes) == [("gone", "boot-a"), ("gone", "boot-b")]


def test_one_whose_state_file_was_left_may_have_been_rotated_away(path: Path) -> None:
    log = boots(path, "ab")
    notes = early_notes(path)
    for file in find_files(path):
        file.unlink()
    log += boots(path, "c")
    found = told(path, log)
    assert [(kind, boot) for kind, boot, _ in found] == [
        ("rotated", "boot-a"), ("rotated", "boot-b"),
    ]  # fmt: skip
    kinds = [kind for kind, boot in notes_tell(path, notes) if boot]
    assert kinds == ["rotated", "rotated"]


def test_what_another_ledger_of_the_same_gate_began_with_says_nothing(path: Path) -> None:
    """A worker that was added later found nothing, and the first one's files were rotated."""
    log = boots(path, "ab")
    notes = early_notes(path)
    for file in find_files(path):
        file.unlink()
    log += boots(path, "c")
    log += boots(path.with_name("audit.1.jsonl"), "z")
    assert {kind for kind, *_ in told(path, log)} == {"rotated"}
    assert {kind for kind, boot in notes_tell(path, notes) if boot} == {"rotated"}
