"""What others have put into a store is not followed, not read whole, and takes nothing with it."""

import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hookgate.quarantine.error import NotKept, StoreError
from hookgate.quarantine.store import Store
from support.disk import small_disk
from support.quarantine import (
    age,
    check,
    file_of,
    keep,
    make_item,
    make_store,
    numbers,
    opened_store,
)


def refusal(store: Store, number: int) -> NotKept:
    """Why an item is not kept."""
    with pytest.raises(StoreError) as caught:
        keep(store, make_item(number))
    return caught.value.word


NAMES = ["file", ".lock", "ab", f"{'A' * 64}-{'0' * 16}.age", "new\nline.age", "\udcff.json"]
KINDS: dict[str, Callable[[Path], object]] = {
    "file": Path.touch,
    "folder": Path.mkdir,
    "FIFO": os.mkfifo,
    "link": lambda path: path.symlink_to("/"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_other_names_are_left_alone(store: Store, path: Path, kind: str) -> None:
    """Of any kind, and however old; so is an item's file in the folder of others."""
    keep(store, make_item(1))
    folder = file_of(path, make_item(1)).parent
    stray = file_of(path, make_item(2)).name
    for file in [path / name for name in NAMES] + [folder / name for name in (*NAMES, stray)]:
        if not os.path.lexists(file):
            KINDS[kind](file)
            os.utime(file, (0, 0), follow_symlinks=False)
    before = sorted(path.rglob("*"))
    assert len(before) > 2 * len(NAMES)
    swept = store.open()
    assert sorted(path.rglob("*")) == before
    assert swept.usage[0] == 1
    assert numbers(store) == [1]


def test_links_in_place_of_what_is_ours_are_not_followed(
    store: Store, path: Path, tmp_path: Path
) -> None:
    """A folder, an item, or the lock."""
    folder = file_of(path, make_item(1)).parent
    (tmp_path / "elsewhere").mkdir(0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    assert refusal(store, 1) is NotKept.UNAVAILABLE
    assert list((tmp_path / "elsewhere").iterdir()) == []
    keep(store, make_item(2))
    file = file_of(path, make_item(2))
    shutil.copytree(file.parent, tmp_path / "elsewhere", dirs_exist_ok=True)
    file.unlink()
    file.symlink_to(tmp_path / "elsewhere" / file.name)
    assert list(store.entries()) == []
    (path / "lock").rename(tmp_path / "lock")
    (path / "lock").symlink_to(tmp_path / "lock")
    assert refusal(store, 3) is NotKept.UNAVAILABLE


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777, 0o1777])
def test_a_folder_that_others_may_write_to_is_not_used(path: Path, mode: int) -> None:
    """The store's, or one in it; followed to the letter, what it says is a mend."""
    store = opened_store(path)
    keep(store, make_item(1))
    for folder in (path, file_of(path, make_item(1)).parent):
        folder.chmod(mode)
        with pytest.raises(StoreError) as caught:
            keep(store, make_item(1))
        assert f"(mode {mode:04o}); chmod go-w {folder}" in str(caught.value)
        subprocess.run(str(caught.value).partition("; ")[2], shell=True, check=True)
        keep(store, make_item(1))


@pytest.mark.parametrize("kind", ["FIFO", "link"])
def test_what_is_no_file_in_its_place_is_no_item_less(store: Store, path: Path, kind: str) -> None:
    """Once it was replaced, there is one more than there was."""
    file = file_of(path, make_item(1))
    file.parent.mkdir(0o700)
    for suffix in (".age", ".json"):
        KINDS[kind](file.with_suffix(suffix))
    keep(store, make_item(1))
    there = store.usage()
    assert there.items == 1
    assert len(check(path)) == 1
    assert store.usage()[:2] == there[:2]


def test_a_planted_file_larger_than_all_may_be_is_not_read(store: Store, path: Path) -> None:
    """A sparse one takes no disk, and would take all memory."""
    keep(store, make_item(1))
    (entry,) = store.entries()
    os.truncate(entry.path, 1 << 40)
    (entry,) = store.entries()
    with pytest.raises(StoreError, match="too large"):
        store.read(entry)


def test_a_planted_file_larger_than_any_item_is_not_digested(path: Path) -> None:
    """That of a sparse one takes hours: not to expire it, nor to release it, nor as a claim."""
    store = opened_store(path, max_bytes=1 << 40, max_age=3600)
    first = keep(store, make_item(1))
    (before,) = store.entries()
    claim = store.claim(before, "purged")
    assert claim
    claim.close()
    assert keep(store, make_item(1)) != first
    for entry in store.entries():
        os.truncate(entry.path, 1 << 39)
        age(entry.path, 3700)
    swept = store.sweep()
    assert (swept.expired, swept.claims) == ([], [])
    assert list(store.stale_claims()) == []
    (item,) = [entry for entry in store.entries() if entry.claimed is None]
    with pytest.raises(StoreError, match="larger than any item, so of another hand: remove it"):
        store.claim(item, "purged")
    again = make_store(path, max_bytes=1 << 41)
    assert keep(again, make_item(1)) not in (first, before)


@pytest.mark.parametrize("at", [-(1 << 40), -1, 1 << 33, 1 << 40, 1 << 62])
def test_a_time_that_no_calendar_has_is_one_that_it_has(tmp_path: Path, at: int) -> None:
    """A file system may take any; what is planted can be listed and released all the same."""
    with small_disk(tmp_path / "disk") as disk:
        store = opened_store(disk / "kept")
        keep(store, make_item(1))
        os.utime(file_of(disk / "kept", make_item(1)), (at, at))
        (entry,) = store.entries()
        assert 1970 <= datetime.fromtimestamp(entry.kept_at, UTC).year <= 2106
        assert store.sweep().expired == []
        (entry,) = store.entries()  # one from before there were gates is dated anew
        assert store.look_again(entry) == entry
        claim = store.claim(entry, "purged")
        assert claim
        store.drop(claim)


def test_a_folder_that_others_may_write_to_hides_no_item(store: Store, path: Path) -> None:
    """Who lists, counts or sweeps hears of it: what is in there may have custody."""
    keep(store, make_item(1), custody=True)
    file_of(path, make_item(1)).parent.chmod(0o770)
    acts: list[Callable[[], object]] = [
        lambda: list(store.entries()), store.usage, store.sweep, store.open,
    ]  # fmt: skip
    for act in acts:
        with pytest.raises(StoreError, match="; chmod go-w "):
            act()


def test_root_writes_to_no_file_of_another_by_the_name_of_the_lock(
    path: Path, tmp_path: Path
) -> None:
    """Whoever owns the folder may have linked it there: it is neither given to them nor emptied."""
    if os.geteuid():
        pytest.skip("not root")
    store = opened_store(path)
    for file in [path, *path.rglob("*")]:
        os.chown(file, 1234, 1234)
    (tmp_path / "secret").write_text("root's")
    (path / "lock").unlink()
    os.link(tmp_path / "secret", path / "lock")
    for act in (store.usage, lambda: make_store(path).open(create=True)):
        with pytest.raises(StoreError, match="its file lock is not its owner's; remove it"):
            act()
    secret = tmp_path / "secret"
    assert (secret.read_text(), secret.stat().st_uid) == ("root's", 0)
    (path / "lock").unlink()
    make_store(path).open(create=True)
    assert (path / "lock").stat().st_uid == 1234
