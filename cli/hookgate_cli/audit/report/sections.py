"""What the report says, from what the ledger's readers found: titles, sentences, charts, tables."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hookgate.ledger.audit.counters import Latency, Seen, Tally
from hookgate.ledger.audit.stats import Summary

from . import charts
from .charts import OUTCOMES
from .parts import (
    UNKNOWN,
    Cell,
    Chart,
    Part,
    Section,
    Table,
    Tile,
    day,
    milliseconds,
    number,
    share,
    when,
)

MOST_ROWS = 12
_MOST_BUCKETS = 240
# In hundredths of the natural logarithm: about a fifth wider each.
_LATENCY_STEP = 20
_DAY = 1440
_MARKED = ("p50", "p99", "p99.9")


def tiles(summary: Summary) -> list[Tile]:
    """The headline numbers."""
    total = summary.deliveries
    counts = by_outcome(summary.outcomes)
    found = [Tile("requests", f"{total:,}", _period(summary.span))]
    found += [
        Tile(outcome, f"{counts[outcome]:,}", share(counts[outcome], total).text, outcome)
        for outcome in OUTCOMES
        if counts.get(outcome) or outcome != "other"
    ]
    median, p99 = (milliseconds(summary.duration.percentile(part)).text for part in (50, 99))
    found.append(Tile("median time", median, f"99 % within {p99}"))
    return found


def by_outcome(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts under the names that have a colour."""
    known: dict[str, int] = dict.fromkeys(OUTCOMES, 0)
    for outcome, count in counts.items():
        known[outcome if outcome in known else "other"] += count
    return known


def timeline(summary: Summary) -> Section:
    """When, by outcome; what was not delivered again by itself, or nobody would see it."""
    minutes, buckets = summary.timeline.coarsened(_MOST_BUCKETS)
    if not buckets:
        return Section("when", "When", "No request ended in these ledgers.", [])
    outcomes = [outcome for outcome, count in by_outcome(summary.outcomes).items() if count]
    # Empty ones at both ends, so that every chart shows the same time.
    ends = (buckets[0][0], buckets[-1][0])
    rows = [
        {
            "start": int(start * 1000),
            "end": int((start + minutes * 60) * 1000),
            "outcome": outcome,
            "count": by_outcome(counts)[outcome],
        }
        for start, counts in buckets
        for outcome in outcomes
        if counts.get(outcome) or outcome == "other" or start in ends
    ]
    shown = [Chart("timeline", "Requests over time, stacked by outcome.", charts.timeline(rows))]
    lead = f"Each bar is {_duration(minutes)}. Times are UTC."
    if len(outcomes) > 1:
        lead += " Below, on scales of their own, what was not delivered."
        shown += [
            Chart(
                f"timeline-{outcome}",
                f"Requests that were {outcome}, over time.",
                charts.timeline([row for row in rows if row["outcome"] == outcome], height=60),
            )
            for outcome in OUTCOMES[1:]
            if outcome in outcomes
        ]
    return Section("when", "When", lead, [Part(shown, _periods(summary))])


def _periods(summary: Summary) -> Table:
    minutes, buckets = summary.timeline.coarsened(MOST_ROWS)
    outcomes = [outcome for outcome, count in by_outcome(summary.outcomes).items() if count]
    rows = [
        (
            day(start) if minutes >= _DAY else when(start),
            *(number(by_outcome(counts)[outcome]) for outcome in outcomes),
        )
        for start, counts in buckets
    ]
    return Table(f"Each row is {_duration(minutes)}", ("from", *outcomes), rows)


def reasons(summary: Summary) -> Section:
    """Why requests were not delivered."""
    found = [
        (outcome, reason, count)
        for (outcome, reason), count in summary.reasons.top()
        if outcome != "delivered"
    ]
    if not found:
        return Section("why", "Why not delivered", "Everything was delivered.", [])
    total = sum(count for *_, count in found)
    lead = "Reason codes; the README says what each one means."
    if summary.summed:
        lead += (
            f" {summary.summed:,} of them were only counted: a flood of strangers, or a time in"
            " which the ledger could not be written."
        )
    chart = Chart(
        "reasons",
        "Requests that were not delivered, by reason.",
        charts.bars(
            [
                {"name": reason, "outcome": _coloured(outcome), "count": count}
                for outcome, reason, count in found[:MOST_ROWS]
            ]
        ),
    )
    table = _table(
        "By reason",
        ("outcome", "reason", "requests", "share"),
        [
            (
                Cell(outcome, f"outcome {_coloured(outcome)}"),
                Cell(reason),
                number(count),
                share(count, total),
            )
            for outcome, reason, count in found
        ],
    )
    return Section("why", "Why not delivered", lead, [Part([chart], table)])


def _tallies(id_: str, title: str, lead: str, counted: Mapping[str, Tally], total: int) -> Section:
    """A bar chart and a table for each tally, by what it counts."""
    parts: list[Part] = []
    for what, tally in counted.items():
        found = [(_name(name), count) for name, count in tally.top()]
        if not found:
            continue
        chart = Chart(
            f"{id_}-{len(parts)}",
            f"Requests by {what}.",
            charts.bars([{"name": name, "count": count} for name, count in found[:MOST_ROWS]]),
        )
        table = _table(
            f"By {what}",
            (what, "requests", "share"),
            [(Cell(name), number(count), share(count, total)) for name, count in found],
            tally.dropped,
        )
        parts.append(Part([chart], table))
    return Section(id_, title, lead if parts else "Nothing is known of it.", parts)


