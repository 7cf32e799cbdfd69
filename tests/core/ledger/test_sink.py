"""Where lines go: whole or not at all, to one file with one writer."""

import contextlib
import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookgate.ledger import LedgerError
from hookgate.ledger.sink import Sink
from support.disk import fill, free, small_disk
from support.journal import obedient_disk


def test_lines_are_appended_with_their_ends(tmp_path: Path) -> None:
    """What was in the file stays before them."""
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b"before\n")
    sink = Sink(str(path))
    sink.write(b"one")
    sink.write(b"two")
    sink.close()
    assert path.read_bytes() == b"before\none\ntwo\n"


def test_a_new_file_is_not_for_everybody(tmp_path: Path) -> None:
    """Others than the owner and the group cannot read a ledger that hookgate made."""
    path = tmp_path / "audit.jsonl"
    Sink(str(path)).close()
    assert stat.S_IMODE(path.stat().st_mode) & 0o137 == 0


@pytest.mark.parametrize(
    ("content", "last", "torn"),
    [
        pytest.param(b"", b"", False, id="empty"),
        pytest.param(b"one\n", b"one", False, id="one line"),
        pytest.param(b"one\ntwo\n", b"two", False, id="two lines"),
        pytest.param(b"one\ntw", b"tw", True, id="a torn line"),
        pytest.param(b"on", b"on", True, id="nothing but a torn line"),
        pytest.param(b"x" * 999 + b"\n" + b"y" * 3000 + b"\n", b"y" * 3000, False, id="long lines"),
        pytest.param(b"12345\n" * 300_000 + b"end\n", b"end", False, id="more than a mebibyte"),
    ],
)
def test_the_last_line_is_found_and_ended(
    content: bytes, last: bytes, torn: bool, tmp_path: Path
) -> None:
    """A line that a crash left without its end gets one, and it is told."""
    path = tmp_path / "audit.jsonl"
    path.write_bytes(content)
    sink = Sink(str(path))
    assert sink.last_line == last
    assert sink.torn is torn
    sink.write(b"next")
    sink.close()
    assert path.read_bytes() == content + (b"\n" if torn else b"") + b"next\n"


@pytest.mark.parametrize("place", ["missing/audit.jsonl", "", "file/audit.jsonl"])
def test_a_path_that_cannot_be_opened_is_named(place: str, tmp_path: Path) -> None:
    """A missing folder, a folder, a file as a folder: the message has the key and the path."""
    (tmp_path / "file").touch()
    path = str(tmp_path / place)
    with pytest.raises(LedgerError, match=r'audit\.path = ".*" cannot be opened: ') as caught:
        Sink(path)
    assert path in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_second_writer_is_refused_until_the_first_closes(tmp_path: Path) -> None:
    """Two processes would tear the chain; the message says so and names the mend."""
    path = str(tmp_path / "audit.jsonl")
    first = Sink(path)
    message = "is being written by another process; give each its own file"
    with pytest.raises(LedgerError, match=message):
        Sink(path)
    first.write(b"still mine")
    first.close()
    Sink(path).close()


def test_a_refused_writer_leaves_no_descriptor_open(tmp_path: Path) -> None:
    """A ledger that is tried again each second must not run out of descriptors."""
    path = str(tmp_path / "audit.jsonl")
    first = Sink(path)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with pytest.raises(LedgerError):
            Sink(path)
    assert len(os.listdir("/proc/self/fd")) == before
    first.close()


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
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
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


def test_moved_tells_a_rotation(tmp_path: Path) -> None:
    """Renamed, deleted or replaced: the path no longer names the open file."""
    path = tmp_path / "audit.jsonl"
    sink = Sink(str(path))
    assert not sink.moved()
    path.rename(tmp_path / "audit.jsonl.1")
    assert sink.moved()
    path.touch()
    assert sink.moved()
    (tmp_path / "audit.jsonl.1").rename(path)
    assert not sink.moved()
    sink.close()


def test_dev_full_refuses_every_line() -> None:
    """A device is no file to cut back or rotate; it fails like any full disk."""
    sink = Sink("/dev/full")
    assert sink.last_line == b""
    for _ in range(3):
        with pytest.raises(OSError, match="No space left"):
            sink.write(b"line")
    assert not sink.moved()
    sink.close()


def test_lines_through_a_pipe_are_whole_even_where_it_was_non_blocking() -> None:
    """Standard output may be a full pipe that its other end made non-blocking."""
    script = textwrap.dedent("""
        import os
        from hookgate.ledger.sink import Sink
        os.set_blocking(1, False)
        sink = Sink("-")
        for number in range(2000):
            sink.write(b"%04d" % number + b"x" * 5000)
        assert not sink.moved()
        sink.close()
        os.write(1, b"open\\n")
    """)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = process.stdout.read().splitlines()
    assert process.returncode == 0
    assert lines == [b"%04d" % number + b"x" * 5000 for number in range(2000)] + [b"open"]
