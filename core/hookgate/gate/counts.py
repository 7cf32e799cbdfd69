"""What one gate counts, as plain numbers. metrics.py gives them their names."""

import time
from bisect import bisect_left

from hookgate.near_misses.signs import CAUSES
from hookgate.policy import Outcome, Reason, Standing
from hookgate.upstream.error import UpstreamError

# Upper bounds of the buckets, in seconds.
GATE_BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)
UPSTREAM_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

OUTCOMES = {reason.code: reason.outcome for reason in Reason}

_CLEAN = Reason.CLEAN  # a look-up on the class takes 0.1 us


class Counts:
    """One gate's counts; whoever sees something happen adds to them.

    `received` is how many requests began, `under_way` how many of them passed their head and have
    not ended, `buffered` how many bytes of their bodies a front holds. `ended` counts those that
    did by reason code, contract ("" where none judged it) and whether their source is foreign,
    `near_misses` those foreign ones that look like the provider, by their cause.

    `connections` are open ones, `evicted` those closed to make room, `handshake_failures` those
    that ended before HTTP, by protocol. `reloads` are counted by result, `upstream_errors` by word.

    `gate_seconds` and `upstream_seconds` hold a sum, then the count of each bucket and of what is
    beyond the last. `last_delivered` is in seconds since 1970, 0 before the first.
    """

    __slots__ = (
        "buffered",
        "connections",
        "ended",
        "evicted",
        "gate_seconds",
        "handshake_failures",
        "last_delivered",
        "near_misses",
        "received",
        "reloads",
        "under_way",
        "upstream_errors",
        "upstream_seconds",
    )

    def __init__(self) -> None:
        self.received = 0
        self.under_way = 0
        self.buffered = 0
        self.ended: dict[tuple[str, str, bool], int] = {}
        self.near_misses = dict.fromkeys(CAUSES, 0)
        self.connections = dict.fromkeys(Standing, 0)
        self.evicted = 0
        self.handshake_failures = {"tls": 0, "proxy": 0}
        self.reloads = {"applied": 0, "refused": 0}
        self.upstream_errors = {error.word: 0 for error in UpstreamError}
        self.gate_seconds = [0.0] * (len(GATE_BOUNDS) + 2)
        self.upstream_seconds = [0.0] * (len(UPSTREAM_BOUNDS) + 2)
        self.last_delivered = 0.0

    def add_ended(
        self,
        reason: Reason,
        contract: str,
        gate_seconds: float | None,
        upstream_seconds: float | None,
        *,
        foreign: bool,
    ) -> None:
        """Count a delivery that ended.

        `gate_seconds` is what it took beside the upstream's part once it was complete; each is
        None where it did not come so far.
        """
        key = reason.code, contract, foreign  # to hash the member itself costs 0.2 us more
        self.ended[key] = self.ended.get(key, 0) + 1
        if reason is _CLEAN:
            self.last_delivered = time.time()
        if gate_seconds is not None:
            self.gate_seconds[0] += gate_seconds
            self.gate_seconds[1 + bisect_left(GATE_BOUNDS, gate_seconds)] += 1
        if upstream_seconds is not None:
            self.upstream_seconds[0] += upstream_seconds
            self.upstream_seconds[1 + bisect_left(UPSTREAM_BOUNDS, upstream_seconds)] += 1

    @property
    def in_flight(self) -> int:
        """How many deliveries began and have not ended."""
        return self.received - sum(self.ended.values())

    def outcomes(self) -> dict[Outcome, int]:
        """Count the deliveries that ended by how they did."""
        counts = dict.fromkeys(Outcome, 0)
        for (code, _, _), count in self.ended.items():
            counts[OUTCOMES[code]] += count
        return counts

    def admitted(self) -> int:
        """Count the deliveries that ended and came from inside the allowed ranges."""
        return sum(count for (_, _, foreign), count in self.ended.items() if not foreign)

    def exchanges(self) -> int:
        """Count the events that were answered by the endpoint, or given up."""
        return int(sum(self.upstream_seconds[1:]))
