"""The section of a report about latency: percentiles, a histogram and the slowest requests."""

import math

from hookgate.ledger.audit.counters import Latency
from hookgate.ledger.audit.stats import Summary

from . import charts
from .parts import Cell, Chart, Part, Section, Table, milliseconds, named

# In hundredths of the natural logarithm: about a fifth wider each.
_LATENCY_STEP = 20
_MARKED = ("p50", "p99", "p99.9")


def latency(summary: Summary) -> Section:
    """Make the section of latency, in milliseconds."""
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
                Cell(named(slow.request_id)),
                Cell(named(slow.reference)),
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
