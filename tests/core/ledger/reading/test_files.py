"""Which files are a ledger's, by their names and what they hold."""

import bz2
import gzip
import json
import os
from pathlib import Path

import pytest

from hookgate.ledger.reading.files import find_files, find_ledger, in_order, sort
from hookgate.ledger.reading.source import probe
from support.lines import nginx, start, write
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
        "audit.replay.jsonl", "audit.replay.jsonl.2.gz", "audit.replay-20261122.jsonl",
        "audit.2.jsonl", "audit.2.jsonl.3.gz", "audit.2.jsonl.1.xz", "audit.jsonl.gz",
    ],
)  # fmt: skip
def test_every_name_that_rotation_and_people_give_is_found(tmp_path: Path, name: str) -> None:
    """Whatever they hold: what is no record there is damage."""
    (tmp_path / name).touch()
    assert find_ledger(tmp_path / "audit.jsonl") == ([tmp_path / name], [])


@pytest.mark.parametrize(
    "name",
    [
        "audit-eu.jsonl",
        "audit.eu.jsonl",
        "audit2.jsonl",
        "audit.toml",
        "audit.state",
        "audit.key",
        "audit.replays.jsonl",
        "audit.1.replay.jsonl",
    ],
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


def test_files_that_begin_within_one_boot_are_in_the_order_of_its_lines(tmp_path: Path) -> None:
    """A clock that ran ahead, and was set back, changes nothing; other boots keep their places."""
    heads = {
        "audit.jsonl.4": (1, "2026", "b0"),
        "audit.jsonl.3": (900, "2036", "b0"),
        "audit.jsonl.2": (8000, "2026", "b0"),
        "audit.jsonl.1": (1, "2028", "b1"),
        "audit.jsonl": (10, "2027", "b1"),
    }
    files = []
    for name, (n, year, boot) in heads.items():
        file = tmp_path / name
        record = {**start(), "ts": f"{year}-11-22T12:00:00.000000Z", "boot": boot, "n": n}
        file.write_text(json.dumps(record) + "\n")
        files.append(file)
    assert [file.name for file in in_order(files[::-1])] == [
        "audit.jsonl.4", "audit.jsonl.3", "audit.jsonl.1", "audit.jsonl", "audit.jsonl.2",
    ]  # fmt: skip


def test_of_files_that_begin_alike_the_longest_comes_first(tmp_path: Path) -> None:
    """So that lines are told of by the file that has them all."""
    short = write(tmp_path / "a", start())
    whole = write(tmp_path / "b", start(), {"event": "reload"})
    later = write(tmp_path / "c", start("b1"))
    assert [s.path for s in sort(map(probe, (short, whole, later)))] == [whole, short, later]


IN_ROTATION = [
    pytest.param(["audit.jsonl.2", "audit.jsonl.1", "audit.jsonl"], id="numbers"),
    pytest.param(["audit.jsonl.3.gz", "audit.jsonl.2.gz", "audit.jsonl.1", "audit.jsonl"],
                 id="compressed"),
    pytest.param(["audit.jsonl.10.gz", "audit.jsonl.9.gz", "audit.jsonl.1", "audit.jsonl"],
                 id="two-digits"),
    pytest.param(["audit.jsonl-20261121", "audit.jsonl-20261122.gz", "audit.jsonl"], id="dateext"),
    pytest.param(["audit-20261121.jsonl", "audit-20261122.jsonl.gz", "audit.jsonl"],
                 id="dateext-with-extension"),
    pytest.param(["audit.1.jsonl.10", "audit.1.jsonl.9", "audit.1.jsonl.1", "audit.1.jsonl"],
                 id="a-worker"),
    pytest.param(["audit.jsonl.2026-11-21T15:00:00", "audit.jsonl.2026-11-22T09:00:00.gz",
                  "audit.jsonl"], id="times"),
    pytest.param(["audit.jsonl-20261121-1700000000", "audit.jsonl-20261121-1700000001.gz",
                  "audit.jsonl"], id="date-and-seconds"),
    pytest.param(["audit.jsonl-1700000000", "audit.jsonl-1700000001", "audit.jsonl"],
                 id="seconds"),
    pytest.param(["audit.jsonl.1.bz2", "audit.jsonl.0.bz2", "audit.jsonl"], id="newsyslog"),
    pytest.param(["audit.jsonl.2026-11-22.9", "audit.jsonl.2026-11-22.10", "audit.jsonl"],
                 id="numbers-within-a-day"),
    pytest.param(["audit.jsonl.old", "audit.jsonl"], id="a-word"),
]  # fmt: skip


@pytest.mark.parametrize("names", IN_ROTATION)
def test_files_that_begin_in_one_moment_are_in_order_of_rotation(
    tmp_path: Path, names: list[str]
) -> None:
    """Nginx tells milliseconds: a file's first line may have the time of the next one's."""
    ledger = tmp_path / ("audit.1.jsonl" if "audit.1.jsonl" in names else "audit.jsonl")
    files = []
    for number, name in enumerate(names):
        file = write(tmp_path / name, nginx(request_id=f"r{number}"))
        for suffix, compress in ((".gz", gzip.compress), (".bz2", bz2.compress)):
            if name.endswith(suffix):
                file.write_bytes(compress(file.read_bytes()))
        files.append(file)
    for given in (files, files[::-1], find_files(ledger)):
        assert in_order(given) == files
