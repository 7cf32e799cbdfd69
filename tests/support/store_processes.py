"""A program whose children work in stores and are killed: `python -m support.store_processes`.

It has no thread, so it can fork; where they are killed is where they would make a system call.
"""

import contextlib
import os
import random
import select
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hookgate.quarantine.claims import Claim
from hookgate.quarantine.error import StoreError
from hookgate.quarantine.names import number_of
from hookgate.quarantine.store import Store

from .quarantine import file_of, keep, make_item, make_store, name_of, opened_store

# Those that change something.
CALLS = ("mkdir", "write", "pwrite", "fsync", "rename", "unlink", "utime", "truncate")
ITEM = make_item(1)
FOLDER = number_of(name_of(ITEM))


def _keep(path: Path) -> None:
    keep(make_store(path), ITEM)


def _keep_in_custody(path: Path) -> None:
    keep(make_store(path), ITEM, custody=True)


def _purge(path: Path) -> None:
    store, claim = _claimed(path)
    store.drop(claim)


def _restore(path: Path) -> None:
    store, claim = _claimed(path)
    store.restore(claim)


def _claimed(path: Path) -> tuple[Store, Claim]:
    store = make_store(path)
    (entry,) = store.entries()
    claim = store.claim(entry, "purged")
    assert claim
    return store, claim


def _sweep(path: Path) -> None:
    make_store(path).sweep([FOLDER])


def _empty(path: Path) -> None:
    opened_store(path)


def _with_item(path: Path) -> None:
    keep(opened_store(path), ITEM)


def _altered(path: Path) -> None:
    _with_item(path)
    file_of(path, ITEM).write_bytes(b"altered")


def _with_leftovers(path: Path) -> None:
    _with_item(path)
    folder = file_of(path, ITEM).parent
    other = f"{folder.name}{'0' * 62}-{'0' * 16}"
    for name in (f".{other}.{'0' * 16}.new", f"{other}.json", f"{other}.purged.{'0' * 16}.record"):
        (folder / name).write_bytes(b"left")
        os.utime(folder / name, (0, 0))


# What is there, and what is then done.
ACTS = {
    "new": (_empty, _keep),
    "in custody": (_with_item, _keep_in_custody),
    "altered": (_altered, _keep),
    "released": (_with_item, _purge),
    "restored": (_with_item, _restore),
    "swept": (_with_leftovers, _sweep),
}


def _die_at(number: int) -> None:
    """Have this process killed where it would make this system call of those below."""
    calls = 0

    def wrap(name: str) -> Callable[..., Any]:
        function = getattr(os, name)

        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **named)

        return call

    for name in CALLS:
        setattr(os, name, wrap(name))


def kill_everywhere(folder: Path) -> None:
    """Do each act in a folder of its own for each place in which it can be killed."""
    for name, (prepare, act) in ACTS.items():
        template = folder / f"template of {name}"
        prepare(template)
        number, killed = 0, True
        while killed:
            number += 1
            path = folder / f"{name} {number}"
            shutil.copytree(template, path)
            if not (pid := os.fork()):
                _die_at(number)
                act(path)
                os._exit(0)
            _, status = os.waitpid(pid, 0)
            killed = os.WIFSIGNALED(status)
            assert killed or not status, name


def kill_at_random(path: Path, rounds: int, seed: int) -> None:
    """Two who keep what the other keeps too, killed again and again; prints what they were told."""
    opened_store(path)
    chance = random.Random(seed)
    for _ in range(rounds):
        readers, pids = [], []
        for _ in range(2):
            reading, writing = os.pipe()
            if not (pid := os.fork()):
                store = make_store(path)
                while True:
                    item = make_item(chance.randrange(1000))
                    os.write(writing, f"{name_of(item)} {keep(store, item)}\n".encode())
            os.close(writing)
            readers.append(reading)
            pids.append(pid)
            chance.random()
        select.select(readers, [], [])
        time.sleep(chance.uniform(0, 0.01))
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        for reading in readers:
            with os.fdopen(reading) as told:
                sys.stdout.write(told.read())


def keep_together(path: Path, processes: int, items: int, most: int) -> None:
    """Have processes keep the same items, each in an order of its own, where there is room for
    fewer; prints what each was told.
    """
    opened_store(path)
    for process in range(processes):
        if not os.fork():
            store = make_store(path, max_items=most)
            for number in random.Random(process).sample(range(items), items):
                with contextlib.suppress(StoreError):
                    os.write(
                        1,
                        f"{name_of(make_item(number))} {keep(store, make_item(number))}\n".encode(),
                    )
            os._exit(0)
    for _ in range(processes):
        _, status = os.wait()
        assert not status


if __name__ == "__main__":
    mode, path, numbers = sys.argv[1], Path(sys.argv[2]), list(map(int, sys.argv[3:]))
    if mode == "everywhere":
        kill_everywhere(path)
    elif mode == "randomly":
        kill_at_random(path, *numbers)
    else:
        keep_together(path, *numbers)
