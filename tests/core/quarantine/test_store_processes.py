"""A process that is killed leaves an item whole or not at all, and everything countable."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.quarantine import check, keep, make_store
from support.store_processes import ACTS, FOLDER, ITEM

TESTS = Path(__file__).parents[2]
# What there may be once a process was killed: how an item is claimed, if there is one.
STATES = {
    "new": {"", "None"},
    "in custody": {"False", "True"},
    "altered": {""},  # it is so until it is kept anew
    "released": {"None", "purged", ""},
    "restored": {"None", "purged"},
    "swept": {"None"},
}


def run(*arguments: str) -> list[str]:
    """What the children of the program said."""
    command = [sys.executable, "-P", "-m", "support.store_processes", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed")
    run("everywhere", str(folder))
    return folder


@pytest.mark.parametrize("act", ACTS)
def test_wherever_it_is_killed(folder: Path, act: str) -> None:
    """An item is as it was before or as it is then, and the next who keeps it finds it so."""
    seen = set()
    for path in folder.glob(f"{act} *"):
        store = make_store(path)
        entries = [] if act == "altered" else check(path, [FOLDER])
        state = [str(entry.claimed) for entry in entries]
        if act == "in custody":
            state = [str("custody" in (entry.record or {})) for entry in entries]
        seen.add(" ".join(state))
        for claim in map(store.take_over, entries):
            if claim:
                assert claim.record is not None
                assert claim.kept == claim.record["kept"]
                store.drop(claim)
        kept = keep(store, ITEM)
        (entry,) = check(path, [FOLDER])
        assert entry.record is not None
        assert entry.record["kept"] == kept
    assert seen == STATES[act]


def test_whoever_is_killed_at_any_time_what_was_said_to_be_kept_is(tmp_path: Path) -> None:
    """By two processes at once that keep the same: each is there once, as both were told."""
    lines = set(run("randomly", str(tmp_path / "kept"), "30", "1"))
    told = dict(line.split() for line in lines)
    assert len(told) >= 20
    assert len(told) == len(lines)
    kept = {entry.name: (entry.record or {})["kept"] for entry in check(tmp_path / "kept")}
    assert told.items() <= kept.items()


def test_processes_that_keep_the_same_agree_and_stay_within_bounds(tmp_path: Path) -> None:
    """Each item is one file, by whoever came first, and there are as many as there may be."""
    told = run("together", str(tmp_path / "kept"), "3", "30", "20")
    assert len(told) > 20
    kept = {f"{e.name} {(e.record or {})['kept']}" for e in check(tmp_path / "kept")}
    assert set(told) == kept
    assert len(kept) == 20
