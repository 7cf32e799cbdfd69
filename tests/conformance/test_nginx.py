"""nginx as a process in front of a real upstream, held to what it can decide of the corpus."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from support.corpus import Case, Expected, Setup, cases
from support.gates import Gates, Process
from support.nginx import nginx, version

VERSIONS = {(1, 29, 4): "nginx130", (1, 23): "nginx123", (1,): "nginx122"}
CASES = cases(next(front for since, front in VERSIONS.items() if version() >= since))
SETUPS = {case.setup.name: case.setup for case, _ in CASES}.values()


def start(url: str, folder: Path, setup: Setup) -> AbstractContextManager[Process]:
    """One process for a setup."""
    return nginx(url, folder, **setup.keys)


@pytest.fixture(scope="module")
def gates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gates]:
    """Processes that outlive a case; those still running at the end are held to it then."""
    running = Gates("nginx", start, tmp_path_factory)
    yield running
    running.close()


@pytest.mark.parametrize(
    ("case", "expected"), [pytest.param(case, expected, id=case.id) for case, expected in CASES]
)
def test_nginx_does_as_the_corpus_says(gates: Gates, case: Case, expected: Expected) -> None:
    """Answer, upstream and record, each exactly."""
    gates.check(case, expected)


@pytest.mark.parametrize("setup", [pytest.param(setup, id=setup.name) for setup in SETUPS])
def test_after_its_cases_a_process_stops_well(gates: Gates, setup: Setup) -> None:
    """It ends with 0, and every case has one record."""
    gates.check_end(setup)
