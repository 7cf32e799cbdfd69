"""Nothing is delivered, though at this time something should be. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from hookgate.alarms.notice import Severity
from hookgate.ledger.record import Record
from hookgate.wording import span

from .condition import Alarm, Condition, is_replay, text_of

_HOUR = 3600
_DAY, _WEEK = 24, 7 * 24
# So many that usually come do not stay away by chance: at random times once in 20,000 spans.
EXPECTED = 10.0
# Where no hour of yesterday or a week ago is known: so many times the longest pause so far.
_PAUSES = 3.0


class Usual:
    """How many events were delivered in each hour of the last two weeks.

    An hour that is not there is not known; one in which none came has a 0.
    """

    def __init__(self) -> None:
        self.first: float | None = None
        self.last: float | None = None
        self._hours: dict[int, int] = {}
        self._seen = 0
        self._pause = 0.0

    def add(self, at: float) -> None:
        """Count an event."""
        if self.last is not None:
            self._pause = max(self._pause, at - self.last)
        self.first = at if self.first is None else self.first
        self.last = max(at, self.last or at)
        self._seen += 1
        hour = int(at // _HOUR)
        self._hours[hour] = self._hours.get(hour, 0) + 1

    def know(self, now: float) -> None:
        """Note that all that came up to now was counted."""
        hour = int(now // _HOUR)
        if hour not in self._hours:
            self._hours[hour] = 0
            for old in [old for old in self._hours if old < hour - 2 * _WEEK]:
                del self._hours[old]

    def pause(self, now: float) -> float | None:
        """Return the usual seconds between two at a time as this; None where nobody knows."""
        if self.last is None or self.first is None:
            return None
        expected = self.expected(now)
        if expected is None:
            return (self.last - self.first) / max(1, self._seen - 1)
        return (now - self.last) / expected if expected else None

    def expected(self, now: float) -> float | None:
        """Return how many usually come in a time as this since the last; None if nobody knows.

        It goes by the same hours of yesterday and a week ago, whichever had fewer.
        """
        begin, total = self.last or now, 0.0
        # Of a silence of weeks a week says as much.
        begin = max(begin, now - _WEEK * _HOUR)
        while begin < now:
            hour = int(begin // _HOUR)
            end = min(now, (hour + 1) * _HOUR)
            known = [
                self._hours[hour - back] for back in (_DAY, _WEEK) if hour - back in self._hours
            ]
            if not known:
                return None
            total += min(known) * (end - begin) / _HOUR
            begin = end
        return total

    def is_silent(self, now: float) -> bool:
        """Tell whether it is no chance that nothing has come since the last."""
        if self.last is None or self._seen < EXPECTED:
            return False
        expected = self.expected(now)
        if expected is not None:
            return expected >= EXPECTED
        return now - self.last >= _PAUSES * self._pause

    def save(self) -> Any:
        """Return it as JSON may hold it."""
        return [self.first, self.last, self._seen, self._pause, list(self._hours.items())]

    def load(self, saved: Any) -> None:
        """Take over what was saved."""
        first, last, seen, pause, hours = saved
        self.first = None if first is None else float(first)
        self.last, self._seen = None if last is None else float(last), int(seen)
        self._pause = float(pause)
        self._hours = {int(hour): int(count) for hour, count in hours}


class Silence(Condition):
    """No event was delivered for so long. `routes` are spans by path; without them all is one."""

    kinds = frozenset(("delivery",))

    def __init__(self, seconds: float | None, routes: Mapping[str, float | None]) -> None:
        spans = routes or {"": seconds}
        self._spans = {path: span for path, span in spans.items() if span is not None}
        self._usual = {path: Usual() for path in self._spans}
        self._has_routes = bool(routes)

    def feed(self, record: Record, at: float, part: str) -> None:  # noqa: ARG002  # one signature
        """Count what was delivered."""
        if record.get("outcome") == "delivered":
            path = text_of(record, "path") if self._has_routes else ""
            usual = self._usual.get(path)
            if usual is not None and not is_replay(record):
                usual.add(at)

    def standing(self, now: float) -> Iterable[Alarm]:
        """Say on which routes nothing comes."""
        for path, usual in self._usual.items():
            usual.know(now)
            last = usual.last
            if last is None or now - last < self._spans[path] or not usual.is_silent(now):
                continue
            on = f" on {path}" if path else ""
            expected, pause = usual.expected(now), usual.pause(now)
            often = f" (usually every {span(pause)})" if pause is not None else ""
            details = [f"usually {expected:.0f} events in that time"] if expected else []
            yield Alarm(
                "silence",
                Severity.CRITICAL,
                f"nothing delivered{on} for {span(now - last)}{often}",
                details,
                "See whether anything comes: hookgate audit tail. If only refusals do, look at"
                " these; if nothing does, at DNS, the firewall and the webhook's URL.",
                path,
            )

    def save(self) -> Any:
        """Return what is usual, by path."""
        return {path: usual.save() for path, usual in self._usual.items()}

    def load(self, saved: Any) -> None:
        """Take over what is usual on the routes that there are."""
        for path, usual in self._usual.items():
            if path in saved:
                usual.load(saved[path])
