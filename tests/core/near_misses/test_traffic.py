"""What is usual at this hour."""

from collections.abc import Callable

import pytest

from hookgate.near_misses.traffic import BUCKET_SECONDS, DAY, DAYS, Traffic

Counts = Callable[[int], int]


def run(counts: Counts, buckets: int, start: float = 1000.0) -> list[bool]:
    """Whether it was quiet after each five minutes; `counts` tells what each of them admits."""
    traffic, total, quiet = Traffic(), 5, []
    traffic.tick(start, total)
    for number in range(buckets):
        total += counts(number)
        moment = start + (number + 1) * BUCKET_SECONDS
        assert not traffic.is_due(moment - 1)
        assert traffic.is_due(moment)
        traffic.tick(moment, total)
        quiet.append(traffic.quiet)
    return quiet


def until(end: int, count: int, then: int = 0) -> Counts:
    return lambda number: count if number < end else then


def test_it_needs_a_day_of_history() -> None:
    assert not any(run(until(DAY // 2, 100), DAY))
    assert run(until(DAY + 20, 100), DAY + 22)[-3:] == [False, False, True]


@pytest.mark.parametrize(("then", "quiet"), [(0, True), (49, True), (50, False), (99, False)])
def test_less_than_half_of_the_usual_is_quiet(then: int, quiet: bool) -> None:
    assert run(until(2 * DAY, 100, then), 2 * DAY + 2)[-1] is quiet


def test_few_events_come_and_go_by_chance() -> None:
    assert not any(run(until(2 * DAY, 9), 2 * DAY + 10))


def test_a_quiet_night_is_usual() -> None:
    def counts(number: int) -> int:
        return 100 if number % DAY > DAY // 3 else 0

    assert sum(run(counts, 5 * DAY)) == 0


def test_one_odd_day_changes_little() -> None:
    """The median of three days: one without any event does not count for the usual."""
    end = 4 * DAY + DAY // 2

    def counts(number: int) -> int:
        return 0 if 2 * DAY <= number < 3 * DAY or number >= end else 100

    assert run(counts, end + 2)[-1]


def test_a_week_is_kept() -> None:
    traffic = Traffic()
    traffic.tick(0.0, 0)
    for number in range(3 * DAYS * DAY):
        traffic.tick((number + 1.0) * BUCKET_SECONDS, number)
    assert len(traffic._counts) < (DAYS + 1) * DAY


def test_a_process_that_stood_still_admitted_nothing_meanwhile() -> None:
    traffic = Traffic()
    traffic.tick(0.0, 0)
    for number in range(1, 2 * DAY):
        traffic.tick(number * BUCKET_SECONDS, 100 * number)
    stood = (2 * DAY + 5) * BUCKET_SECONDS
    traffic.tick(stood + 1.0, 200 * DAY)
    assert traffic.quiet
    assert traffic.is_due(stood + BUCKET_SECONDS)
    assert not traffic.is_due(stood + BUCKET_SECONDS - 1)
