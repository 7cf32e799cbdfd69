"""What is told of an alarm."""

from dataclasses import replace
from datetime import UTC, datetime

from hookgate.alarms.notice import Notice, Severity

BEGAN = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)
RAISED = Notice("silence", "/events", Severity.CRITICAL, "gate-1", "nothing came", (), "", BEGAN)


def test_an_alarm_is_over_once_it_has_an_end() -> None:
    assert not RAISED.resolved
    assert replace(RAISED, ended=BEGAN).resolved
