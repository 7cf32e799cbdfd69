"""What a ledger comes to, in memory that does not grow with it."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hookgate.ledger.reading.reader import Line, is_damage, is_malformed, timestamp
from hookgate.ledger.record import Record
from hookgate.near_misses.signs import CAUSES
from hookgate.policy.event_reader import LONGEST_TEXT

from .answers import is_not_200
from .counters import Latency, Seen, Tally, Timeline, is_duration, see
from .proven import is_unproved

MOST_PLACES = 20
MOST_SLOW = 10
# The front in lines of what was sent from the quarantine.
REPLAY = "replay"


class Slow(NamedTuple):
    """One of the slowest deliveries."""

    ms: float
    request_id: str | None
    reference: str | None


@dataclass
class Summary:
    """A ledger in numbers.

    `reasons` (by outcome and reason), `fronts` and `timeline` count every request that ended,
    those that were only summed in `refusals` lines (`summed`) included. What was replayed from the
    quarantine is no request: it counts in `fronts` and in `replays` (by outcome and reason) alone,
    unless `counts_replays`. The rest counts `delivery` lines, each where it says something.
    `not_200` were delivered and answered other than 200, unless relayed as asked. `kept` are those
    that say so, `custody` those answered 200 for that, and `not_kept` the others by why. `released`
    counts lines that say that a file is kept no more, by cause. `drift` is by channel, event type
    and the pointer of the object that held members which the contract does not name, `unusual` by
    that of the member which passed in an unusual form; `types` by channel and event type.
    `problems` are lines that are no records; `malformed` of them are whole lines that no gate
    wrote, `damaged` others that are more than what a crash leaves.
    """

    files: list[str] = field(default_factory=list)
    lines: int = 0
    problems: int = 0
    malformed: int = 0
    damaged: int = 0
    places: list[tuple[str, str]] = field(default_factory=list)
    span: Seen = field(default_factory=Seen)
    summed: int = 0
    reasons: Tally = field(default_factory=Tally)
    fronts: Tally = field(default_factory=Tally)
    routes: Tally = field(default_factory=Tally)
    channels: Tally = field(default_factory=Tally)
    event_types: Tally = field(default_factory=Tally)
    clients: Tally = field(default_factory=Tally)
    upstream_statuses: Tally = field(default_factory=Tally)
    upstream_errors: Tally = field(default_factory=Tally)
    not_200: int = 0
    kept: int = 0
    not_kept: Tally = field(default_factory=Tally)
    custody: int = 0
    released: Tally = field(default_factory=Tally)
    near_misses: Tally = field(default_factory=Tally)
    replays: Tally = field(default_factory=Tally)
    counts_replays: bool = False
    observed: Tally = field(default_factory=Tally)
    duration: Latency = field(default_factory=Latency)
    upstream: Latency = field(default_factory=Latency)
    timeline: Timeline = field(default_factory=Timeline)
    slowest: list[Slow] = field(default_factory=list)
    drift: dict[tuple[str | None, str | None, str], Seen] = field(default_factory=dict)
    unusual: dict[tuple[str | None, str | None, str], Seen] = field(default_factory=dict)
    types: dict[tuple[str | None, str | None], Seen] = field(default_factory=dict)

    @property
    def deliveries(self) -> int:
        """The number of requests that ended."""
        return self.reasons.total_with_dropped

    @property
    def outcomes(self) -> dict[str, int]:
        """The number of those by outcome, the commonest first."""
        tally = Tally()
        for (outcome, _), count in self.reasons.counts.items():
            tally.add(outcome, count)
        return dict(tally.top())

    def add(self, line: Line) -> None:
        """Count a line whose members, as far as they are summed, are what they may be."""
        record = line.record
        if record is None:
            self.add_problem(line)
            return
        moment = timestamp(record) or None
        ended = self.add_alike(record, 1, moment, moment)
        if moment is not None:
            self.timeline.add(int(moment // 60), name_of(record.get("outcome")) or "?", ended)
        if record["event"] == "delivery" and not self._is_apart(record):
            self.clients.add(name_of(record.get("client")))
            self.duration.add(record.get("duration_ms"))
            self.upstream.add(record.get("upstream_ms"))
            identifiers = record.get("request_id"), record.get("reference")
            self.add_slow(record.get("duration_ms"), *map(name_of, identifiers))

    def add_problem(self, line: Line) -> None:
        """Count a line that is no record; the first are kept."""
        self.lines += 1
        self.problems += 1
        if is_malformed(line.problem):
            self.malformed += 1
        elif is_damage(line.problem) and not is_unproved(line.problem):
            self.damaged += 1
        if len(self.places) < MOST_PLACES:
            self.places.append((line.place, line.problem))

    def add_alike(self, record: Record, lines: int, first: float | None, last: float | None) -> int:
        """Count lines that are alike in all but time, client and latency.

        Returns how many requests ended by them.
        """
        self.lines += lines
        self.span.add(lines, first, last)
        kind, ended = record["event"], 0
        if kind == "delivery":
            ended = lines
        elif kind == "refusals" and type(count := record.get("count")) is int:
            ended = max(0, count)
        elif kind == "released":
            self.released.add(name_of(record.get("cause")), lines)
        if not ended:
            return 0
        end = name_of(record.get("outcome")) or "?", name_of(record.get("reason")) or "?"
        self.fronts.add(name_of(record.get("front")), ended)
        if self._is_apart(record):
            self.replays.add(end, ended)
            return 0
        self.reasons.add(end, ended)
        if kind == "delivery":
            self._add_deliveries(record, lines, first, last)
        else:
            self.summed += ended
        return ended

    def _is_apart(self, record: Record) -> bool:
        return record.get("front") == REPLAY and not self.counts_replays

    def _add_deliveries(
        self, record: Record, lines: int, first: float | None, last: float | None
    ) -> None:
        channel, event_type = name_of(record.get("channel")), name_of(record.get("event_type"))
        self.channels.add(channel, lines)
        self.event_types.add(event_type, lines)
        self.routes.add(name_of(record.get("route")), lines)
        status = record.get("upstream_status")
        self.upstream_statuses.add(status if type(status) is int else None, lines)
        self.upstream_errors.add(name_of(record.get("upstream_error")), lines)
        if record.get("outcome") == "delivered" and is_not_200(record):
            self.not_200 += lines
        self.kept += lines if record.get("kept") is not None else 0
        self.custody += lines if record.get("custody") is True else 0
        self.not_kept.add(name_of(record.get("not_kept")), lines)
        if near := _items(record.get("near")):
            self.near_misses.add(_cause(near), lines)
        if channel is not None or event_type is not None:
            see(self.types, (channel, event_type), lines, first, last)
        for code in _items(record.get("observed")):
            self.observed.add(name_of(code), lines)
        for parent in _items(record.get("unknown_in")):
            see(self.drift, (channel, event_type, name_of(parent)), lines, first, last)
        for pointer in _items(record.get("unusual")):
            see(self.unusual, (channel, event_type, name_of(pointer)), lines, first, last)

    def add_slow(self, ms: Any, request_id: str | None, reference: str | None) -> None:
        """Keep a delivery if it is among the slowest."""
        if not is_duration(ms):
            return
        if len(self.slowest) < MOST_SLOW or ms >= self.slowest[-1].ms:
            self.slowest.append(Slow(float(ms), request_id, reference))
            self.slowest.sort(
                key=lambda slow: (-slow.ms, str(slow.request_id), str(slow.reference))
            )
            del self.slowest[MOST_SLOW:]


def _items(value: Any) -> list[Any]:
    return value if type(value) is list else []


def _cause(signs: list[Any]) -> str:
    """Return for what a near miss counts."""
    return next((word.value for word in CAUSES if word in signs), "other")


def name_of(value: Any) -> str | None:
    """Return a text as it is counted: bounded, and "other" where it is none."""
    if value is None:
        return None
    return value[:LONGEST_TEXT] if type(value) is str else "other"
