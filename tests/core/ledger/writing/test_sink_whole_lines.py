"""A line is written whole or not at all, whatever the disk does."""

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookgate.ledger.writing.sink import Sink
from support.disk import fill, free, small_disk
from support.examples import many
from support.journal import obedient_disk


def test_a_full_disk_takes_whole_lines_only(tmp_path: Path) -> None:
    """On a real disk without space the file ends with a line's end, and goes on when there is."""
    line = b"x" * 300
    with small_disk(tmp_path / "disk") as disk:
        path = disk / "audit.jsonl"
        sink = Sink(str(path))
        fill(disk, leave=8192)
        written = 0
        with contextlib.suppress(OSError):
            while written < 1000:
                sink.write(line)
                written += 1
        assert 10 < written < 1000
        assert path.read_bytes() == (line + b"\n") * written
        for _ in range(20):
            with pytest.raises(OSError, match="No space left"):
                sink.write(line)
        assert path.read_bytes() == (line + b"\n") * written
        free(disk)
        sink.write(line)
        sink.close()
        assert path.read_bytes() == (line + b"\n") * (written + 1)


@settings(
    max_examples=many(100),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.tuples(st.integers(1, 60), st.none() | st.integers(0, 100)), max_size=30))
def test_whatever_the_room_each_line_is_whole_or_absent(
    tmp_path: Path, writes: list[tuple[int, int | None]]
) -> None:
    """Lines of any length meet a disk with any room, in any order."""
    path = tmp_path / "audit.jsonl"
    path.unlink(missing_ok=True)
    expected = b""
    with obedient_disk() as disk:
        sink = Sink(str(path))
        for number, (length, disk.room) in enumerate(writes):
            line = b"%d" % (number % 10) * length
            fits = disk.room is None or disk.room > length
            try:
                sink.write(line)
            except OSError:
                assert not fits
            else:
                assert fits
                expected += line + b"\n"
            assert path.read_bytes() == expected
        sink.close()


def test_a_piece_that_could_not_be_cut_back_is_not_glued_to_the_next_line(tmp_path: Path) -> None:
    """Where even the cutting failed, the next line still stands alone."""
    path = tmp_path / "audit.jsonl"
    with obedient_disk() as disk:
        sink = Sink(str(path))
        sink.write(b"one")
        disk.room, disk.cut_fails = 2, True
        with pytest.raises(OSError):
            sink.write(b"lost")
        disk.room, disk.cut_fails = None, False
        sink.write(b"two")
        sink.close()
    lines = path.read_bytes().split(b"\n")
    assert lines[0] == b"one"
    assert lines[-2:] == [b"two", b""]


def test_a_line_that_could_neither_be_synced_nor_taken_back_goes_when_it_can(
    tmp_path: Path,
) -> None:
    """A disk that failed twice over and works again holds no line that was said to be lost."""
    path = tmp_path / "audit.jsonl"
    with obedient_disk() as disk:
        sink = Sink(str(path))
        sink.write(b"one", durable=True)
        disk.sync_fails = disk.cut_fails = True
        for _ in range(3):
            with pytest.raises(OSError):
                sink.write(b"lost", durable=True)
        disk.sync_fails = disk.cut_fails = False
        sink.write(b"two", durable=True)
        sink.close()
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_torn_line_found_on_a_full_disk_is_not_glued_to_the_next_line(tmp_path: Path) -> None:
    """There may be no room for the line end that is missing, until there is."""
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b"one\ntor")
    with obedient_disk() as disk:
        disk.room = 0
        sink = Sink(str(path))
        assert sink.last_line == b"tor"
        with pytest.raises(OSError):
            sink.write(b"lost")
        disk.room = None
        sink.write(b"two")
        sink.close()
    assert path.read_bytes() == b"one\ntor\ntwo\n"


def test_a_file_cut_from_outside_gets_no_hole(tmp_path: Path) -> None:
    """Whatever truncates the file, lines go to its end, and a short one is cut back there."""
    path = tmp_path / "audit.jsonl"
    with obedient_disk() as disk:
        sink = Sink(str(path))
        sink.write(b"one")
        os.truncate(path, 0)
        sink.write(b"two")
        disk.room = 3
        with pytest.raises(OSError):
            sink.write(b"three")
        disk.room = None
        sink.write(b"four")
        sink.close()
    assert path.read_bytes() == b"two\nfour\n"
