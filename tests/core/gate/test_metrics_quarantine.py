"""What a gate tells of its quarantine."""

import asyncio
import shutil
import time
from pathlib import Path

import pytest

from hookgate.gate.gate import Gate
from hookgate.gate.metrics import Snapshot, merge
from hookgate.settings import RouteSettings
from support.core_gate import in_gate, run
from support.events import CLEAN, event
from support.kept import files, quarantine

NARROW = RouteSettings("/cm/events", "narrow", b'{"required": ["never"]}')
IN_CUSTODY = RouteSettings("/cm/events", "narrow", b'{"required": ["never"]}', custody=True)


def told(snapshot: Snapshot) -> dict[str, object]:
    """What of the quarantine is not 0, by the metric's name and label."""
    return {
        ".".join((name.removeprefix("hookgate_quarantine_"), *labels)): value
        for name, given in snapshot.items()
        if name.startswith("hookgate_quarantine_")
        for labels, value in given
        if value
    }


async def look(gate: Gate) -> None:
    """Have the keeper look through all of its folder, which takes a minute of ticks."""
    keeper = gate.desk.keeper
    assert keeper is not None
    for _ in range(61):
        seen = keeper.usage
        gate.tick()
        while keeper.usage is seen:  # each look makes another  # noqa: ASYNC110  # has no event
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("custody", [0, 1])
def test_it_tells_what_is_kept_and_how_much_there_may_be(tmp_path: Path, custody: int) -> None:
    """The same body twice is two requests, and one item."""
    snapshots: list[Snapshot] = []

    async def act(gate: Gate) -> None:
        for body in (CLEAN, CLEAN, event(reference="another")):
            await run(gate, body)
        await look(gate)
        snapshots.append(gate.snapshot())

    began = int(time.time())
    keys = quarantine(tmp_path, max_items=7, max_bytes="2MiB")
    in_gate(tmp_path, act, routes=(IN_CUSTODY if custody else NARROW,), **keys)
    found = told(snapshots[0])
    oldest = found.pop("oldest_timestamp_seconds")
    assert isinstance(oldest, float)
    assert began <= oldest <= time.time()
    beside = [file.with_suffix(".json") for file in files(tmp_path)]
    assert found == {
        "kept_total": 3,
        "items": 2,
        "bytes": sum(file.stat().st_size for file in (*files(tmp_path), *beside)),
        **({"custody_items": 2} if custody else {}),
        "max_items": 7,
        "max_bytes": 2**21,
        "available": 1,
    }


def test_it_tells_what_is_not_kept_and_why(tmp_path: Path) -> None:
    """Each word is there before it first happens, or its first increase goes unseen."""
    snapshots: list[Snapshot] = []

    async def act(gate: Gate) -> None:
        await run(gate, CLEAN)
        await run(gate, event(reference="one too many"))
        snapshots.append(gate.snapshot())
        shutil.rmtree(tmp_path / "quarantine")
        await run(gate, CLEAN)
        snapshots.append(gate.snapshot())

    in_gate(tmp_path, act, routes=(NARROW,), **quarantine(tmp_path, max_items=1))
    full, gone = map(told, snapshots)
    assert (full["kept_total"], full["not_kept_total.full"], full["available"]) == (1, 1, 1)
    assert "not_kept_total.unavailable" not in full
    assert (gone["kept_total"], gone["not_kept_total.unavailable"]) == (1, 1)
    assert "available" not in gone
    words = {label for ((label,), _) in snapshots[0]["hookgate_quarantine_not_kept_total"]}
    assert words == {"full", "unavailable", "too_slow", "busy"}


def test_it_tells_what_is_released(tmp_path: Path) -> None:
    """That its time was up; what is in custody stays."""
    snapshots: list[Snapshot] = []

    async def act(gate: Gate) -> None:
        await run(gate, CLEAN)
        await asyncio.sleep(1.1)
        await look(gate)
        await look(gate)
        snapshots.append(gate.snapshot())

    in_gate(tmp_path, act, routes=(NARROW,), **quarantine(tmp_path, max_age="1s"))
    found = told(snapshots[0])
    assert found["released_total.expired"] == 1
    assert not found.keys() & {"items", "bytes", "oldest_timestamp_seconds"}
    assert files(tmp_path) == []


def test_without_a_quarantine_it_tells_nothing_of_one(tmp_path: Path) -> None:
    """A metric that says 0 items would look like one that is empty."""
    snapshots: list[Snapshot] = []

    async def act(gate: Gate) -> None:
        snapshots.append(gate.snapshot())

    in_gate(tmp_path, act)
    assert not [name for name in snapshots[0] if "quarantine" in name]


def test_workers_that_share_a_folder_are_no_two_folders() -> None:
    """Counts add up; of what each sees of the folder the most counts, and the oldest."""
    one: Snapshot = {
        "hookgate_quarantine_kept_total": [([], 3)],
        "hookgate_quarantine_items": [([], 5)],
        "hookgate_quarantine_custody_items": [([], 2)],
        "hookgate_quarantine_oldest_timestamp_seconds": [([], 100.0)],
        "hookgate_quarantine_available": [([], 1)],
    }
    other: Snapshot = {
        "hookgate_quarantine_kept_total": [([], 4)],
        "hookgate_quarantine_items": [([], 6)],
        "hookgate_quarantine_custody_items": [([], 2)],
        "hookgate_quarantine_oldest_timestamp_seconds": [([], 90.0)],
        "hookgate_quarantine_available": [([], 0)],
    }
    assert told(merge([one, other])) == {
        "kept_total": 7,
        "items": 6,
        "custody_items": 2,
        "oldest_timestamp_seconds": 90.0,
    }
