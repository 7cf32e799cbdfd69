"""Each whole line of a file is read once, whatever happens to the file."""

import os
import sys
from pathlib import Path

import pytest

from hookgate.alarms.observing.tail import MOST_BYTES, Tail


def write(path: Path, *lines: bytes) -> Path:
    with path.open("ab") as file:
        file.write(b"".join(line + b"\n" for line in lines))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "audit.jsonl", b"one", b"two")


def tail(path: Path, **options: object) -> Tail:
    return Tail(path, 1 << 20, patience=0.0, **options)  # type: ignore[arg-type]  # those of a tail


def test_what_is_there_comes_first_and_then_what_is_written(path: Path) -> None:
    reader = tail(path)
    assert list(reader.poll()) == [b"one", b"two"]
    with path.open("ab") as file:
        file.write(b"three")
    assert list(reader.poll()) == []
    write(path, b"!")
    assert list(reader.poll()) == [b"three!"]


def test_only_the_end_of_a_large_file_is_read_back(path: Path) -> None:
    assert list(Tail(path, 5).poll()) == [b"two"]


def test_a_rotation_loses_nothing(path: Path) -> None:
    reader = tail(path)
    list(reader.poll())
    old = path.rename(path.with_name("audit.jsonl-20261129"))
    write(old, b"three")
    assert list(reader.poll()) == [b"three"]
    write(old, b"four")
    write(path, b"five")
    assert list(reader.poll()) == [b"four", b"five"]


def test_a_renamed_file_is_read_on_for_a_while(path: Path) -> None:
    """logrotate may make the new one before the gate sees that."""
    reader = Tail(path, 100, patience=1e9)
    list(reader.poll())
    old = path.rename(path.with_name("audit.jsonl.1"))
    write(path, b"new")
    write(old, b"old")
    assert list(reader.poll()) == [b"old"]


def test_a_truncated_file_is_read_from_its_begin(path: Path) -> None:
    reader = tail(path)
    list(reader.poll())
    path.write_bytes(b"3\n")
    assert list(reader.poll()) == [b"3"]


def test_a_deleted_file_is_gone_until_there_is_another(path: Path) -> None:
    reader = tail(path)
    list(reader.poll())
    path.unlink()
    assert list(reader.poll()) == []
    assert reader.is_gone
    write(path, b"new")
    assert list(reader.poll()) == [b"new"]
    assert not reader.is_gone


def test_a_moved_file_is_not_gone(path: Path) -> None:
    reader = tail(path)
    path.rename(path.with_name("audit.jsonl.1"))
    list(reader.poll())
    assert not reader.is_gone


def test_a_position_is_taken_up_where_it_was(path: Path) -> None:
    """Also in the file that a rotation has renamed."""
    first = tail(path)
    list(first.poll())
    with path.open("ab") as file:
        file.write(b"three and ")
    list(first.poll())
    position = first.position
    path.rename(path.with_name("audit.jsonl.1"))
    write(path.with_name("audit.jsonl.1"), b"a half")
    write(path, b"four")
    assert list(tail(path, position=position).poll()) == [b"three and a half", b"four"]


def test_a_file_that_was_cut_and_grew_again_is_read_from_its_begin(path: Path) -> None:
    first = tail(path)
    list(first.poll())
    position = first.position
    path.write_bytes(b"")
    write(path, b"other", b"lines", b"than before")
    assert list(tail(path, position=position).poll()) == [b"other", b"lines", b"than before"]


def test_a_line_longer_than_any_record_is_left_out(path: Path) -> None:
    reader = tail(path)
    write(path, b"x" * (3 << 20), b"after")
    lines = list(reader.poll())
    assert lines == [b"one", b"two", b"after"]
    assert sys.getsizeof(reader._rest) < 1 << 20


def test_much_is_read_in_parts(path: Path) -> None:
    write(path, *[b"x" * 1023] * (3 * MOST_BYTES // 1024))
    reader, count, parts = Tail(path, 1 << 30), 0, 0
    while True:
        count += len(list(reader.poll()))
        parts += 1
        if not reader.is_behind:
            break
    assert (count, parts) == (2 + 3 * MOST_BYTES // 1024, 4)


def test_what_cannot_be_read_is_a_trouble_and_no_error(tmp_path: Path) -> None:
    folder, fifo = tmp_path / "folder", tmp_path / "fifo"
    folder.mkdir()
    os.mkfifo(fifo)
    for path, trouble in ((folder, "it is a folder"), (fifo, "it is a FIFO")):
        reader = tail(path)
        assert list(reader.poll()) == []
        assert reader.trouble == trouble
    assert tail(tmp_path / "nothing").trouble == ""
