"""What is kept is there, once, whole, and nobody's who has no identity."""

import errno
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hookgate.quarantine.error import NotKept, StoreError
from hookgate.quarantine.store import Store
from support.effort import at_most
from support.kept import IDENTITIES, SECRET
from support.quarantine import (
    age,
    all_files,
    check,
    file_of,
    keep,
    make_item,
    make_record,
    make_store,
    name_of,
    numbers,
    opened_store,
)


def refusal(store: Store, number: int = 0, size: int = 0) -> NotKept:
    """Why an item is not kept."""
    with pytest.raises(StoreError) as caught:
        keep(store, make_item(number, size=size))
    return caught.value.word


def test_what_is_kept_can_be_read_with_the_identity(store: Store, path: Path) -> None:
    keep(store, make_item(1))
    keep(store, make_item(2, size=200_000))
    assert numbers(store) == [1, 2]
    assert all(b'{"n"' not in file.read_bytes() for file in all_files(path))
    assert len(check(path)) == 2


def test_debians_age_opens_it(store: Store, path: Path, tmp_path: Path) -> None:
    """To an HTTP request, without hookgate."""
    if shutil.which("age") is None:
        pytest.skip("no age; apt-get install age")
    item = make_item(1)
    keep(store, item)
    (tmp_path / "key").write_text(SECRET + "\n")
    command = ["age", "-d", "-i", str(tmp_path / "key"), str(file_of(path, item))]
    told = subprocess.run(command, capture_output=True, check=True).stdout
    assert told.startswith(b"POST /hook?key=1 HTTP/1.1\r\nHost: gate.example.com\r\n")
    assert told.endswith(b"\r\n\r\n" + item.body)


# As a ledger's line may hold it.
HOSTILE = {"reference": "\ud800\u2028\x00", "path": "/\U0001f600", "bytes": 1 << 80}


def test_beside_it_stands_its_delivery(store: Store) -> None:
    """A copy, without what makes a record a line, and with the SHA-256 of the file."""
    item = make_item(1)
    record = make_record(item, **HOSTILE, n=7, prev="0" * 64, mac="1" * 64)
    before = record.copy()
    kept = store.keep(item, record)
    (entry,) = store.entries()
    assert entry.record == {**make_record(item, **HOSTILE), "kept": kept}
    assert record == before


def test_only_the_owner_may_look(path: Path) -> None:
    """Whatever the umask is."""
    old = os.umask(0)
    try:
        keep(opened_store(path), make_item(1))
    finally:
        os.umask(old)
    modes = {file: stat.S_IMODE(file.stat().st_mode) for file in [path, *path.rglob("*")]}
    assert set(modes.values()) == {0o600, 0o700}
    assert all((mode == 0o700) == file.is_dir() for file, mode in modes.items())


def test_what_comes_again_is_one_file(store: Store, path: Path) -> None:
    """For the same target; what stands beside it is the first's."""
    first = keep(store, make_item(1))
    assert store.keep(make_item(1), make_record(make_item(1), request_id="later")) == first
    other = make_item(1, target=b"/hook?key=2")
    assert keep(store, other) != first
    entries = check(path)
    assert {(entry.record or {})["request_id"] for entry in entries} == {"boot-1"}
    assert len(entries) == 2


def replace(file: Path, make: Callable[[], object]) -> None:
    file.unlink()
    make()


SPOILT: dict[str, Callable[[Path, Path], object]] = {
    "altered": lambda file, _: file.write_bytes(file.read_bytes()[:-1] + b"x"),
    "truncated": lambda file, _: os.truncate(file, 100),
    "empty": lambda file, _: os.truncate(file, 0),
    "huge": lambda file, _: os.truncate(file, 1 << 40),
    "gone": lambda file, _: file.unlink(),
    "swapped": lambda file, other: shutil.copy(other, file),
    "a link": lambda file, other: replace(file, lambda: file.symlink_to(other)),
    "no record": lambda file, _: file.with_suffix(".json").unlink(),
    "no JSON": lambda file, _: file.with_suffix(".json").write_text("{"),
    "nested": lambda file, _: file.with_suffix(".json").write_text("[" * 100_000),
    "no object": lambda file, _: file.with_suffix(".json").write_text("[]"),
    "no kept": lambda file, _: file.with_suffix(".json").write_text("{}"),
    "another's record": lambda file, other: shutil.copy(
        other.with_suffix(".json"), file.with_suffix(".json")
    ),
    "a huge record": lambda file, _: os.truncate(file.with_suffix(".json"), 1 << 40),
    "a FIFO for a record": lambda file, _: replace(
        file.with_suffix(".json"), lambda: os.mkfifo(file.with_suffix(".json"))
    ),
}


