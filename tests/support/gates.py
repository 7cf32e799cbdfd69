"""A front as processes, one for each setup of the corpus, each in front of a real upstream."""

import contextlib
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import pytest

from .conformance import Running, check_answer, check_kept, check_records, check_upstream
from .corpus import Case, Expected, Setup
from .ledger import assert_balanced, assert_chained, read_ledger
from .receiver import receiving


class Process(Protocol):
    """A front that runs."""

    port: int
    audit: Path

    def stop(self) -> int:
        """End it in good order; returns its exit status."""
        ...


Start = Callable[[str, Path, Setup], AbstractContextManager[Process]]


class Gate(Running):
    """A running front with the upstream behind it."""

    def __init__(self, front: str, start: Start, setup: Setup, folder: Path) -> None:
        setup.write(folder)
        with contextlib.ExitStack() as stack:
            upstream = stack.enter_context(receiving()) if setup.listening else None
            unheard = stack.enter_context(socket.socket())
            unheard.bind(("127.0.0.1", 0))
            port = upstream.port if upstream else unheard.getsockname()[1]
            self.process = stack.enter_context(start(f"http://127.0.0.1:{port}", folder, setup))
            self._stack = stack.pop_all()
        super().__init__(front, self.process.port, self.process.audit, upstream)

    def close(self) -> None:
        """Stop it, if it runs still, and its upstream."""
        self._stack.close()


class Gates:
    """A process for each setup, started when a case first asks for it."""

    def __init__(self, front: str, start: Start, factory: pytest.TempPathFactory) -> None:
        self._front = front
        self._start = start
        self._factory = factory
        self._running: dict[str, Gate] = {}

    def of(self, setup: Setup) -> Gate:
        """The setup's process."""
        if setup.name not in self._running:
            folder = self._factory.mktemp(setup.name)
            self._running[setup.name] = Gate(self._front, self._start, setup, folder)
        return self._running[setup.name]

    def check(self, case: Case, expected: Expected, *, by_bytes: bool = False) -> None:
        """Play the case and hold answer, upstream and ledger to it, each exactly."""
        exchange = self.of(case.setup).play(case, expected, by_bytes=by_bytes)
        check_answer(case, expected, exchange)
        check_upstream(case, expected, exchange)
        check_records(case, expected, exchange)
        check_kept(case, exchange, self.of(case.setup).ledger.parent)

    def check_end(self, setup: Setup) -> None:
        """Stop the setup's process: the chain holds, every case has one record, counts agree.

        Where the cases were played by another process of the run, that one does so as it ends.
        """
        if setup.name in self._running:
            with contextlib.closing(self._running.pop(setup.name)) as gate:
                self._check_end(gate)

    def close(self) -> None:
        """Hold what runs still to the same."""
        with contextlib.ExitStack() as stack:
            gates = [stack.enter_context(contextlib.closing(g)) for g in self._running.values()]
            self._running.clear()
            for gate in gates:
                self._check_end(gate)

    def _check_end(self, gate: Gate) -> None:
        assert gate.process.stop() == 0
        records, seen = gate.take_new()
        assert seen == []
        if self._front == "nginx":  # which neither chains nor counts
            assert records == []
            assert len(read_ledger(gate.ledger)) == gate.played
        else:
            assert [record["event"] for record in records] == ["stop"]
            assert_chained(gate.ledger)
            assert sum(assert_balanced(gate.ledger).values()) == gate.played
