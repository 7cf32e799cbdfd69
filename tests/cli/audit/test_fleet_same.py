"""What is asked of a fleet is answered as by the gates' own files."""

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from hookgate.fleet import queries
from hookgate.ledger.audit import duckdb_stats
from hookgate.ledger.audit.summary import Summary
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


def test_duckdb_sums_a_store_up_as_plain_python_does(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless something there is not as its gate said: that is read line by line, and named."""
    pytest.importorskip("duckdb")
    fill(both, 3)
    slowly = both.of_fleet("stats", "--json").json
    of_a_time = both.of_fleet("stats", "--json", "--since", "2026-11-22T12:00:20Z").json
    monkeypatch.setattr(duckdb_stats, "_LARGE", 1)
    with patch.object(Summary, "add", None):
        assert both.of_fleet("stats", "--json").json == slowly
        since = ("--since", "2026-11-22T12:00:20Z")
        assert both.of_fleet("stats", "--json", *since).json == of_a_time
    both.fleet.sql("UPDATE hookgate.segment SET body = '\\x00' WHERE boot = 'u1'")
    broken = both.of_fleet("stats", "--json")
    assert broken.status == 1
    (place,) = broken.json["problem_places"]
    assert place["place"] == "utrecht/u1:1"
    assert "damaged" in place["problem"]
