"""What lines of a ledger count, as /status would tell it. Pure."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import accumulate

from hookgate.gate.counts import UPSTREAM_BOUNDS
from hookgate.gate.undelivered import Entry, latest
from hookgate.ledger.record import Record

from .step import Answer

# What only a foreign sender is refused for.
_FOREIGN = frozenset(("source_not_allowed", "source_unresolved"))
# The latest of these that a line tells is what is in force.
_IN_FORCE = ("version", "front", "policy")
_BOUNDS = (*UPSTREAM_BOUNDS, None)
# Words that are counted, twice as many as there are, and letters of one: a forger makes up others.
_MOST_WORDS, _LONGEST = 128, 64


class Tally:
    """Count records, in any order."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.buckets: Counter[int] = Counter()
        self.delivered_at = self.near_at = 0.0
        self.in_force: dict[str, str] = {}

    def add(self, record: Record, at: float) -> None:
        """Count a record that `members` found right. `at` is its time, in seconds since 1970."""
        self.in_force |= {n: record[n][:_LONGEST] for n in _IN_FORCE if record.get(n)}
        match record["event"]:
            case "delivery":
                self._add_end(record, 1, is_foreign=is_foreign(record))
                self._add_delivery(record, at)
            case "refusals":
                count = record.get("count") or 0
                self._add_end(record, count, is_foreign=record.get("cause") == "flood")

    def _add_delivery(self, record: Record, at: float) -> None:
        if record.get("near"):
            self._count("near", "")
            self.near_at = max(self.near_at, at)
        if record.get("outcome") == "delivered":
            self.delivered_at = max(self.delivered_at, at)
        if error := record.get("upstream_error"):
            self._count("error", error)
        if (took := record.get("upstream_ms")) is not None:
            self.buckets[bisect_left(UPSTREAM_BOUNDS, took / 1e3)] += 1

    def _add_end(self, record: Record, count: int, *, is_foreign: bool) -> None:
        outcome, reason = record.get("outcome") or "", record.get("reason") or ""
        self._count("outcome", outcome, count)
        self._count("reason", reason, count)
        if is_foreign and outcome == "refused":
            self._count("foreign", "", count)

    def _count(self, kind: str, word: str, count: int = 1) -> None:
        key = kind, word
        if key in self.counts or (len(self.counts) < _MOST_WORDS and len(word) <= _LONGEST):
            self.counts[key] += count

    def merge(self, later: "Tally") -> None:
        """Add what another counted, of later records."""
        for (kind, word), count in later.counts.items():
            self._count(kind, word, count)
        self.buckets.update(later.buckets)
        self.delivered_at = max(self.delivered_at, later.delivered_at)
        self.near_at = max(self.near_at, later.near_at)
        self.in_force |= later.in_force

    def answer(self, at: float, recent: Iterable[Entry]) -> Answer:
        """Tell at this time, in seconds since 1970, what /status would, as far as lines tell it."""
        counted = accumulate(self.buckets[n] for n in range(len(_BOUNDS)))
        return {
            "format": 1,
            "time": _moment(at),
            "hookgate": self.in_force.get("version"),
            "front": self.in_force.get("front"),
            "policy": self.in_force.get("policy"),
            "outcomes": self._by("outcome"),
            "reasons": self._by("reason"),
            "foreign": self.counts["foreign", ""],
            "last_delivered": _moment(self.delivered_at),
            "endpoint": {
                "answer_seconds": list(map(list, zip(_BOUNDS, counted, strict=True))),
                "errors": self._by("error"),
            },
            "near_misses": {"total": self.counts["near", ""], "last": _moment(self.near_at)},
            "not_delivered": latest(recent),
        }

    def _by(self, kind: str) -> dict[str, int]:
        return {word: count for (of, word), count in self.counts.items() if of == kind}


def is_foreign(record: Record) -> bool:
    """Tell of a `delivery` whether its sender was foreign, as far as its line tells."""
    return bool(record.get("near")) or record.get("reason") in _FOREIGN


def _moment(at: float) -> str | None:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z") if at else None