def latency(summary: Summary) -> Section:
    """How long it took."""
    if not summary.duration.count:
        return Section("latency", "How fast", "No duration is known.", [])
    both = {"in all": summary.duration, "the endpoint": summary.upstream}
    percentiles = [measured.percentiles() for measured in both.values()]
    table = Table(
        "Percentiles",
        ("percentile", *both),
        [
            (Cell(name), *(milliseconds(found[name]) for found in percentiles))
            for name in percentiles[0]
        ],
    )
    marks = [
        {"name": name, "ms": ms}
        for name, ms in percentiles[0].items()
        if ms is not None and name in _MARKED
    ]
    alt = "How many requests took how long, on a logarithmic scale, with the percentiles marked."
    chart = Chart("latency-chart", alt, charts.latency(_histogram(summary.duration), marks))
    slowest = Table(
        "The slowest",
        ("request_id", "reference", "took"),
        [
            (
                Cell(_name(slow.request_id)),
                Cell(_name(slow.reference)),
                Cell(f"{slow.ms:,.1f} ms", "number"),
            )
            for slow in summary.slowest
        ],
    )
    lead = "From the first byte of a request to its record. Percentiles are within 1 %."
    parts = [Part([chart], table), Part([], slowest)]
    return Section("latency", "How fast", lead, parts)


def _histogram(measured: Latency) -> list[dict[str, float]]:
    counts: dict[int, int] = {}
    for bucket, count in measured.buckets.items():
        counts[bucket // _LATENCY_STEP] = counts.get(bucket // _LATENCY_STEP, 0) + count
    return [
        {
            "from": math.exp(bucket * _LATENCY_STEP / 100),
            "to": math.exp((bucket + 1) * _LATENCY_STEP / 100),
            "count": count,
        }
        for bucket, count in sorted(counts.items())
    ]


def drift(summary: Summary) -> Section:
    """What the provider sends that the contract does not name, and what it sends at all."""
    named = {
        "Objects with members that the contract does not name": _named(summary.drift),
        "Members that passed, though unusual": _named(summary.unusual),
        "Channels and event types": _named(summary.types),
    }
    parts = [
        _seen(f"drift-{place}", caption, found, summary.span)
        for place, (caption, found) in enumerate(named.items())
        if found
    ]
    lead = (
        "The provider adds members, types and channels without notice. They pass; here they show,"
        " the latest newcomer first."
    )
    return Section("drift", "What changed", lead if parts else "Nothing is known of it.", parts)


def _named(table: Mapping[Any, Seen]) -> list[tuple[str, Seen]]:
    found = [(" · ".join(map(_name, key)), seen) for key, seen in table.items()]
    return sorted(found, key=lambda item: (-(item[1].first or 0), item[0]))


def _seen(id_: str, caption: str, found: list[tuple[str, Seen]], span: Seen) -> Part:
    whole = (span.first or 0) * 1000, (span.last or 0) * 1000
    spans = [
        {
            "name": name,
            "first": seen.first * 1000,
            "last": seen.last * 1000,
            "count": seen.count,
        }
        for name, seen in found[:MOST_ROWS]
        if seen.first is not None and seen.last is not None
    ]
    chart = Chart(id_, f"{caption}: from when to when each was seen.", charts.spans(spans, whole))
    rows = [
        (Cell(name), number(seen.count), when(seen.first), when(seen.last)) for name, seen in found
    ]
    columns = ("what", "times", "first seen", "last seen")
    return Part([chart], _table(caption, columns, rows), wide=True)


def what(summary: Summary) -> Section:
    """Channels and event types."""
    lead = "Of every event that could be read, delivered or not."
    counted = {"channel": summary.channels, "event type": summary.event_types}
    return _tallies("what", "Channels and event types", lead, counted, summary.deliveries)


def whence(summary: Summary) -> Section:
    """Sources, fronts, routes, and what the endpoint answered."""
    lead = "The source is who really sent it, as far as that is certain."
    counted = {
        "source": summary.clients,
        "front": summary.fronts,
        "route": summary.routes,
        "endpoint's answer": summary.upstream_statuses,
    }
    return _tallies("whence", "Where from, and where to", lead, counted, summary.deliveries)


def _table(
    caption: str, columns: tuple[str, ...], rows: Sequence[tuple[Cell, ...]], dropped: int = 0
) -> Table:
    left = len(rows) - MOST_ROWS
    more = f"{left:,} more rows are left out." if left > 0 else ""
    if dropped:
        more += f" {dropped:,} requests under rarer names were not kept apart."
    return Table(caption, columns, rows[:MOST_ROWS], more.strip())


def _coloured(outcome: str) -> str:
    return outcome if outcome in OUTCOMES else "other"


def _name(value: object) -> str:
    return UNKNOWN if value is None else str(value) or '""'


def _period(span: Seen) -> str:
    if span.first is None or span.last is None:
        return ""
    return f"in {_duration((span.last - span.first) / 60)}"


def _duration(minutes: float) -> str:
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            number = round(minutes / size, 1)
            return f"{number:g} {unit}{'' if number == 1 else 's'}"
    return "less than a minute"
