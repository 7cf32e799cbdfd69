"""Name what a process counts, and make the counts of several processes one.

A `Snapshot` holds, for each name in `FAMILIES`, rows of label values and a value. It survives JSON
and pickle. No label value comes from a sender.
"""

import operator
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from hookgate import __version__
from hookgate.ledger.writing.journal import Journal
from hookgate.networks.ranges import SHIPPED, parse_networks
from hookgate.policy import Fault, Outcome, Reason
from hookgate.quarantine.keeper import Keeper, NotKept
from hookgate.settings import QuarantineSettings
from hookgate.upstream.error import UpstreamError

from .compiled import CompiledConfig
from .counts import GATE_BOUNDS, OUTCOMES, UPSTREAM_BOUNDS, Counts

Row = tuple[list[str], Any]
Snapshot = dict[str, list[Row]]


def _add_lists(one: list[float], other: list[float]) -> list[float]:
    return list(map(operator.add, one, other))


class Family(NamedTuple):
    """One metric. `join` makes the values of two processes one.

    `bounds` are those of a histogram; its values are the sum and then the count of each bucket.
    """

    name: str
    kind: str
    about: str
    labels: tuple[str, ...] = ()
    join: Callable[[Any, Any], Any] = operator.add
    bounds: tuple[float, ...] = ()


FAMILIES = {
    family.name: family
    for family in (
        Family("hookgate_deliveries_total", "counter", "Requests that ended; route is the contract that judged it.", ("outcome", "reason", "route", "front")),
        Family("hookgate_outcomes_total", "counter", "The same by where they came from: inside or outside the allowed ranges.", ("outcome", "source")),
        Family("hookgate_near_misses_total", "counter", "Refusals from outside that look like the provider, by the first that matched: watch (an address in source.watch), again (came back after about five minutes), quiet (while admitted traffic is low).", ("cause",)),
        Family("hookgate_in_flight", "gauge", "Requests that began to arrive and have not ended."),
        Family("hookgate_buffered_bytes", "gauge", "Bytes of bodies of requests that have not ended."),
        Family("hookgate_gate_seconds", "histogram", "From the complete request to its answer, without the upstream's part.", join=_add_lists, bounds=GATE_BOUNDS),
        Family("hookgate_upstream_seconds", "histogram", "From forwarding to the upstream's answer, or to giving up.", join=_add_lists, bounds=UPSTREAM_BOUNDS),
        Family("hookgate_upstream_errors_total", "counter", "Events that got no answer from the endpoint, or not the whole of one to relay, by cause.", ("error",)),
        Family("hookgate_upstream_failing", "gauge", "1 for each cause for which the endpoint fails at present, in any worker.", ("error",), join=max),
        Family("hookgate_last_delivered_timestamp_seconds", "gauge", "When an event was delivered last; missing until one was.", join=max),
        Family("hookgate_connections", "gauge", "Open connections by whose they are: allowed, foreign, or trusted where a trusted proxy has named nobody yet.", ("standing",)),
        Family("hookgate_connections_evicted_total", "counter", "Connections of trusted proxies that had named nobody and were closed to make room."),
        Family("hookgate_handshake_failures_total", "counter", "Connections that ended before HTTP: in the tls or the proxy (PROXY protocol) handshake.", ("protocol",)),
        Family("hookgate_ledger_lines_total", "counter", "Ledger lines written.", ("event",)),
        Family("hookgate_ledger_failures_total", "counter", "Failed attempts to write, sync or open the ledger."),
        Family("hookgate_ledger_available", "gauge", "1 while every worker can write its ledger.", join=min),
        Family("hookgate_ledger_lines_missing_total", "counter", "Ledger lines of running gates whose file was deleted or cut by something that is no rotation."),
        Family("hookgate_quarantine_kept_total", "counter", "Requests that were not delivered and are in the quarantine; a repeated one counts each time."),
        Family("hookgate_quarantine_not_kept_total", "counter", "Requests that should be and are not, by why.", ("why",)),
        Family("hookgate_quarantine_released_total", "counter", "Items whose release this gate recorded, by cause.", ("cause",)),
        Family("hookgate_quarantine_items", "gauge", "Items in the folder.", join=max),
        Family("hookgate_quarantine_bytes", "gauge", "Bytes that their files have.", join=max),
        Family("hookgate_quarantine_custody_items", "gauge", "Those of them that their sender took as delivered, and that nobody sends again.", join=max),
        Family("hookgate_quarantine_oldest_timestamp_seconds", "gauge", "When the oldest of them was kept; missing where there is none.", join=min),
        Family("hookgate_quarantine_max_items", "gauge", "As many as quarantine.max_items says.", join=max),
        Family("hookgate_quarantine_max_bytes", "gauge", "As many as quarantine.max_bytes says.", join=max),
        Family("hookgate_quarantine_available", "gauge", "1 while every worker can use the folder.", join=min),
        Family("hookgate_ship_running", "gauge", "1 while hookgate ship tells that it runs."),
        Family("hookgate_ship_store_available", "gauge", "1 while the store of the fleet answers it."),
        Family("hookgate_ship_lag_seconds", "gauge", "For how long the ledger may hold lines that the store lacks; 0 where it has all."),
        Family("hookgate_ship_behind_bytes", "gauge", "Bytes of lines that are not sent, as far as known."),
        Family("hookgate_ship_lines_total", "counter", "Lines that were sent."),
        Family("hookgate_ship_findings_total", "counter", "Boots of which ledger and store do not agree: fork, cut or lost.", ("kind",)),
        Family("hookgate_log_dropped_total", "counter", "Messages of the operational log that were dropped because nobody read it, or it could not be written."),
        Family("hookgate_log_dropped_checkpoints_total", "counter", "Checkpoints of the ledger among those messages."),
        Family("hookgate_ready", "gauge", "1 while /readyz says so.", join=min),
        Family("hookgate_workers", "gauge", "Processes that serve and answer."),
        Family("hookgate_workers_wanted", "gauge", "As many as sidecar.workers says.", join=max),
        Family("hookgate_worker_restarts_total", "counter", "Workers to be replaced: they died, were killed because they did not answer, or never served.", ("cause",)),
        Family("hookgate_reloads_total", "counter", "Reloads by result: applied or refused.", ("result",), join=max),
        Family("hookgate_policy_info", "gauge", "1 for each policy and configuration in force.", ("policy", "config", "version"), join=max),
        Family("hookgate_ranges_reviewed_timestamp_seconds", "gauge", "When a shipped range set that is allowed was last reviewed.", ("ranges",), join=max),
        Family("process_start_time_seconds", "gauge", "When the oldest process started.", join=min),
        Family("process_cpu_seconds_total", "counter", "CPU time of all processes."),
        Family("process_resident_memory_bytes", "gauge", "Resident memory of all processes."),
        Family("process_open_fds", "gauge", "Open file descriptors of all processes."),
        Family("process_max_fds", "gauge", "How many they may open."),
    )
}  # fmt: skip

