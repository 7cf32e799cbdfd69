"""`hookgate anchor --keep`: what is removed goes by a clock that may be wrong."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.calling import Call, Result
from support.forgery import write_boots
from support.journal import Book

DAY = 86_400
NOW = 1_795_867_440  # 2026-11-28 12:04:00Z
Anchor = Callable[[float], Result]


@pytest.fixture
def anchor(call: Call, monkeypatch: pytest.MonkeyPatch) -> Anchor:
    """Anchor at a time by the clock a ledger of a boot that ended, and one that has not."""
    path = Path("audit.jsonl").absolute()
    write_boots(path, "a", b"")
    Book(path, boot="boot-b").refused(1)
    call("keys", "new", "anchor", "key", "--name", "gate1.example.com/hookgate")

    def run(now: float) -> Result:
        before = {file: file.stat().st_mtime_ns for file in Path("kept").glob("*")}
        monkeypatch.setattr(time, "time", lambda: now)
        files = sorted(str(file) for file in path.parent.glob("audit.jsonl*"))
        told = call("anchor", *files, "--key", "key", "--folder", "kept", "--keep", "400d")
        for file in Path("kept").glob("*"):
            if before.get(file) != file.stat().st_mtime_ns:
                os.utime(file, (now, now))
        return told

    return run


def keeps_leaves() -> bool:
    return Path("kept/boot-a.leaves").exists()


def test_what_is_old_by_a_clock_that_went_on_is_removed(anchor: Anchor) -> None:
    """Week by week, and not a day too early."""
    day = 0
    while day < 400:
        told = anchor(NOW + day * DAY)
        assert (told.status, told.err) == (0, "")
        assert keeps_leaves()
        day += 5
    assert "1 boot kept long enough" in anchor(NOW + 401 * DAY).out
    assert not keeps_leaves()


def test_a_clock_that_ran_ahead_removes_nothing_and_that_is_said(anchor: Anchor) -> None:
    anchor(NOW)
    for hour in range(1, 25):
        told = anchor(NOW + 3650 * DAY + hour * 3600)
        assert told.status == 0
        assert "kept long enough" not in told.out
        assert "less at least: nothing is removed" in told.err
        assert keeps_leaves()
    assert "--keep: by the clock it is 2036-11-26 12:04:00Z, and by what the runs" in told.err
    told = anchor(NOW + 2 * DAY)
    assert (told.status, told.err) == (0, "")
    assert keeps_leaves()


def test_one_that_goes_on_from_there_is_believed_in_the_end(anchor: Anchor) -> None:
    """As after a year in which no run was made."""
    anchor(NOW)
    runs = 0
    while keeps_leaves():
        anchor(NOW + (420 + runs) * DAY)
        runs += 1
    assert 60 < runs < 75


@pytest.mark.parametrize("content", [b"", b"x", b"-5\n", b"9" * 99, b"\xff", b"nan", b"1e999"])
def test_without_what_runs_before_saw_the_folder_tells(anchor: Anchor, content: bytes) -> None:
    """By the time of its newest file."""
    anchor(NOW)
    Path("kept/.clock").write_bytes(content)
    os.utime("kept/.clock", (NOW, NOW))
    assert "nothing is removed" in anchor(NOW + 3650 * DAY).err
    Path("kept/.clock").unlink()
    assert keeps_leaves()
