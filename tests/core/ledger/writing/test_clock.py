"""The time as every line has it."""

import re
from datetime import UTC, datetime, timedelta

from hookgate.ledger.writing.clock import Clock


def test_the_clock_writes_utc_with_microseconds() -> None:
    """Time stamps sort as text and lie in the present."""
    clock = Clock()
    stamps = [clock.now() for _ in range(1000)]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", stamp) for stamp in stamps)
    assert stamps == sorted(stamps)
    age = datetime.now(UTC) - datetime.fromisoformat(stamps[-1])
    assert timedelta(0) <= age < timedelta(seconds=10)