# How a worker that should be there was lost.
LOSSES = ("died", "killed", "never_served")

# Why a keeper keeps something not; that it came incomplete is its sender's doing.
_NOT_KEPT = [word for word in NotKept if word is not NotKept.INCOMPLETE]
# How an item leaves the quarantine.
_CAUSES = ("replayed", "delivered", "expired", "purged")

# Those must be in a scrape before they first happen, or their first increase goes unseen.
_ALWAYS_EXPORTED = [
    reason.code
    for reason in Reason
    if reason.fault is not Fault.SENDER and reason is not Reason.OVERLOADED
]


def take_snapshot(
    counts: Counts,
    journal: Journal,
    compiled: CompiledConfig,
    failing: Collection[str],
    front: str,
    keeper: Keeper | None = None,
) -> Snapshot:
    """Name everything that a gate counts, as it is now.

    `failing` are the causes for which the endpoint fails at present, by their words.
    """
    config = compiled.config
    deliveries = {(code, route.contract): 0 for route in config.routes for code in _ALWAYS_EXPORTED}
    deliveries[Reason.OVERLOADED.code, ""] = 0
    outcomes = {(outcome, foreign): 0 for outcome in Outcome for foreign in (False, True)}
    for (code, contract, foreign), count in counts.ended.items():
        deliveries[code, contract] = deliveries.get((code, contract), 0) + count
        outcomes[OUTCOMES[code], foreign] += count
    found: Snapshot = {
        "hookgate_deliveries_total": [
            ([OUTCOMES[code].value, code, contract, front], count)
            for (code, contract), count in deliveries.items()
        ],
        "hookgate_outcomes_total": [
            ([outcome.value, "outside" if foreign else "inside"], count)
            for (outcome, foreign), count in outcomes.items()
        ],
        "hookgate_near_misses_total": rows({s.value: n for s, n in counts.near_misses.items()}),
        "hookgate_in_flight": [([], counts.in_flight)],
        "hookgate_buffered_bytes": [([], counts.buffered)],
        "hookgate_gate_seconds": [([], counts.gate_seconds.copy())],
        "hookgate_upstream_seconds": [([], counts.upstream_seconds.copy())],
        "hookgate_upstream_errors_total": rows(counts.upstream_errors),
        "hookgate_upstream_failing": rows(
            {error.word: int(error.word in failing) for error in UpstreamError}
        ),
        "hookgate_connections": rows({s.name.lower(): n for s, n in counts.connections.items()}),
        "hookgate_connections_evicted_total": [([], counts.evicted)],
        "hookgate_handshake_failures_total": rows(counts.handshake_failures),
        "hookgate_ledger_lines_total": rows(journal.lines),
        "hookgate_ledger_failures_total": [([], journal.failures)],
        "hookgate_ledger_lines_missing_total": [([], journal.missing)],
        "hookgate_ledger_available": [([], int(journal.available))],
        "hookgate_workers": [([], 1)],
        "hookgate_workers_wanted": [([], config.sidecar.workers)],
        "hookgate_worker_restarts_total": rows(dict.fromkeys(LOSSES, 0)),
        "hookgate_reloads_total": rows(counts.reloads),
        "hookgate_policy_info": [([compiled.policy.fingerprint, config.digest, __version__], 1)],
        "hookgate_ranges_reviewed_timestamp_seconds": [
            ([name], datetime.fromisoformat(shipped.reviewed).replace(tzinfo=UTC).timestamp())
            for name, shipped in SHIPPED.items()
            if set(parse_networks(name)) <= set(config.source.allow)
        ],
    }
    if counts.last_delivered:
        found["hookgate_last_delivered_timestamp_seconds"] = [([], counts.last_delivered)]
    if keeper is not None:
        found |= _of_quarantine(keeper, config.quarantine)
    return found


