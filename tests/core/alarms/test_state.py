"""What is kept from one run to the next."""

import os
import re
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from hookgate.alarms.state import (
    FORM,
    AlarmStateError,
    StateInUseError,
    lock_state,
    read_state,
    write_state,
)
from hookgate.files import ForeignFileError


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
    write_state(path, {})
    with pytest.raises(StateInUseError, match="in use by another"):
        lock_state(path)
    threading.Timer(0.2, os.close, [lock]).start()
    os.close(lock_state(path, 30))  # as of one that looks once, and ends


def test_a_lock_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch()
    (tmp_path / "alarms.json.lock").symlink_to("elsewhere")
    for path in (tmp_path / "alarms.json", tmp_path / "gone" / "alarms.json"):
        with pytest.raises(OSError, match=re.escape(f"'{path}.lock'")):
            lock_state(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_whoever_may_only_read_the_lock_is_kept_away_all_the_same() -> None:
    code = (
        "import os, sys, pathlib; from hookgate.alarms.state import *; os.seteuid(65534)\n"
        "try: lock_state(pathlib.Path(sys.argv[1]))\n"
        "except StateInUseError: print('in use')"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "alarms.json")
        Path(folder).chmod(0o755)
        held = lock_state(path)
        path.with_name("alarms.json.lock").chmod(0o444)
        done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, check=False)
        os.close(held)
    assert (done.stdout, done.stderr) == (b"in use\n", b"")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_makes_is_the_folder_owners(tmp_path: Path) -> None:
    """Else a look that root takes once by hand would keep the service from its state."""
    os.chown(tmp_path, 65534, 65534)
    path = tmp_path / "alarms.json"
    os.close(lock_state(path))
    write_state(path, {})
    assert {(tmp_path / name).stat().st_uid for name in os.listdir(tmp_path)} == {65534}
