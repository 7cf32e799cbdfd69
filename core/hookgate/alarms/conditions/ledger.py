"""The ledger: that it is written, is there, and can be read by who watches. Pure."""

from collections.abc import Iterable
from typing import Any

from hookgate.alarms.notice import Severity
from hookgate.alarms.sight import Sight
from hookgate.ledger.record import Record
from hookgate.wording import span

from .condition import ENDS, Alarm, Condition, Lasting, count_of, plural, text_of
from .window import Window

_HOUR = 3600.0
_MOST_PARTS = 1024
_UNAVAILABLE = "audit_unavailable"


class LedgerFails(Condition):
    """The ledger cannot be written or synced, or could not within so long."""

    kinds = ENDS

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._window = Window(seconds)
        self._failures: float | None = None
        self._is_failing = False

    def feed(self, record: Record, at: float, part: str) -> None:  # noqa: ARG002  # one signature
        """Count what could not be recorded, and is told of since."""
        if _UNAVAILABLE in (text_of(record, "reason"), text_of(record, "cause")):
            self._window.add(at, "requests", count_of(record))

    def begin(self, now: float) -> None:
        """Begin with the span up to now."""
        self._window.counts(now)

    def observe(self, sight: Sight, now: float) -> None:
        """Take over what the gate says: also of a failure that is over by now."""
        metrics = sight.admin.metrics if sight.admin is not None else {}
        self._is_failing = metrics.get("hookgate_ledger_available") == 0
        failures = metrics.get("hookgate_ledger_failures_total")
        if failures is not None:
            before, self._failures = self._failures, failures
            if before is not None and failures > before:
                self._window.add(now, "failures", int(failures - before))

    def standing(self, now: float) -> Iterable[Alarm]:
        """Say what it was."""
        counts = self._window.counts(now)
        if not (self._is_failing or counts.total()):
            return
        details = [
            f"{plural(counts['requests'], 'request')} answered 503, or not recorded one by one"
        ] * (counts["requests"] > 0)
        yield Alarm(
            "ledger_fails",
            Severity.CRITICAL,
            "the ledger cannot be written"
            if self._is_failing
            else "the ledger could not be written",
            details,
            "See why: journalctl -u hookgate | grep ledger. Mostly the disk is full: df -h. Move"
            " rotated files away; do not delete the ledger.",
        )

    def save(self) -> Any:
        """Return the window, and how many failures were seen."""
        return [self._window.save(), self._failures]

    def load(self, saved: Any) -> None:
        """Take over what was saved."""
        window, failures = saved
        self._window.load(window)
        self._failures = None if failures is None else float(failures)


class LedgerGone(Condition):
    """A file of the ledger was removed and is not made anew, or lines of it are missing."""

    kinds = frozenset(("gap", "start", "stop"))

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._gone: dict[str, Lasting] = {}
        self._window = Window(_HOUR)
        # What no gate writes any more may be moved away.
        self._stopped: set[str] = set()

    def feed(self, record: Record, at: float, part: str) -> None:
        """Count what the gate says is missing."""
        if record["event"] == "stop" and len(self._stopped) < _MOST_PARTS:
            self._stopped.add(part)
        elif record["event"] == "start":
            self._stopped.discard(part)
        if record["event"] == "gap":
            first, last = record.get("first_n"), record.get("last_n")
            lines = 1 if type(first) is not int or type(last) is not int else last - first + 1
            self._window.add(at, part, min(max(lines, 1), 2**53))

    def begin(self, now: float) -> None:
        """Begin with the span up to now."""
        self._window.counts(now)

    def observe(self, sight: Sight, now: float) -> None:
        """Note which files are gone."""
        gone = {file for ledger in sight.ledgers for file in ledger.gone} - self._stopped
        for file in gone | self._gone.keys():
            self._gone.setdefault(file, Lasting()).note(now, is_so=file in gone)
        self._gone = {f: lasting for f, lasting in self._gone.items() if lasting.since is not None}

    def standing(self, now: float) -> Iterable[Alarm]:
        """Say which, and how many lines."""
        advice = (
            "Look for what removes or truncates files there: a clean-up, or copytruncate in a"
            " logrotate rule. Keep any copy, then: hookgate audit balance."
        )
        for file, gone in sorted(self._gone.items()):
            if gone.has_lasted(self._seconds, now):
                what = f"the ledger {file.rpartition('/')[2]} is gone"
                yield Alarm("ledger_gone", Severity.CRITICAL, what, [file], advice, file)
        if lines := self._window.counts(now):
            what = f"{plural(lines.total(), 'line')} of the ledger were deleted or cut"
            yield Alarm(
                "ledger_gone",
                Severity.CRITICAL,
                what,
                sorted(lines),
                advice,
                causes=lines.keys(),
                size=lines.total(),
            )

    def save(self) -> Any:
        """Return what is gone, and since when."""
        gone = {file: gone.since for file, gone in self._gone.items()}
        return [gone, self._window.save(), sorted(self._stopped)]

    def load(self, saved: Any) -> None:
        """Take over what was saved."""
        gone, window, stopped = saved
        self._stopped = set(map(str, stopped))
        for file, since in gone.items():
            self._gone[file] = Lasting()
            self._gone[file].load(since)
        self._window.load(window)


class LedgerUnread(Condition):
    """Whoever watches cannot read a ledger, so that other alarms may be missing."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._troubles: dict[str, tuple[Lasting, str]] = {}

    def observe(self, sight: Sight, now: float) -> None:
        """Note which cannot be read, and why."""
        troubles = {ledger.path: ledger.trouble for ledger in sight.ledgers if ledger.trouble}
        for ledger in sight.ledgers:
            if not (ledger.has_files or ledger.trouble):
                troubles[ledger.path] = "there is no such file"
        before, self._troubles = self._troubles, {}
        for path, why in troubles.items():
            lasting = before[path][0] if path in before else Lasting()
            lasting.note(now, is_so=True)
            self._troubles[path] = lasting, why

    def standing(self, now: float) -> Iterable[Alarm]:
        """Say which, and why."""
        for path, (lasting, why) in sorted(self._troubles.items()):
            since = lasting.since
            if since is not None and lasting.has_lasted(self._seconds, now):
                yield Alarm(
                    "ledger_unread",
                    Severity.CRITICAL,
                    f"{path.rpartition('/')[2]} is not watched: {why}",
                    [f"{path}: {why}, for {span(now - since)}"],
                    "Let the user of hookgate watch read it, or correct audit.path and the folder"
                    " that the command runs in.",
                    path,
                )

    def save(self) -> Any:
        """Return since when, by path."""
        return {path: [lasting.since, why] for path, (lasting, why) in self._troubles.items()}

    def load(self, saved: Any) -> None:
        """Take over what was saved."""
        for path, (since, why) in saved.items():
            lasting = Lasting()
            lasting.load(since)
            self._troubles[path] = lasting, str(why)
