"""What is asked of a fleet is answered as by the gates' own files."""

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from hookgate.fleet import queries
from support.both import Both, fill
from support.calling import Call
from support.fleet import new_fleet
from support.scanned import TINY_SIZES, USUAL_SIZES, sized
from support.trials import BODIES

NAMES = sorted({*(body.sha256 for body in BODIES), "r-1", "r-2", "own-1", "m-1", "b0-3"})
BY_FILES = (
    "balance",
    "duplicates",
    "verify",
    "stats",
    "show",
    "show --outcome failed",
    "show --reference r-1",
)


@pytest.fixture
def both(tmp_path: Path, call: Call) -> Iterator[Both]:
    with new_fleet() as fleet:
        yield Both(fleet, tmp_path, call)


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 40))]
)
def test_each_verb_answers_as_of_the_files(both: Both, seed: int) -> None:
    """Over losses, retries, crashes, workers, what was kept and replays, in chunks of any size."""
    fill(both, seed)
    size = (TINY_SIZES, USUAL_SIZES)[seed % 2]
    with sized(*size), patch.object(queries, "CHUNK", size[1]):
        for verb in BY_FILES:
            files, fleet = both.answers(*verb.split())
            assert fleet == files, verb
        files, fleet = both.answers("fate", *NAMES, option="--log")
        assert fleet == files
        for name in NAMES[seed % 4 : -1 : 4]:
            files, fleet = both.answers("explain", name, "--all", option="--log")
            assert fleet == files, name