@pytest.mark.parametrize("how", SPOILT)
def test_what_is_not_whole_is_kept_anew(store: Store, path: Path, how: str) -> None:
    first = keep(store, make_item(1))
    other = keep(store, make_item(2))
    SPOILT[how](file_of(path, make_item(1)), file_of(path, make_item(2)))
    again = keep(store, make_item(1))
    assert again not in (first, other)
    assert numbers(store) == [1, 2]
    assert len(check(path)) == 2


def test_custody_is_noted_beside_what_is_there(path: Path) -> None:
    """Also where there is room for nothing more; and once it has custody it keeps that."""
    store = opened_store(path, max_items=1)
    kept = keep(store, make_item(1))
    assert keep(store, make_item(1), custody=True) == kept
    assert keep(store, make_item(1)) == kept
    (entry,) = check(path)
    assert entry.record == {**make_record(make_item(1)), "kept": kept, "custody": True}


def test_there_are_no_more_items_than_there_may_be(path: Path) -> None:
    """What is there already is kept, and there is room again for whatever is released."""
    store = opened_store(path, max_items=3)
    kept = [keep(store, make_item(number)) for number in range(3)]
    assert refusal(store, 3) is NotKept.FULL
    assert keep(store, make_item(2)) == kept[2]
    release(store, 1)
    keep(store, make_item(3))
    assert refusal(store, 1) is NotKept.FULL
    assert numbers(store) == [0, 2, 3]


def test_there_are_no_more_bytes_than_there_may_be(path: Path) -> None:
    store = opened_store(path)
    keep(store, make_item(1, size=5000))
    size = store.usage().bytes
    keep(make_store(path, max_bytes=2 * size + 2000), make_item(2, size=5000))
    assert refusal(make_store(path, max_bytes=2 * size + 2000), 3, 5000) is NotKept.FULL
    assert len(check(path)) == 2


