"""Events that nobody sends again, as the retry rules of their contracts tell. Pure."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from hookgate.alarm_settings import Frequency
from hookgate.alarms.notice import Severity
from hookgate.ledger.audit.attempts import UNCERTAIN
from hookgate.ledger.audit.holding import ERASED
from hookgate.ledger.audit.identity import digest_of
from hookgate.ledger.audit.retries import Retries, rule_of
from hookgate.ledger.record import Record

from .condition import Alarm, Condition, is_replay, listed, plural, text_of

_MOST = 10_000
_MOST_FORWARDED = 20_000
_SWEEP_SECONDS = 10.0
_LOST, _UNKNOWN = "lost", "unknown"


class _Event:
    """An event that was not delivered so far."""

    __slots__ = ("latest", "may_have_arrived", "reason", "retries")

    def __init__(self) -> None:
        self.retries = Retries()
        self.may_have_arrived = False
        self.latest = 0.0
        self.reason = ""


class Lost(Condition):
    """So many events in a span were found to be lost, or may be.

    Memory is bounded: of more than 10,000 that are undelivered at a time the rest is only counted.
    What is kept in the quarantine is not lost before it expires there.
    """

    kinds = frozenset(("forward", "delivery", "start", "stop", "released"))

    def __init__(self, often: Frequency) -> None:
        self._often = often
        self._open: dict[str, _Event] = {}
        self._lost: dict[str, tuple[float, str, str]] = {}
        # Those of them that nobody was told of: the ledger may be read much later.
        self._new: set[str] = set()
        # What is on its way: by request, its event and the file in which it was begun.
        self._forwarded: dict[str, tuple[str, str]] = {}
        self._passed_over = 0
        self._swept = -_SWEEP_SECONDS

    def feed(self, record: Record, at: float, part: str) -> None:
        """Take an attempt into account, or what became of what was kept."""
        match record["event"]:
            case "forward":
                self._forward(record, part)
            case "delivery":
                self._delivery(record, at)
            case "start":
                self._crash(at, part)
            case "stop":
                self._forwarded = {k: v for k, v in self._forwarded.items() if v[1] != part}
            case "released":
                self._released(record, at)

    def _forward(self, record: Record, part: str) -> None:
        digest, request_id = digest_of(record), text_of(record, "request_id")
        if digest and request_id and len(self._forwarded) < _MOST_FORWARDED:
            self._forwarded[request_id[:128]] = digest[:64], part

    def _delivery(self, record: Record, at: float) -> None:
        begun = self._forwarded.pop(text_of(record, "request_id")[:128], None)
        digest = (digest_of(record) or (begun[0] if begun else ""))[:64]
        if not digest:
            return
        if record.get("outcome") == "delivered":
            self._open.pop(digest, None)
            self._lost.pop(digest, None)
        elif type(record.get("kept")) is str:
            self._open.pop(digest, None)
        elif not is_replay(record):
            event = self._event(digest)
            if event is None:
                self._passed_over += 1
                return
            reason = text_of(record, "reason")
            event.retries.add(at, rule_of(record) if _has_rule(record) else None)
            event.reason = reason if reason.isidentifier() else ""
            event.latest = at
            event.may_have_arrived |= reason in UNCERTAIN
            if event.retries.are_over(at):
                self._give_up(digest, event)

    def _crash(self, at: float, part: str) -> None:
        """A start without a stop before it: what was on its way has no end."""
        for request_id, (digest, where) in list(self._forwarded.items()):
            if where == part:
                del self._forwarded[request_id]
                self._open.pop(digest, None)
                self._note(digest, at, _UNKNOWN, "forwarded, and no end")

    def _released(self, record: Record, at: float) -> None:
        digest, cause = (digest_of(record) or "")[:64], text_of(record, "cause")
        if cause == "expired" and digest:
            self._note(digest, at, _LOST, "expired in the quarantine")
        elif cause and cause not in ERASED:
            self._open.pop(digest, None)
            self._lost.pop(digest, None)

    def _event(self, digest: str) -> _Event | None:
        event = self._open.get(digest)
        if event is None and len(self._open) < _MOST:
            event = self._open[digest] = _Event()
        return event

    def _note(self, digest: str, at: float, fate: str, why: str) -> None:
        if len(self._lost) < _MOST:
            self._lost[digest] = at, fate, why
            self._new.add(digest)
        else:
            self._passed_over += 1

    def begin(self, now: float) -> None:
        """Drop what was lost before the span up to now."""
        self._sweep(now)
        self._new.clear()
        self._passed_over = 0

    def _sweep(self, now: float) -> None:
        """Give up those whose span is over: of 10,000 that takes 10 ms."""
        if now - self._swept >= _SWEEP_SECONDS:
            self._swept = now
            over = [(d, event) for d, event in self._open.items() if event.retries.are_over(now)]
            for digest, event in over:
                self._give_up(digest, event)

    def _give_up(self, digest: str, event: _Event) -> None:
        del self._open[digest]
        at = event.latest if event.retries.tries_left == 0 else event.retries.until
        fate = _UNKNOWN if event.may_have_arrived else _LOST
        self._note(digest, at or event.latest, fate, event.reason)

    def standing(self, now: float) -> Iterable[Alarm]:
        """Say how many there were in the span, and what was their last word."""
        self._sweep(now)
        begin = now - self._often.seconds
        self._lost = {
            digest: (now if digest in self._new else at, fate, why)
            for digest, (at, fate, why) in self._lost.items()
            if digest in self._new or at > begin
        }
        self._new.clear()
        if not self._lost:
            self._passed_over = 0 if not self._open else self._passed_over
        if len(self._lost) < self._often.count:
            return
        fates = Counter(fate for _, fate, _ in self._lost.values())
        told = [plural(fates[_LOST], "event") + " lost"] if fates[_LOST] else []
        if fates[_UNKNOWN]:
            told.append(f"{plural(fates[_UNKNOWN], 'event')} may be lost")
        causes = Counter(f"{f}: {w}" for _, f, w in self._lost.values())
        details = listed(causes.most_common(8))
        if self._passed_over:
            details.append(f"{self._passed_over:,} more were not followed, as there were too many")
        yield Alarm(
            "lost",
            Severity.CRITICAL,
            ", ".join(told),
            details,
            "See which: hookgate audit report --html report.html. Ask the endpoint for those that"
            " may be lost, and the provider for all.",
            causes=causes.keys(),
            size=len(self._lost) + self._passed_over,
        )

    def save(self) -> Any:
        """Return all that is open, lost and on its way."""
        opened = [
            [digest, event.retries.save(), event.may_have_arrived, event.reason, event.latest]
            for digest, event in self._open.items()
        ]
        return [opened, self._lost, self._forwarded, self._passed_over, sorted(self._new)]

    def load(self, saved: Any) -> None:
        """Take over what was saved."""
        opened, lost, forwarded, passed_over, new = saved
        self._new = set(map(str, new))
        self._passed_over = int(passed_over)
        self._lost = {d: (float(at), str(f), str(w)) for d, (at, f, w) in lost.items()}
        self._forwarded = {k: (str(digest), str(part)) for k, (digest, part) in forwarded.items()}
        self._open = {}
        for digest, retries, may_have_arrived, reason, latest in opened:
            event = self._open[str(digest)] = _Event()
            event.retries.load(retries)
            event.may_have_arrived, event.reason = bool(may_have_arrived), str(reason)
            event.latest = float(latest)


def _has_rule(record: Record) -> bool:
    return all(record.get(name) is None or text_of(record, name) for name in ("retry", "route"))
