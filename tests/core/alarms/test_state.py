"""What is kept from one run to the next."""

import os
import threading
from pathlib import Path

import pytest

from hookgate.alarms.state import (
    FORM,
    AlarmStateError,
    ForeignFileError,
    StateInUseError,
    lock_state,
    read_state,
    write_state,
)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "alarms.json"
    assert read_state(path) is None
    write_state(path, {"positions": {"a": [1, 2]}})
    assert read_state(path) == {"form": FORM, "positions": {"a": [1, 2]}}
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["alarms.json"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"form":"hookgate-alarms 1","pos', "it is damaged"),
        (b'{"form":"hookgate-alarms 1","a":' + b"[" * 100_000, "it is damaged"),
        (b'{"form":"hookgate-alarms 1","clock":[NaN,NaN]}', "it is damaged"),
        (b'{"form":"hookgate-alarms 1","clock":[1e999,1]}', "it is damaged"),
        (b'{"form":"hookgate-alarms 0"}', "it is of another version"),
    ],
)
def test_a_broken_state_is_refused_by_a_reason(data: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "alarms.json"
    path.write_bytes(data)
    with pytest.raises(AlarmStateError, match=why):
        read_state(path)


@pytest.mark.parametrize(
    "data", [b"{}", b"[]", b"\xff" * 100, b'{"event":"start"}\n', b"whsec_x", b" "]
)
def test_a_file_of_another_hand_is_no_state(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "hookgate-audit.jsonl"
    path.write_bytes(data)
    with pytest.raises(ForeignFileError, match="holds something else"):
        read_state(path)


def test_an_empty_file_is_one_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "alarms.json").touch()
    assert read_state(tmp_path / "alarms.json") is None


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path, why in ((tmp_path, "a folder"), (tmp_path / "fifo", "a FIFO")):
        with pytest.raises(ForeignFileError, match=f"is {why}"):
            read_state(path)


def test_a_left_over_of_a_crash_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "alarms.json"
    (tmp_path / "alarms.json.new").write_bytes(b"half")
    write_state(path, {})
    assert read_state(path) == {"form": FORM}


def test_one_watcher_at_a_time_goes_by_a_state(tmp_path: Path) -> None:
    path = tmp_path / "alarms.json"
    lock = lock_state(path)
    assert lock is not None
    write_state(path, {})
    with pytest.raises(StateInUseError, match="in use by another"):
        lock_state(path)
    threading.Timer(0.2, os.close, [lock]).start()
    again = lock_state(path, 30)  # as of one that looks once, and ends
    assert again is not None
    os.close(again)


def test_where_nothing_can_be_written_nothing_is_locked(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch()
    (tmp_path / "alarms.json.lock").symlink_to("elsewhere")
    assert lock_state(tmp_path / "alarms.json") is None
    assert lock_state(tmp_path / "gone" / "alarms.json") is None
