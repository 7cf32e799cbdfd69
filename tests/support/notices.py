"""Notices of alarms, and channels that tell them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from hookgate.alarm_settings import ChannelKind, ChannelSettings
from hookgate.alarms.notice import Notice, Severity

BEGAN = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)


def notice(summary: str = "nothing came for 30 minutes", **members: Any) -> Notice:
    """One that was raised at `BEGAN`, but for these members."""
    usual: dict[str, Any] = {
        "condition": "silence",
        "subject": "/cm/events",
        "severity": Severity.CRITICAL,
        "gate": "gate-1",
        "details": ("The last delivery was at 02:30:00 UTC.",),
        "advice": "See whether CM.com reaches the gate.",
        "began": BEGAN,
    }
    return Notice(summary=summary, **(usual | members))


def resolved(summary: str = "events come again", **members: Any) -> Notice:
    """The end of the same alarm, half an hour later."""
    return notice(summary, ended=BEGAN + timedelta(minutes=30), **members)


def channel(kind: str, url: str = "", **keys: Any) -> ChannelSettings:
    """The settings of a channel that tells all alarms."""
    usual: dict[str, Any] = {"name": kind, "severity": "warning"}
    return ChannelSettings(kind=ChannelKind(kind), url=url, **(usual | keys))


class Remembered:
    """A log that remembers what was said, with the values it was bound to."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.logger: structlog.BoundLogger = structlog.wrap_logger(
            None, processors=[self._keep], wrapper_class=structlog.BoundLogger
        )

    def events(self) -> list[str]:
        """What was said, by name."""
        return [line["event"] for line in self.lines]

    def _keep(self, _: object, method: str, line: Any) -> Any:
        self.lines.append({"level": method, **line})
        raise structlog.DropEvent
