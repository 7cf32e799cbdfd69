"""What is told of one alarm: that it was raised, or that it is over."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# The condition of a notice that only tries a channel.
TEST = "test"


class Severity(StrEnum):
    """How soon somebody must look; as in the alert rules for Prometheus."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Notice:
    """Tell of one alarm.

    `condition` is its key, as docs/alarms.md lists them; with `subject`, what it is about ("" where
    there is but one), it names the alarm for as long as that lasts. `summary` is one short line for
    a phone, `details` are figures and times, `advice` is what to do first. No field holds a
    sender's value, but for its address and a reason's code. `ended` is None while it lasts.
    """

    condition: str
    subject: str
    severity: Severity
    gate: str
    summary: str
    details: tuple[str, ...]
    advice: str
    began: datetime
    ended: datetime | None = None

    @property
    def resolved(self) -> bool:
        """Whether the alarm is over."""
        return self.ended is not None
