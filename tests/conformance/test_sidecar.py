"""The sidecar as a process in front of a real upstream, held to the corpus."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.conformance import Running, check_answer, check_records, check_upstream
from support.corpus import Case, Expected, Setup, cases
from support.ledger import assert_balanced, assert_chained
from support.receiver import receiving
from support.sidecar import Sidecar, sidecar

CASES = cases("sidecar")
SETUPS = {case.setup.name: case.setup for case, _ in CASES}.values()


class Gate(Running):
    """A running sidecar with the upstream behind it."""

    def __init__(self, setup: Setup, folder: Path) -> None:
        setup.write(folder)
        self._stack = contextlib.ExitStack()
        with contextlib.ExitStack() as stack:
            upstream = stack.enter_context(receiving()) if setup.listening else None
            unheard = stack.enter_context(socket.socket())
            unheard.bind(("127.0.0.1", 0))
            port = upstream.port if upstream else unheard.getsockname()[1]
            url = f"http://127.0.0.1:{port}"
            self.process: Sidecar = stack.enter_context(sidecar(url, folder, **setup.keys))
            self._stack = stack.pop_all()
        super().__init__("sidecar", self.process.port, self.process.audit, upstream)

    def close(self) -> None:
        self._stack.close()


class Gates:
    """A process for each setup, started when a case first asks for it."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._factory = factory
        self._running: dict[str, Gate] = {}

    def of(self, setup: Setup) -> Gate:
        if setup.name not in self._running:
            self._running[setup.name] = Gate(setup, self._factory.mktemp(setup.name))
        return self._running[setup.name]

    def close(self, setup: Setup) -> None:
        self._running.pop(setup.name).close()


@pytest.fixture(scope="module")
def gates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gates]:
    """Processes that outlive a case; those still running at the end are stopped."""
    running = Gates(tmp_path_factory)
    yield running
    for setup in SETUPS:
        with contextlib.suppress(KeyError):
            running.close(setup)


@pytest.mark.parametrize(
    ("case", "expected"), [pytest.param(case, expected, id=case.id) for case, expected in CASES]
)
def test_the_sidecar_does_as_the_corpus_says(gates: Gates, case: Case, expected: Expected) -> None:
    """Answer, upstream and ledger, each exactly."""
    gate = gates.of(case.setup)
    exchange = gate.play(case, expected)
    check_answer(case, expected, exchange)
    check_upstream(case, expected, exchange)
    check_records(case, expected, exchange)


@pytest.mark.parametrize("setup", [pytest.param(setup, id=setup.name) for setup in SETUPS])
def test_after_its_cases_a_process_stops_and_balances(gates: Gates, setup: Setup) -> None:
    """It ends with 0; the chain holds, every case has one record, and the counts agree."""
    gate = gates.of(setup)
    assert gate.process.stop() == 0
    records, seen = gate.take_new()
    assert [record["event"] for record in records] == ["stop"]
    assert seen == []
    assert_chained(gate.ledger)
    assert sum(assert_balanced(gate.ledger).values()) == gate.played
    gates.close(setup)
