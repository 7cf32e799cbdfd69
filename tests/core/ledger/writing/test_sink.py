"""Where lines go: to one file with one writer, or to standard output."""

import contextlib
import os
import socket
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from hookgate.ledger.writing.sink import LedgerError, Sink
from hookgate.ledger.writing.stream import Stream
from support.disk import full_stdout
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


def test_a_folder_that_is_missing_is_made_as_the_message_says(tmp_path: Path) -> None:
    """Though its name has a space in it."""
    path = str(tmp_path / "not here" / "audit.jsonl")
    with pytest.raises(LedgerError, match=r'audit\.path = ".*" is in no folder') as caught:
        Sink(path)
    subprocess.run(
        str(caught.value).partition("make it: ")[2], shell=True, check=True
    )  # as it is offered
    Sink(path).close()


@pytest.mark.parametrize("place", ["", "file/audit.jsonl"])
def test_a_path_that_cannot_be_opened_is_named(place: str, tmp_path: Path) -> None:
    """A folder, a file as a folder: the message has the key and the path."""
    (tmp_path / "file").touch()
    path = str(tmp_path / place)
    with pytest.raises(LedgerError, match=r'audit\.path = ".*" cannot be opened: ') as caught:
        Sink(path)
    assert path in str(caught.value)
    assert "\n" not in str(caught.value)


def place(kind: str, path: Path) -> None:
    """Put something that is no regular file there."""
    match kind:
        case "a FIFO":
            os.mkfifo(path)
        case "a folder":
            path.mkdir()
        case "a socket":
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(str(path))
        case "a device":
            os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))
        case _:
            path.with_name("elsewhere").touch()
            path.symlink_to("elsewhere")


KINDS = {
    "a FIFO": 'is a FIFO, no regular file; name a file, or "-" for stdout',
    "a folder": "cannot be opened: Is a directory",
    "a socket": "cannot be opened: it is a socket; name a file",
    "a device": "is a terminal or another device, no regular file",
    "a link": "is a symbolic link, which is not followed; name the file itself: ",
}


@pytest.mark.parametrize(("kind", "words"), KINDS.items(), ids=KINDS)
def test_nothing_but_a_regular_file_is_opened(kind: str, words: str, tmp_path: Path) -> None:
    """At once, without waiting, with the reason; no descriptor is left."""
    path = tmp_path / "audit.jsonl"
    try:
        place(kind, path)
    except PermissionError:
        pytest.skip("devices are root's to make")
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(LedgerError) as caught:
        Sink(str(path))
    assert f'audit.path = "{path}" {words}' in str(caught.value)
    assert len(os.listdir("/proc/self/fd")) == before
    if kind == "a link":
        named = str(caught.value).rpartition("name the file itself: ")[2]
        sink = Sink(named)
        sink.write(b"line")
        sink.close()
        assert (tmp_path / "elsewhere").read_bytes() == b"line\n"


@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_by_another_name_is_told_its_own(path: str) -> None:
    """What the message names works."""
    script = f"""
import sys
from hookgate.ledger.writing.sink import LedgerError, Sink
try:
    Sink({path!r})
except LedgerError as error:
    print(error, file=sys.stderr)
    name = str(error).split('audit.path = "')[2].split('"')[0]
    sink = Sink(name)
    sink.write(b"line")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"line\n"), done.stderr
    assert b'write audit.path = "-" for standard output' in done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_put_at_its_path_while_it_runs_is_a_move(kind: str, tmp_path: Path) -> None:
    """So that the next opening refuses it, and not a line goes there."""
    path = tmp_path / "audit.jsonl"
    sink = Sink(str(path))
    path.rename(tmp_path / "audit.jsonl.1")
    try:
        place(kind, path)
    except PermissionError:
        pytest.skip("devices are root's to make")
    assert sink.moved()
    sink.write(b"line")
    sink.close()
    assert (tmp_path / "audit.jsonl.1").read_bytes() == b"line\n"


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


def test_a_file_that_cannot_be_read_is_not_opened(tmp_path: Path) -> None:
    """Its last line is needed; the message says so and no descriptor stays open."""
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b"one\n")
    before = len(os.listdir("/proc/self/fd"))
    with obedient_disk() as disk:
        disk.read_fails = True
        with pytest.raises(LedgerError, match=r'audit\.path = ".*" cannot be'):
            Sink(str(path))
        assert len(os.listdir("/proc/self/fd")) == before
        disk.read_fails = False
        Sink(str(path)).close()


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


def test_a_full_standard_output_refuses_every_line() -> None:
    """It is no file to cut back or rotate; it fails like any full disk."""
    with full_stdout():
        sink = Sink("-")
        assert sink.last_line == b""
        for _ in range(3):
            with pytest.raises(OSError, match="No space left"):
                sink.write(b"line")
        assert not sink.moved()
        sink.close()


def test_lines_through_a_pipe_are_whole_and_wait_for_nobody() -> None:
    """A line of more than PIPE_BUF that did not fit is ended before any other; one that was refused
    is not there at all. Descriptor 1 itself is left as it was.
    """
    script = textwrap.dedent("""
        import os, sys, time
        from hookgate.ledger.writing.sink import Sink
        sink = Sink("-")
        taken = refused = 0
        while taken < 2000:
            try:
                sink.write(b"%04d" % taken + b"x" * 5000)
            except BlockingIOError:
                refused += 1
                time.sleep(0.001)
            else:
                taken += 1
        assert not sink.moved()
        assert os.get_blocking(1)
        while True:
            try:
                sink.push()
            except BlockingIOError:
                time.sleep(0.001)
            else:
                break
        sink.close()
        os.write(1, b"open %d\\n" % refused)
    """)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        time.sleep(0.5)  # it fills
        *lines, last = process.stdout.read().splitlines()
    assert process.returncode == 0
    assert lines == [b"%04d" % number + b"x" * 5000 for number in range(2000)]
    assert last.startswith(b"open ")
    assert int(last[5:]) > 0


@pytest.mark.parametrize("kind", ["pipe", "socket", "pipe of another user's"])
def test_a_stream_that_is_full_refuses_at_once(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it is, the refusal is told as one, and the room that comes is used."""
    if kind == "socket":
        ours, theirs = socket.socketpair()
        reader, writer = ours.detach(), theirs.detach()
    else:
        reader, writer = os.pipe()
        if kind != "pipe":
            monkeypatch.setattr(Stream, "_open_anew", lambda _self, _fd: -1)
    stream = Stream(writer)
    taken = 0
    told = ""
    while not told:
        try:
            stream.write(b"%06d\n" % taken)
            taken += 1
        except BlockingIOError as error:
            told = str(error)
    assert "nobody reads it" in told
    assert taken > 100
    got = os.read(reader, 1 << 20)
    with contextlib.suppress(BlockingIOError):
        stream.write(b"%06d\n" % taken)
        taken += 1
    stream.close()
    os.close(writer)
    while data := os.read(reader, 1 << 20):
        got += data
    os.close(reader)
    assert got == b"".join(b"%06d\n" % number for number in range(taken))
