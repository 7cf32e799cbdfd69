"""A store to keep things in, things to keep, and what must hold of a folder whatever befell it."""

import json
import os
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

from hookgate.policy import Origin, make_head
from hookgate.quarantine.encryption import parse_recipients
from hookgate.quarantine.entry import Entry
from hookgate.quarantine.item import Item, item_name, read_item
from hookgate.quarantine.store import Store

from .kept import IDENTITIES, PUBLIC


def make_store(path: Path, *, public: str | None = PUBLIC, **bounds: Any) -> Store:
    """A store; without `public` it only lists and releases."""
    given = {"max_items": 1000, "max_bytes": 1 << 28, "max_age": 86_400.0, **bounds}
    return Store(path, parse_recipients([public]) if public else None, **given)


def opened_store(path: Path, **given: Any) -> Store:
    store = make_store(path, **given)
    store.open(create=True)
    return store


def make_item(number: int = 0, *, size: int = 0, target: bytes = b"/hook?key=1") -> Item:
    """An item whose body begins with its number."""
    fields = [(b"Host", b"gate.example.com"), (b"Content-Type", b"application/json")]
    return Item(
        make_head("192.0.2.1", b"POST", target, fields),
        (b'{"n":%d}' % number).ljust(size),
        Origin("192.0.2.1", "192.0.2.1", (), None),
        f"boot-{number}",
        1_795_348_800.5,
        None,
    )


def make_record(item: Item, **more: Any) -> dict[str, Any]:
    """The `delivery` of a refused item, as far as a store sees it."""
    return {
        "event": "delivery",
        "request_id": item.request_id,
        "outcome": "refused",
        "sha256": sha256(item.body).hexdigest(),
        **more,
    }


def name_of(item: Item) -> str:
    return item_name(sha256(item.body).hexdigest(), item.head.target)


def file_of(store: Path, item: Item, kind: str = "age") -> Path:
    name = name_of(item)
    return store / name[:2] / f"{name}.{kind}"


def keep(store: Store, item: Item, **more: Any) -> str:
    return store.keep(item, make_record(item, **more))


def numbers(store: Store) -> list[int]:
    """What can be read in the store, by number."""
    return sorted(
        body_number(read_item(IDENTITIES.decrypt(store.read(e)))) for e in store.entries()
    )


def body_number(item: Item) -> int:
    number: int = json.loads(item.body)["n"]
    return number


def all_files(path: Path) -> list[Path]:
    """Those in the folders of a store, hidden ones too."""
    return [file for pattern in ("??/*", "??/.*") for file in path.glob(pattern)]


def check(path: Path, folders: Iterable[int] = range(256)) -> list[Entry]:
    """Everything that must hold of a store, whoever was killed: what is listed is whole, and its
    own; the counts are exact; what a crash left is gone a minute later. Returns the entries.

    `folders` are those that have been used.
    """
    for file in all_files(path):
        age(file)
    store = make_store(path)
    swept = store.sweep(folders)
    entries = list(store.entries())
    for entry in entries:
        data = store.read(entry)
        assert entry.record is not None
        assert entry.record["kept"] == sha256(data).hexdigest()
        item = read_item(IDENTITIES.decrypt(data))
        assert name_of(item) == entry.name
        assert entry.record["sha256"] == sha256(item.body).hexdigest()
    files = all_files(path)
    assert len(files) == 2 * len(entries)
    assert swept.usage[:2] == (len(entries), sum(file.stat().st_size for file in files))
    assert store.usage() == swept.usage
    return entries


def age(file: Path, seconds: float = 120) -> None:
    """Have a file be older than it is."""
    times = file.lstat()
    os.utime(file, (times.st_atime - seconds, times.st_mtime - seconds), follow_symlinks=False)
