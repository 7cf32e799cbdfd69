"""A file that several processes read for a command, which end with it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.journal import Book

# It takes minutes to read so many zeros, and no room to hold them.
LONG = 1 << 38
VERBS = ("verify", "balance", "show --client 192.0.2.1")

pytestmark = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2, reason="on one core one process reads"
)


@contextmanager
def reading(verb: str, folder: Path) -> Iterator[tuple["subprocess.Popen[bytes]", list[int]]]:
    """The command amid a long ledger, and the processes that it began."""
    path = folder / "audit.jsonl"
    Book(path).close()
    os.truncate(path, LONG)
    command = (sys.executable, "-m", "hookgate_cli", "audit", *verb.split(), str(path))
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        try:
            yield process, _children(process)
        finally:
            process.kill()
            path.unlink()


def _children(process: "subprocess.Popen[bytes]") -> list[int]:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None:
        if len(pids := children.read_text().split()) > 1:
            return [int(pid) for pid in pids]
        time.sleep(0.01)
    pytest.fail("it ended before it began others")


def assert_gone(pids: list[int]) -> None:
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.mark.parametrize("verb", VERBS)
def test_ctrl_c_ends_it_at_once(verb: str, tmp_path: Path) -> None:
    """Without a word, and with all that read for it."""
    with reading(verb, tmp_path) as (process, readers):
        process.send_signal(signal.SIGINT)
        out, told = process.communicate(timeout=60)
    assert (process.returncode, out, told) == (130, b"", b"")
    assert_gone(readers)


@pytest.mark.parametrize("verb", VERBS)
def test_a_reader_that_is_killed_is_an_error(verb: str, tmp_path: Path) -> None:
    """Nothing is said of a ledger that was not read to its end."""
    with reading(verb, tmp_path) as (process, readers):
        os.kill(readers[0], signal.SIGKILL)
        out, told = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, b"")
    assert told == (
        b"hookgate: a process that read a part of it was killed by signal 9: the ledger was not"
        b" read to its end\n"
    )
    assert_gone(readers)


def test_readers_end_with_a_command_that_is_killed(tmp_path: Path) -> None:
    """Even amid a line that takes minutes to read: the pipes that they hold are closed."""
    with reading("verify", tmp_path) as (process, _):
        process.kill()
        process.communicate(timeout=60)
