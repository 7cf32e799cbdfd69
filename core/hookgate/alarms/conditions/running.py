"""The gate itself: whether it runs, serves, and starts too often. Pure."""

from collections.abc import Iterable
from typing import Any

from hookgate.alarm_settings import Frequency
from hookgate.alarms.notice import Severity
from hookgate.alarms.sight import Sight
from hookgate.ledger.record import Record
from hookgate.wording import span

from .condition import Alarm, Condition, Lasting, listed, plural
from .window import Window

_MOST_PARTS = 1024


class Stopped(Condition):
    """No gate runs: the admin listener does not answer, or else each boot has stopped, or no
    process has the ledger open that one had open before.
    """

    kinds = frozenset(("start", "stop"))

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._gone = Lasting()
        self._why = ""
        # When the last boot in a file stopped; None while it runs.
        self._stops: dict[str, float | None] = {}
        self._was_locked: set[str] = set()

    def feed(self, record: Record, at: float, part: str) -> None:
        """Note that a gate began or ended."""
        kind = record["event"]
        if record.get("front") == "replay" or len(self._stops) > _MOST_PARTS:
            return
        if kind == "start":
            self._stops[part] = None
        elif kind == "stop":
            self._stops[part] = at

    def observe(self, sight: Sight, now: float) -> None:
        """Look whether something shows that it runs."""
        if sight.admin is not None:
            self._why = sight.admin.trouble and f"the admin listener: {sight.admin.trouble}"
            self._gone.note(now, is_so=bool(self._why))
            return
        for ledger in sight.ledgers:
            if ledger.is_locked:
                self._was_locked.add(ledger.path)
        unlocked = [s for s in sight.ledgers if s.is_locked is False and s.path in self._was_locked]
        stops = list(self._stops.values())
        if stops and None not in stops:
            last = max(stop for stop in stops if stop is not None)
            self._why = "it stopped, as the ledger says"
            self._gone.note(min(now, last), is_so=True)
        else:
            self._why = "it ended without a word: no process has the ledger open"
            self._gone.note(now, is_so=bool(unlocked))

    def standing(self, now: float) -> Iterable[Alarm]:
        """Say for how long."""
        since = self._gone.since
        if since is not None and self._gone.has_lasted(self._seconds, now):
            yield Alarm(
                "stopped",
                Severity.CRITICAL,
                f"no gate has run for {span(now - since)}",
                [self._why],
                "Start it: systemctl restart hookgate. Then look why: journalctl -u hookgate -n 50."
                " Exit status 2 is a mistake in the configuration.",
            )

    def save(self) -> Any:
        """Return what is known of boots."""
        return [self._gone.since, self._stops, sorted(self._was_locked)]

    def load(self, saved: Any) -> None:
        """Take over what was saved."""
        since, stops, was_locked = saved
        self._gone.load(since)
        self._stops = {part: None if at is None else float(at) for part, at in stops.items()}
        self._was_locked = set(map(str, was_locked))


class NotReady(Condition):
    """The gate says that no events should be sent to it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._unready = Lasting()
        self._problems: tuple[str, ...] = ()

    def observe(self, sight: Sight, now: float) -> None:
        """Take over what /readyz says."""
        self._problems = sight.admin.problems if sight.admin is not None else ()
        self._unready.note(now, is_so=bool(self._problems))

    def standing(self, now: float) -> Iterable[Alarm]:
        """Say why."""
        if self._unready.has_lasted(self._seconds, now):
            what = f"not ready: {self._problems[0]}"
            advice = "Mend what is named; see the whole with curl on sidecar.admin, /readyz."
            yield Alarm(
                "not_ready", Severity.CRITICAL, what, self._problems, advice, causes=self._problems
            )

    def save(self) -> Any:
        """Return since when."""
        return self._unready.since

    def load(self, saved: Any) -> None:
        """Take over since when."""
        self._unready.load(saved)


class Workers(Condition):
    """Fewer workers serve than should."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._missing = Lasting()
        self._there = self._wanted = 0.0
        self._degraded: tuple[str, ...] = ()

    def observe(self, sight: Sight, now: float) -> None:
        """Take over how many there are."""
        metrics = sight.admin.metrics if sight.admin is not None else {}
        self._there = metrics.get("hookgate_workers", 0)
        self._wanted = metrics.get("hookgate_workers_wanted", 0)
        self._degraded = sight.admin.degraded if sight.admin is not None else ()
        self._missing.note(now, is_so=self._there < self._wanted)

    def standing(self, now: float) -> Iterable[Alarm]:
        """Say how many are missing, and why."""
        if self._missing.has_lasted(self._seconds, now):
            what = f"{self._there:.0f} of {self._wanted:.0f} workers serve"
            yield Alarm(
                "workers",
                Severity.WARNING,
                what,
                self._degraded,
                "See why: journalctl -u hookgate -p warning. systemctl kill -s USR2 hookgate tries"
                " at once.",
                causes=(what,),
            )

    def save(self) -> Any:
        """Return since when."""
        return self._missing.since

    def load(self, saved: Any) -> None:
        """Take over since when."""
        self._missing.load(saved)


class Restarts(Condition):
    """The gate, or one worker, started so often in a span."""

    kinds = frozenset(("start",))

    def __init__(self, often: Frequency) -> None:
        self._often = often
        self._window = Window(often.seconds)

    def feed(self, record: Record, at: float, part: str) -> None:
        """Count a start in the file that it is in."""
        if record["event"] == "start" and record.get("front") != "replay":
            self._window.add(at, part)

    def begin(self, now: float) -> None:
        """Begin with the span up to now."""
        self._window.counts(now)

    def standing(self, now: float) -> Iterable[Alarm]:
        """Say how often, of the file in which most were."""
        counts = self._window.counts(now).most_common(8)
        if counts and counts[0][1] >= self._often.count:
            many = plural(counts[0][1], "start")
            yield Alarm(
                "restarts",
                Severity.WARNING,
                f"{many} of one process in {span(self._often.seconds)}",
                listed((f"start in {part.rpartition('/')[2]}", count) for part, count in counts),
                "See how it ended: journalctl -u hookgate -n 100. What was on its way is named by"
                " hookgate audit balance.",
                causes=[part for part, _ in counts],
                size=counts[0][1],
            )

    def save(self) -> Any:
        """Return the window."""
        return self._window.save()

    def load(self, saved: Any) -> None:
        """Take over a window."""
        self._window.load(saved)
