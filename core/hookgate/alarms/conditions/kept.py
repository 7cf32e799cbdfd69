"""What is in the quarantine: held for others, nearly too much, or nearly too old. Pure."""

from collections.abc import Iterable
from typing import Any

from hookgate.alarms.notice import Severity
from hookgate.alarms.sight import Sight
from hookgate.quarantine.entry import Usage
from hookgate.settings import QuarantineSettings
from hookgate.wording import span

from .condition import Alarm, Condition, Lasting, plural

_ADVICE = (
    "See what and why: hookgate quarantine list. Mend the contract, reload, and send it on:"
    " hookgate quarantine replay; purge what is no event."
)


class _OfQuarantine(Condition):
    """What goes by the newest count of what is there."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.wall = 0.0

    def observe(self, sight: Sight, now: float) -> None:  # noqa: ARG002  # one signature
        """Take over a count, if there is one."""
        self.usage = sight.usage or self.usage
        self.wall = sight.wall


class Custody(_OfQuarantine):
    """Events in custody have been there for so long: their sender took them as delivered."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._held = Lasting()

    def observe(self, sight: Sight, now: float) -> None:
        """Note whether there are any."""
        super().observe(sight, now)
        if self.usage is not None:
            self._held.note(now, is_so=self.usage.in_custody > 0)

    def standing(self, now: float) -> Iterable[Alarm]:
        """Say how many."""
        since = self._held.since
        if self.usage and since is not None and self._held.has_lasted(self._seconds, now):
            what = (
                f"{plural(self.usage.in_custody, 'event')} held in custody for {span(now - since)}"
            )
            details = ["answered 200: nobody sends them again"]
            size = self.usage.in_custody
            yield Alarm("custody", Severity.CRITICAL, what, details, _ADVICE, size=size)

    def save(self) -> Any:
        """Return since when."""
        return self._held.since

    def load(self, saved: Any) -> None:
        """Take over since when."""
        self._held.load(saved)


class QuarantineFull(_OfQuarantine):
    """So large a part of what may be kept is there."""

    def __init__(self, share: float, settings: QuarantineSettings) -> None:
        super().__init__()
        self._share, self._settings = share, settings

    def standing(self, now: float) -> Iterable[Alarm]:  # noqa: ARG002  # one signature
        """Say how full it is."""
        usage, bounds = self.usage, self._settings
        if usage is None:
            return
        full = max(usage.items / bounds.max_items, usage.bytes / bounds.max_bytes)
        if full >= self._share:
            details = [
                f"{usage.items:,} of {bounds.max_items:,} items",
                f"{usage.bytes / 2**20:,.0f} of {bounds.max_bytes / 2**20:,.0f} MiB",
                "once it is full nothing more is kept",
            ]
            what = f"the quarantine is {full:.0%} full"
            causes = ("full",) * (full >= 1)
            yield Alarm("quarantine_full", Severity.WARNING, what, details, _ADVICE, "", causes)


class QuarantineOld(_OfQuarantine):
    """The oldest item expires within so long."""

    def __init__(self, seconds: float, settings: QuarantineSettings) -> None:
        super().__init__()
        # Of what is kept for less than twice that long half of its age is.
        self._seconds = min(seconds, settings.max_age / 2)
        self._max_age = settings.max_age

    def standing(self, now: float) -> Iterable[Alarm]:  # noqa: ARG002  # one signature
        """Say when."""
        usage = self.usage
        if usage is None or usage.oldest is None or usage.items <= usage.in_custody:
            return
        left = usage.oldest + self._max_age - self.wall
        # A gate's metrics do not tell whether the oldest has custody, and so stays.
        if left <= self._seconds and not (left < 0 and usage.in_custody):
            what = f"the oldest item of the quarantine expires in {span(max(left, 0))}"
            details = [f"{plural(usage.items, 'item')} in all; what has custody stays"]
            yield Alarm("quarantine_old", Severity.WARNING, what, details, _ADVICE)
