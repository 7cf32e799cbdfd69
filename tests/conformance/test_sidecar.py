"""The sidecar as a process in front of a real upstream, held to the corpus."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from support.corpus import Case, Expected, Setup, cases
from support.gates import Gates, Process
from support.sidecar import sidecar

CASES = cases("sidecar")
SETUPS = {case.setup.name: case.setup for case, _ in CASES}.values()


def start(url: str, folder: Path, setup: Setup) -> AbstractContextManager[Process]:
    """One process for a setup."""
    return sidecar(url, folder, **setup.keys)


@pytest.fixture(scope="module")
def gates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gates]:
    """Processes that outlive a case; those still running at the end are held to it then."""
    running = Gates("sidecar", start, tmp_path_factory)
    yield running
    running.close()


@pytest.mark.parametrize(
    ("case", "expected"), [pytest.param(case, expected, id=case.id) for case, expected in CASES]
)
def test_the_sidecar_does_as_the_corpus_says(gates: Gates, case: Case, expected: Expected) -> None:
    """Answer, upstream and ledger, each exactly."""
    gates.check(case, expected)


BY_BYTES = [
    (case, expected)
    for case, expected in CASES
    if case.id.startswith("http/")
    and len(case.request.data) < 2000
    and not case.leave
    and case.setup.name != "impatient"
]


@pytest.mark.parametrize(
    ("case", "expected"), [pytest.param(case, expected, id=case.id) for case, expected in BY_BYTES]
)
def test_it_does_so_byte_by_byte_too(gates: Gates, case: Case, expected: Expected) -> None:
    """How a request is cut into packets makes no difference to any of these."""
    gates.check(case, expected, by_bytes=True)


@pytest.mark.parametrize("setup", [pytest.param(setup, id=setup.name) for setup in SETUPS])
def test_after_its_cases_a_process_stops_and_balances(gates: Gates, setup: Setup) -> None:
    """It ends with 0; the chain holds, every case has one record, and the counts agree."""
    gates.check_end(setup)
