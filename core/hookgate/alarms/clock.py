"""The time of alarms: it does not jump, and goes on over restarts. Pure."""

from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """Seconds that begin at the clock's own time, or where the last run ended.

    `wall` tells the system's time in seconds since 1970, which may be set; `steady` only grows. A
    machine that slept, or whose clock was set, makes nothing older than it is.
    """

    def __init__(self, wall: Callable[[], float], steady: Callable[[], float]) -> None:
        self._wall, self._steady = wall, steady
        self._base = wall() - steady()

    def now(self) -> float:
        """Return the time that conditions go by."""
        return self._base + self._steady()

    def wall(self) -> float:
        """Return the system's time."""
        return self._wall()

    def of(self, moment: float) -> float:
        """Return when something was that bears this time of the system's, at the latest now."""
        return self.now() - max(0.0, self._wall() - moment) if moment else self.now()

    def date(self, at: float) -> datetime:
        """Return the date, by the system's clock as it is now, of a time of this one."""
        seconds = min(max(at + self._wall() - self.now(), 0.0), 253_370_764_800.0)
        return datetime.fromtimestamp(seconds, UTC)

    def save(self) -> list[float]:
        """Return where it stands."""
        return [self.now(), self._wall()]

    def load(self, saved: list[float]) -> None:
        """Go on from where it stood, later by what the system's clock has gone on since."""
        now, wall = map(float, saved)
        self._base = now + max(0.0, self._wall() - wall) - self._steady()