def test_what_nobody_waits_for_any_more_is_not_kept(store: Store, path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        store.keep(make_item(1), make_record(make_item(1)), lambda: False)
    assert caught.value.word is NotKept.TOO_SLOW
    assert all_files(path) == []


def test_without_recipients_nothing_is_kept(path: Path) -> None:
    opened_store(path)
    assert refusal(make_store(path, public=None)) is NotKept.UNAVAILABLE


def release(store: Store, number: int) -> None:
    """Purge an item."""
    (entry,) = [entry for entry in store.entries() if entry.name == name_of(make_item(number))]
    claim = store.claim(entry, "purged")
    assert claim
    store.drop(claim)


def test_a_folder_of_ten_thousand_is_listed_soon(store: Store, path: Path) -> None:
    keep(store, make_item(1))
    for number in range(1, 10_000):
        item = make_item(number + 1)
        file = file_of(path, item)
        file.parent.mkdir(0o700, exist_ok=True)
        for kind in ("age", "json"):
            os.link(file_of(path, make_item(1), kind), file.with_suffix(f".{kind}"))
    with at_most(4):
        entries = list(store.entries())
    assert len(entries) == 10_000
    assert all(entry.record for entry in entries)
    with at_most(4):
        assert store.open().usage.items == 10_000


# Clocks.


def test_what_is_too_old_is_found_but_what_has_custody_stays(path: Path) -> None:
    """So does what has no record: nobody can tell what was promised."""
    store = opened_store(path, max_age=3600)
    for number, more in enumerate(({}, {"custody": True}, {}, {})):
        keep(store, make_item(number), **more)
        if number < 3:
            age(file_of(path, make_item(number)), 3700)
    file_of(path, make_item(2), "json").unlink()
    assert [entry.name for entry in store.sweep().expired] == [name_of(make_item(0))]


def test_a_clock_that_is_wrong_for_a_moment_makes_nothing_older(store: Store, path: Path) -> None:
    """As where it begins in 1970 until it is set: by it, all was kept in the future."""
    keep(store, make_item(1))
    age(file_of(path, make_item(1)), -50 * 366 * 86_400)
    (before,) = store.entries()
    assert store.open().expired == []
    assert list(store.entries()) == [before]


def test_what_a_clock_dated_before_there_were_gates_is_as_old_as_its_first_sight(
    path: Path,
) -> None:
    """Kept while the clock said 1970: it does not expire once that is right, but a `max_age` on."""
    store = opened_store(path, max_age=3600)
    file = file_of(path, make_item(1))
    for second in (0.0, 1e9):
        keep(store, make_item(1))
        os.utime(file, (second, second))
        begun = time.time()
        assert store.sweep().expired == []
        (entry,) = store.entries()
        assert begun - 1 <= entry.kept_at <= time.time()
        assert store.sweep().usage.oldest == entry.kept_at
        age(file, 3700)
        (expired,) = store.sweep().expired
        claim = store.claim(expired, "expired")
        assert claim
        store.drop(claim)


def test_a_clock_that_is_not_set_dates_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither what it kept itself, nor what has a right date."""
    store = opened_store(path, max_age=3600)
    dates = {1: 100.0, 2: time.time()}
    for number, second in dates.items():
        keep(store, make_item(number))
        os.utime(file_of(path, make_item(number)), (second, second))
    monkeypatch.setattr("hookgate.quarantine.store.time.time", lambda: 50_000.0)
    assert store.sweep().expired == []
    kept = {entry.name: entry.kept_at for entry in store.entries()}
    for number, second in dates.items():
        assert kept[name_of(make_item(number))] == pytest.approx(second)


# Who looks at the counts.


@pytest.mark.parametrize(
    "table", [b"", b"x", bytes(4096), b"\xff" * 4096, b"x" * 5000, bytes(4095)]
)
def test_counts_that_are_none_are_made_anew(store: Store, path: Path, table: bytes) -> None:
    """By whoever looks next, or at the next look through all: zeros are a count too."""
    keep(store, make_item(1))
    keep(store, make_item(2))
    there = store.usage()
    (path / "lock").write_bytes(table)
    if table == bytes(4096):
        store.sweep()
    assert store.usage() == there


def test_root_makes_files_that_the_owner_can_use(path: Path) -> None:
    """Who replays may be root, and the gate goes on."""
    if os.geteuid():
        pytest.skip("not root")
    store = opened_store(path)
    keep(store, make_item(1))
    for file in [path, *path.rglob("*")]:
        os.chown(file, 1234, 1234)
    keep(store, make_item(2))
    keep(store, make_item(1), custody=True)
    assert {file.stat().st_uid for file in path.rglob("*")} == {1234}


def test_an_identity_of_another_reads_nothing(store: Store, path: Path) -> None:
    """Nor does the store itself, whose key is public."""
    keep(store, make_item(1))
    (entry,) = store.entries()
    assert b'{"n":1}' not in store.read(entry)
    assert b'{"n":1}' in IDENTITIES.decrypt(store.read(entry))


def test_a_folder_is_on_the_disk_before_what_is_in_it_is_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever made it, and was killed before it came to that: its own, and the store's."""
    folder = file_of(path, make_item(1)).parent
    folder.mkdir(0o700, parents=True)
    path.chmod(0o700)
    synced: list[int] = []
    fsync = os.fsync

    def spy(fd: int) -> None:
        fsync(fd)
        synced.append(os.fstat(fd).st_ino)

    monkeypatch.setattr(os, "fsync", spy)
    store = opened_store(path)
    assert synced == [path.parent.stat().st_ino]
    for again in (False, True):
        synced.clear()
        keep(make_store(path) if again else store, make_item(1))
        assert synced[-2:] == [folder.stat().st_ino, path.stat().st_ino]
    synced.clear()
    keep(store, make_item(1))
    assert synced == [folder.stat().st_ino]


@pytest.mark.parametrize("error", [errno.EIO, errno.EMFILE, errno.EACCES])
def test_a_record_that_cannot_be_read_now_is_not_replaced(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    """It may say that its item has custody."""
    keep(store, make_item(1), custody=True)
    (before,) = store.entries()
    open_ = os.open

    def failing(name: str, *arguments: Any, **named: Any) -> int:
        if str(name).endswith(".json"):
            raise OSError(error, os.strerror(error))
        return open_(name, *arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", failing)
        assert refusal(store, 1) is NotKept.UNAVAILABLE
        (entry,) = store.entries()
        assert entry.record is None
        with pytest.raises(StoreError):
            store.claim(entry, "expired")
        assert store.sweep().expired == []
    assert list(store.entries()) == [before]
    claim = store.claim(before, "purged")
    assert claim, "it was left locked"
    claim.close()
