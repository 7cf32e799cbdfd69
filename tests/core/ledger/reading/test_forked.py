"""Work that is done ahead in other processes: in order, bounded, and never lost without a word."""

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from hookgate.ledger.reading import forked
from hookgate.ledger.reading.forked import Task, WorkerError, ahead

COUNT = 9


def numbers(task: int) -> Iterator[tuple[int, int, int]]:
    """Many results, with who made them."""
    for number in range(2000):
        yield task, number, os.getpid()


def children() -> list[str]:
    return Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if there were two, wherever the tests run."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})


@pytest.mark.parametrize("forking", [False, True])
@pytest.mark.parametrize("most", [1, 1 << 24], ids=["no room", "room"])
def test_results_come_in_order(forking: bool, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though tasks are left out, begun and given up, and nobody takes what others did meanwhile."""
    monkeypatch.setattr(forked, "_MOST_AHEAD", most)
    before = children()
    with ahead([partial(numbers, task) for task in range(COUNT)], forking=forking) as results:
        next(results(0))
        for task in (1, 4, 5, 8):
            found = list(results(task))
            assert [one[:2] for one in found] == [(task, number) for number in range(2000)]
            assert ({one[2] for one in found} == {os.getpid()}) is not forking
    assert children() == before


def test_a_process_that_is_killed_is_an_error() -> None:
    """At whatever moment: what it did not do was not done."""

    def dying() -> Iterator[int]:
        yield 1
        os.kill(os.getpid(), signal.SIGKILL)

    with ahead([dying, partial(numbers, 1)], forking=True) as results:
        found = results(0)
        assert next(found) == 1
        with pytest.raises(WorkerError, match="killed by signal 9"):
            list(found)


def test_a_process_that_fails_is_an_error() -> None:
    """With what it said."""

    def failing() -> Iterator[int]:
        yield 1
        raise ValueError("no such luck")

    with ahead([partial(numbers, 0), failing], forking=True) as results:
        assert len(list(results(0))) == 2000
        with pytest.raises(WorkerError, match="no such luck"):
            list(results(1))


def test_a_process_that_ends_early_is_an_error() -> None:
    """Even if it says that all is well."""

    def ending() -> Iterator[tuple[int, int, int]]:
        os._exit(0)

    tasks: list[Task] = [ending, partial(numbers, 1)]
    with ahead(tasks, forking=True) as results, pytest.raises(WorkerError, match="too soon"):
        list(results(0))
