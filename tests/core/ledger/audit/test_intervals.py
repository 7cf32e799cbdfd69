"""Numbers kept as intervals."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.ledger.audit import intervals
from hookgate.ledger.audit.intervals import Gap, Intervals
from support.examples import many


@pytest.fixture
def small() -> Iterator[None]:
    """Folds early."""
    with patch.object(intervals, "MOST", 4):
        yield


@settings(max_examples=many(300), deadline=None)
@given(st.lists(st.integers(1, 40), max_size=60), st.integers(0, 45))
def test_they_are_the_set_of_what_was_added(numbers: list[int], top: int) -> None:
    """Each number is new once, and the gaps are what a set would be missing."""
    kept, seen = Intervals(), set[int]()
    for line, number in enumerate(numbers):
        assert kept.add(number, "f", line) == (number not in seen)
        seen.add(number)
    assert kept.top == max(seen, default=0)
    missing = [n for gap in kept.gaps(top) for n in range(gap.first, gap.last + 1)]
    assert [n for n in missing if n <= top] == sorted(set(range(1, top + 1)) - seen)


def test_a_gap_is_marked_by_what_came_after_it() -> None:
    """So that a reader finds the place."""
    kept = Intervals()
    kept.add(1, "f", 10)
    kept.add(5, "f", 20)
    kept.add(4, "f", 30)
    assert list(kept.gaps(6)) == [Gap(2, 3, 2, ("f", 30)), Gap(6, 6, 1, None)]


def test_below_the_base_nothing_is_missing() -> None:
    """Where a boot began in an older file."""
    kept = Intervals()
    kept.add(7, "f", 1)
    kept.add(9, "f", 2)
    kept.base = 8
    assert list(kept.gaps(9)) == [Gap(8, 8, 1, ("f", 2))]


@pytest.mark.usefixtures("small")
def test_many_intervals_become_a_sum() -> None:
    """What is missing among them is still counted, and so is what comes late."""
    kept = Intervals()
    for number in range(1, 100, 2):
        kept.add(number, "f", number)
    assert len(kept._starts) <= 4
    assert sum(gap.missing for gap in kept.gaps(99)) == 49
    for number in range(2, 100, 2):
        kept.add(number, "f", number)
    assert list(kept.gaps(99)) == []


@pytest.mark.usefixtures("small")
@settings(max_examples=many(300), deadline=None)
@given(st.sets(st.integers(1, 60)), st.integers(1, 10))
def test_sums_and_folding_lose_no_count(singles: set[int], most: int) -> None:
    """Whatever came singly and whatever was counted: together they leave nothing missing."""
    with patch.object(intervals, "MOST", most):
        kept = Intervals()
        for number in sorted(singles):
            kept.add(number, "f", number)
        others = sorted(set(range(1, 61)) - singles)
        while others:
            part, others = others[:7], others[7:]
            kept.count(part[0], part[-1], len(part))
        assert list(kept.gaps(60)) == []
