"""`hookgate audit tail`."""

import gzip
import json
import os
import re
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hookgate.ledger.reading.reader import Line, read_file
from support.calling import Call
from support.lines import Record, delivery, forward, write

Follow = Callable[..., "Tail"]


def at(second: int, **fields: Any) -> Record:
    return delivery(second, ts=f"2026-11-22T12:00:{second:02}.000000Z", **fields)


def seqs(output: str) -> list[int]:
    return [json.loads(line)["seq"] for line in output.splitlines()]


def test_the_latest_of_several_files_come_in_order_of_time(call: Call) -> None:
    """Of workers' and rotated files alike."""
    write(Path("hookgate-audit.jsonl.1"), at(1), at(2))
    write(Path("hookgate-audit.1.jsonl"), at(3), forward(5), at(6))
    write(Path("hookgate-audit.2.jsonl"), at(4), at(5))
    assert seqs(call("audit", "tail", "--json").out) == [1, 2, 3, 4, 5, 6]
    assert seqs(call("audit", "tail", "--json", "-n", "3").out) == [4, 5, 6]
    assert call("audit", "tail", "-n", "0").out == ""


def test_a_gzipped_file_that_is_named_is_read(call: Call) -> None:
    """The latest of it."""
    data = "".join(json.dumps(at(second)) + "\n" for second in range(1, 9))
    Path("old.jsonl.gz").write_bytes(gzip.compress(data.encode()))
    assert seqs(call("audit", "tail", "old.jsonl.gz", "-n", "2", "--json").out) == [7, 8]


def test_the_latest_are_those_that_are_asked_for(call: Call) -> None:
    """However far back they lie; damaged lines are passed over."""
    path = write(Path("hookgate-audit.jsonl"), at(1, reference="a"), *[at(2)] * 500)
    with path.open("ab") as file:
        file.write(b"\0garbled\n\n")
    assert seqs(call("audit", "tail", "--reference", "a", "--json").out) == [1]


def test_wrong_members_are_told_by_one_reading(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """By their numbers, however many lines have one."""
    write(Path("wrong.jsonl"), at(1), *(at(2, status=f"no number {n}") for n in range(300)))
    read = []

    def counted(file: Path, *_: object) -> Iterator[Line]:
        read.append(file)
        return read_file(file)

    monkeypatch.setattr("hookgate_cli.audit.tail.read_file", counted)
    done = call("audit", "tail", "wrong.jsonl")
    assert done.status == 1
    told = re.findall(r"wrong.jsonl:(\d+): no record", done.err)
    assert sorted(map(int, told)) == list(range(252, 302))
    assert "and 250 more lines that are no records" in done.err
    assert len(read) == 1


def test_what_is_no_file_is_misuse(call: Call) -> None:
    """Exit 2, by name."""
    result = call("audit", "tail", "nowhere.jsonl")
    assert (result.status, result.err) == (
        2,
        "hookgate: nowhere.jsonl cannot be read: No such file or directory\n",
    )


class Tail:
    """A running `tail --follow --json`."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._rest = b""

    def seq(self) -> int:
        """Of the next line; fails if there is none within ten seconds."""
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                assert selector.select(10), "no line"
                data = os.read(self.process.stdout.fileno(), 65536)
                assert data, "it ended"
                self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return int(json.loads(line)["seq"])


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Follow]:
    """Start `hookgate audit tail --follow --json ARGUMENTS`."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> Tail:
        command = (sys.executable, "-m", "hookgate_cli", "audit", "tail", "-f", "--json")
        process = subprocess.Popen(
            (*command, *arguments), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        started.append(process)
        return Tail(process)

    yield start
    for process in started:
        process.kill()
        process.communicate()


def append(path: Path, *records: Record) -> None:
    with path.open("a") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)


def test_following_goes_on_across_a_rotation(tmp_path: Path, follow: Follow) -> None:
    """What comes last in the old file and first in the new one is shown, and nothing twice."""
    path = write(tmp_path / "hookgate-audit.jsonl", at(1), at(2))
    tail = follow("-n", "1")
    assert tail.seq() == 2
    append(path, at(3))
    assert tail.seq() == 3
    path.rename(tmp_path / "hookgate-audit.jsonl.1")
    append(tmp_path / "hookgate-audit.jsonl.1", at(4))
    append(path, at(5), at(6))
    assert [tail.seq(), tail.seq(), tail.seq()] == [4, 5, 6]
    path.write_text("")
    append(path, at(7))
    assert tail.seq() == 7


def test_following_waits_for_the_file_and_filters(tmp_path: Path, follow: Follow) -> None:
    """A gate may start after the person who watches it, and the first replay later still."""
    tail = follow("--reference", "mine")
    append(tmp_path / "hookgate-audit.jsonl", at(1), at(2, reference="mine"))
    assert tail.seq() == 2
    append(tmp_path / "hookgate-audit.replay.jsonl", at(3), at(4, reference="mine"))
    assert tail.seq() == 4


def test_control_c_ends_it_in_good_order(tmp_path: Path, follow: Follow) -> None:
    """Exit 0, and nothing on stderr."""
    write(tmp_path / "hookgate-audit.jsonl", at(1))
    tail = follow()
    assert tail.seq() == 1
    tail.process.send_signal(signal.SIGINT)
    _, errors = tail.process.communicate(timeout=60)
    assert (tail.process.returncode, errors) == (0, b"")
