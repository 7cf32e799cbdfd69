"""What a gate counts by itself."""

import pytest

from hookgate.gate.counts import GATE_BOUNDS, Counts
from hookgate.policy import Reason


@pytest.mark.parametrize(
    ("value", "place"),
    [(0.0, 0), (GATE_BOUNDS[0], 0), (GATE_BOUNDS[0] * 1.001, 1), (GATE_BOUNDS[-1], -2), (9.0, -1)],
)
def test_a_bucket_holds_its_upper_bound(value: float, place: int) -> None:
    """As `le` says."""
    counts = Counts()
    counts.add_ended(Reason.CLEAN, "", value, None, foreign=False)
    total, *buckets = counts.gate_seconds
    assert total == value
    assert buckets[place] == 1
    assert sum(buckets) == 1


def test_who_began_and_has_not_ended_is_in_flight() -> None:
    """However the others ended, and wherever they came from."""
    counts = Counts()
    counts.received = 5
    counts.add_ended(Reason.CLEAN, "cm-events", 0.001, 0.2, foreign=False)
    counts.add_ended(Reason.CLEAN, "cm-events", 0.001, 0.2, foreign=False)
    counts.add_ended(Reason.SOURCE_NOT_ALLOWED, "", None, None, foreign=True)
    counts.add_ended(Reason.UPSTREAM_TIMEOUT, "cm-events", 0.001, 8.0, foreign=False)
    assert counts.in_flight == 1
    assert counts.outcomes() == {"delivered": 2, "refused": 1, "failed": 1, "aborted": 0}
    assert counts.exchanges() == 3
    assert counts.last_delivered > 0
