"""A clean sender beside each hostile kind: how its figures are judged and shown."""

from typing import Any

import pytest
from bench.hostile import row
from bench.report import goals, markdown
from bench.report.tables import hostile_is_kept, hostile_table
from bench.soak.senders.clean import PATIENCE_SECONDS

KIND = "allowed: deep nesting"


def clean(milliseconds: int, *, refused: int = 0, unanswered: int = 0) -> dict[str, Any]:
    """Of a hundred events, all but one were answered after 1 ms, that one later."""
    answers = {f"{number}": (503 if number < refused else 200, 1.0) for number in range(100)}
    gone = dict.fromkeys(map(str, range(100, 100 + unanswered)), 1.0)
    latencies = [1_000] * 98 + [milliseconds * 1000] * 2
    return {"answers": answers, "unanswered": gone, "latencies_us": latencies, "late_us": [10]}


def found(sent: dict[str, Any], peak: float = 100) -> dict[str, Any]:
    return row(KIND, "direct", sent, {"begun": 7, "came_back": {"400": 7}}, peak, 50)


@pytest.mark.parametrize(
    ("figures", "kept"),
    [
        (found(clean(99)), True),
        (found(clean(100)), False),
        (found(clean(1, refused=1)), False),
        (found(clean(1, unanswered=1)), False),
        (found(clean(1), peak=255), True),
        (found(clean(1), peak=256), False),
    ],
)
def test_a_goal_is_kept_or_broken(figures: dict[str, Any], kept: bool) -> None:
    assert hostile_is_kept(figures) is kept
    assert ("BROKEN" in hostile_table({}, [figures])) is not kept


def test_an_event_without_a_200_counts_as_one_that_took_for_ever() -> None:
    figures = found(clean(1, refused=1, unanswered=1))
    assert figures["failed"] == 2
    assert figures["worst_us"] == figures["p99_us"] == PATIENCE_SECONDS * 1e6


def test_the_worst_kind_is_held_against_the_goals() -> None:
    rows = [found(clean(30)), found(clean(120), peak=300)]
    results = {"contenders": {}, "figures": {"hostile": rows}}
    told = {goal.what: (goal.found, goal.met) for goal in goals(results)}
    assert told["ms, p99 of a clean sender beside the worst hostile one"] == ("120.00", False)
    assert told["MiB of a worker beside the worst hostile sender"] == ("300.00", False)
    machine = {
        "date": "2025-09-03", "cpu": "x", "cores": 2, "memory_bytes": 2**30, "kernel": "6",
        "system": "Debian", "python": "3.11",
    }  # fmt: skip
    page = markdown({**results, "machine": machine, "options": {}, "versions": {}})
    assert f"| {KIND} |           7 |" in page