def _of_quarantine(keeper: Keeper, bounds: QuarantineSettings) -> Snapshot:
    not_kept = {word.value: keeper.not_kept[word] for word in _NOT_KEPT}
    found: Snapshot = {
        "hookgate_quarantine_kept_total": [([], keeper.kept)],
        "hookgate_quarantine_not_kept_total": rows(not_kept),
        "hookgate_quarantine_released_total": rows({c: keeper.released[c] for c in _CAUSES}),
        "hookgate_quarantine_max_items": [([], bounds.max_items)],
        "hookgate_quarantine_max_bytes": [([], bounds.max_bytes)],
        "hookgate_quarantine_available": [([], int(keeper.available))],
    }
    usage = keeper.usage
    if usage is not None:
        found["hookgate_quarantine_items"] = [([], usage.items)]
        found["hookgate_quarantine_bytes"] = [([], usage.bytes)]
        found["hookgate_quarantine_custody_items"] = [([], usage.in_custody)]
        if usage.oldest is not None:
            found["hookgate_quarantine_oldest_timestamp_seconds"] = [([], usage.oldest)]
    return found


def rows(values: dict[str, int]) -> list[Row]:
    """Make the rows of a metric with one label."""
    return [([label], value) for label, value in values.items()]


def merge(snapshots: Iterable[Snapshot]) -> Snapshot:
    """Make several processes' snapshots one."""
    merged: dict[str, dict[tuple[str, ...], Any]] = {}
    for snapshot in snapshots:
        for name, given in snapshot.items():
            values = merged.setdefault(name, {})
            for labels, value in given:
                key = tuple(labels)
                values[key] = FAMILIES[name].join(values[key], value) if key in values else value
    return {
        name: [(list(labels), value) for labels, value in values.items()]
        for name, values in merged.items()
    }


def surviving_counts(snapshot: Snapshot) -> Snapshot:
    """Pick what of a process still counts once it is gone, lest a sum run backwards."""
    return {
        name: given
        for name, given in snapshot.items()
        if FAMILIES[name].kind != "gauge" or name == "hookgate_last_delivered_timestamp_seconds"
    }
