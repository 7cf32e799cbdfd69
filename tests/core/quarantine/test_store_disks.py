"""Disks that are full, read-only, gone, or held by somebody who is stopped."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hookgate.quarantine.error import NotKept, StoreError
from hookgate.quarantine.store import Store
from support.disk import fill, free, image_disk, small_disk
from support.process import paused
from support.quarantine import all_files, check, keep, make_item, make_store, numbers, opened_store


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk") as folder:
        yield folder


def trouble(store: Store, number: int = 0) -> str:
    """Why an item cannot be kept, in words."""
    with pytest.raises(StoreError) as caught:
        keep(store, make_item(number, size=100_000))
    assert caught.value.word is NotKept.UNAVAILABLE
    return str(caught.value)


def test_a_full_disk_keeps_nothing_and_leaves_nothing_half(disk: Path) -> None:
    """And takes items again once there is room."""
    path = disk / "kept"
    store = opened_store(path)
    keep(store, make_item(1))
    for left in (0, 4096, 50_000):
        fill(disk, left)
        assert "No space left on device" in trouble(store)
        assert len(all_files(path)) == 2
        free(disk)
    keep(store, make_item(2))
    assert numbers(store) == [1, 2]
    assert len(check(path)) == 2


def test_a_disk_that_is_read_only_still_lists(disk: Path) -> None:
    path = disk / "kept"
    store = opened_store(path)
    keep(store, make_item(1))
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert "Read-only file system" in trouble(store)
    assert numbers(store) == [1]
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    keep(store, make_item(2))
    assert len(check(path)) == 2


def test_where_a_disk_is_gone_nothing_is_made(tmp_path: Path) -> None:
    """The folder that it was mounted on is on another disk, which it must not fill; not at the next
    look either.
    """
    path = tmp_path / "disk"
    with small_disk(path):
        store = opened_store(path)
        keep(store, make_item(1))
        subprocess.run(["umount", str(path)], check=True)  # nobody has it open
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700", "x", str(path)], check=True)
        assert "its file lock is gone: is the disk mounted?" in trouble(store)
        with pytest.raises(StoreError):
            store.open()
        assert list(path.iterdir()) == []


def test_a_power_cut_takes_nothing_that_was_kept(tmp_path: Path) -> None:
    """Neither the item nor what is beside it, once somebody was told."""
    image, cut = tmp_path / "disk.img", tmp_path / "cut.img"
    with image_disk(image, tmp_path / "disk") as disk:
        store = opened_store(disk / "kept")
        told = {keep(store, make_item(number)) for number in (1, 2)}
        keep(store, make_item(2), custody=True)
        shutil.copyfile(image, cut)
    with image_disk(cut, tmp_path / "after") as disk:
        entries = check(disk / "kept")
        records = [entry.record or {} for entry in entries]
        assert {record["kept"] for record in records} == told
        assert sum("custody" in record for record in records) == 1


@pytest.mark.parametrize("what", ["folder", "lock", "parent"])
def test_what_was_removed_is_not_made_again(tmp_path: Path, what: str) -> None:
    """By whoever has used it; who starts makes it."""
    path = tmp_path / "parent" / "kept"
    path.parent.mkdir()
    store = opened_store(path)
    keep(store, make_item(1))
    gone = {"folder": path, "lock": path / "lock", "parent": path.parent}[what]
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    trouble(store)
    with pytest.raises(StoreError):
        store.open()
    assert not gone.exists()
    path.parent.mkdir(exist_ok=True)
    keep(opened_store(path), make_item(1))
    keep(store, make_item(2))
    assert len(check(path)) == 2


def test_a_folder_is_made_in_a_parent_that_is_there(tmp_path: Path) -> None:
    """And is not where nobody asks for it."""
    for path, create in ((tmp_path / "no" / "kept", True), (tmp_path / "kept", False)):
        with pytest.raises(StoreError) as caught:
            make_store(path).open(create=create)
        assert "No such file or directory" in str(caught.value)
        assert not path.exists()
    store = make_store(tmp_path / "kept")
    store.open(create=True)
    keep(store, make_item(1))


def test_a_link_to_a_folder_is_the_folder(tmp_path: Path) -> None:
    """Whoever runs the gate may keep it on another disk."""
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    (tmp_path / "kept").mkdir(0o700)
    keep(opened_store(tmp_path / "link"), make_item(1))
    assert len(check(tmp_path / "kept")) == 1


HOLDER = """
import fcntl, sys
file = open(sys.argv[1])
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def test_a_process_that_is_stopped_stops_no_other_for_long(tmp_path: Path) -> None:
    """A second, and not at all once it is killed."""
    path = tmp_path / "kept"
    store = opened_store(path)
    command = [sys.executable, "-c", HOLDER, str(path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        with paused(holder.pid):
            began = time.monotonic()
            assert "another process held lock for 1 s" in trouble(store)
            assert 1 <= time.monotonic() - began < 10
            assert all_files(path) == []
        holder.send_signal(signal.SIGKILL)
    keep(store, make_item(1))
    assert len(check(path)) == 1


def test_the_lock_is_waited_for(tmp_path: Path) -> None:
    """By who keeps while another is at work for a moment."""
    path = tmp_path / "kept"
    store = opened_store(path)
    command = [sys.executable, "-c", HOLDER, str(path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        fd = os.open(path / "lock", os.O_RDWR)
        with pytest.raises(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(fd)
        holder.communicate()
    keep(store, make_item(1))
