"""Which files are a ledger's, by their names and what they hold."""

import os
from pathlib import Path

import pytest

from hookgate.ledger.reading.files import find_ledger, sort
from hookgate.ledger.reading.source import probe
from support.lines import start, write
from support.rotated import utf16


@pytest.mark.parametrize(
    "name",
    [
        "audit.jsonl", "audit.jsonl.1", "audit.jsonl.0.bz2", "audit.jsonl.2.xz",
        "audit.jsonl.3.zst",
        "audit.jsonl-20261122", "audit.jsonl-20261122-1700000000.gz", "audit.jsonl.2026-11-22",
        "audit.jsonl.2026-11-22T15:00:00", "audit.jsonl_20261122.xz", "audit-20261122.jsonl",
        "audit-20261122-1.jsonl.gz", "audit.2026-11-22.jsonl", "audit.jsonl.old", "audit.jsonl.bak",
        "audit.jsonl.old.1.gz", "audit.jsonl~", "audit.jsonl.orig", "audit (copy).jsonl",
        "audit (1).jsonl", "audit - Copy.jsonl", "audit copy 2.jsonl", "audit.jsonl (copy)",
        "audit.2.jsonl", "audit.2.jsonl.3.gz", "audit.2.jsonl.1.xz", "audit.jsonl.gz",
    ],
)  # fmt: skip
def test_every_name_that_rotation_and_people_give_is_found(tmp_path: Path, name: str) -> None:
    """Whatever they hold: what is no record there is damage."""
    (tmp_path / name).touch()
    assert find_ledger(tmp_path / "audit.jsonl") == ([tmp_path / name], [])


@pytest.mark.parametrize(
    "name",
    ["audit-eu.jsonl", "audit.eu.jsonl", "audit2.jsonl", "audit.toml", "audit.state", "audit.key"],
)
def test_what_is_another_s_is_neither_read_nor_said(tmp_path: Path, name: str) -> None:
    """Another gate's ledger in the same folder, the state file, and what is not called so."""
    write(tmp_path / name, start())
    assert find_ledger(tmp_path / "audit.jsonl") == ([], [])


@pytest.mark.parametrize("name", ["audit.jsonl.before-the-move", "audit.jsonl.host-b.gz.part"])
def test_of_other_names_the_content_decides(tmp_path: Path, name: str) -> None:
    """With a record it is a part of the ledger; without, that is said."""
    write(tmp_path / name, start())
    assert find_ledger(tmp_path / "audit.jsonl") == ([tmp_path / name], [])
    (tmp_path / name).write_text("a checksum\n")
    files, notes = find_ledger(tmp_path / "audit.jsonl")
    assert files == []
    assert [(n.file, n.text, n.unread) for n in notes] == [
        (str(tmp_path / name), "holds no record: not read", False)
    ]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04", "a zip archive: `unzip -p FILE > OTHER`"),
        (b"\x04\x22\x4d\x18", "lz4 -dc"),
        (utf16(b'{"event":"start"}\n'), "iconv -f UTF-16"),
        (b"age-encryption.org/v1\n", "age -d"),
    ],
)
def test_what_cannot_be_read_is_said_with_what_helps(
    tmp_path: Path, data: bytes, words: str
) -> None:
    """It may hold a part of the ledger."""
    (tmp_path / "audit.jsonl.x1").write_bytes(data)
    [note] = find_ledger(tmp_path / "audit.jsonl").notes
    assert note.unread
    assert words in note.text


def test_a_dangling_link_is_unread_and_a_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl.1").symlink_to("gone")
    (tmp_path / "audit.jsonl.2").mkdir()
    os.mkfifo(tmp_path / "audit.jsonl.3")
    notes = find_ledger(tmp_path / "audit.jsonl").notes
    assert [(note.unread, note.text) for note in notes] == [
        (True, "cannot be read: No such file or directory"),
        (False, "a folder: not read"),
        (False, "no regular file: not read"),
    ]


def test_of_files_that_begin_alike_the_longest_comes_first(tmp_path: Path) -> None:
    """So that lines are told of by the file that has them all."""
    short = write(tmp_path / "a", start())
    whole = write(tmp_path / "b", start(), {"event": "reload"})
    later = write(tmp_path / "c", start("b1"))
    assert [s.path for s in sort(map(probe, (short, whole, later)))] == [whole, short, later]
