"""The sections of a report about what came: when, why it was refused, what, and where from."""

from collections.abc import Mapping

from hookgate.ledger.audit.counters import Tally
from hookgate.ledger.audit.stats import Summary
from hookgate_cli.audit.wording import length_of

from . import charts
from .charts import OUTCOMES
from .parts import (
    MOST_ROWS,
    Cell,
    Chart,
    Part,
    Section,
    Table,
    by_outcome,
    day,
    first_rows,
    named,
    number,
    share,
    when,
)

_MOST_BUCKETS = 240
_DAY = 1440


def timeline(summary: Summary) -> Section:
    """Make the section of requests over time, stacked by outcome.

    What was not delivered is drawn again by itself, or nobody would see it.
    """
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
    lead = f"Each bar is {length_of(minutes)}. Times are UTC."
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
    return Table(f"Each row is {length_of(minutes)}", ("from", *outcomes), rows)


def reasons(summary: Summary) -> Section:
    """Make the section of the reasons why requests were not delivered."""
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
    table = first_rows(
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


def kinds(summary: Summary) -> Section:
    """Make the section of channels and event types."""
    lead = "Of every event that could be read, delivered or not."
    counted = {"channel": summary.channels, "event type": summary.event_types}
    return _tallies("what", "Channels and event types", lead, counted, summary.deliveries)


def origins(summary: Summary) -> Section:
    """Make the section of sources, fronts, contracts, and what the endpoint answered."""
    lead = "The source is who really sent it, as far as that is certain."
    counted = {
        "source": summary.clients,
        "front": summary.fronts,
        "contract": summary.routes,
        "endpoint's answer": summary.upstream_statuses,
        "near miss": summary.near_misses,
    }
    return _tallies("whence", "Where from, and where to", lead, counted, summary.deliveries)


def _tallies(id_: str, title: str, lead: str, counted: Mapping[str, Tally], total: int) -> Section:
    """A bar chart and a table for each tally, by what it counts."""
    parts: list[Part] = []
    for what, tally in counted.items():
        found = [(named(name), count) for name, count in tally.top()]
        if not found:
            continue
        chart = Chart(
            f"{id_}-{len(parts)}",
            f"Requests by {what}.",
            charts.bars([{"name": name, "count": count} for name, count in found[:MOST_ROWS]]),
        )
        table = first_rows(
            f"By {what}",
            (what, "requests", "share"),
            [(Cell(name), number(count), share(count, total)) for name, count in found],
            tally.dropped,
        )
        parts.append(Part([chart], table))
    return Section(id_, title, lead if parts else "Nothing is known of it.", parts)


def _coloured(outcome: str) -> str:
    return outcome if outcome in OUTCOMES else "other"
