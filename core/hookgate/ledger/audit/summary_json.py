"""What a ledger comes to, as JSON tells it."""

from dataclasses import asdict
from typing import Any

from .counters import Tally
from .summary import Summary

MOST_BUCKETS = 500
TOP = 20


def as_dict(summary: Summary) -> dict[str, Any]:
    """Return a summary for JSON: names with their counts, the commonest first."""
    width, buckets = summary.timeline.coarsened(MOST_BUCKETS)
    tallies = (
        *("fronts", "routes", "channels", "event_types", "upstream_statuses"),
        *("upstream_errors", "observed"),
    )
    return {
        "files": summary.files,
        "lines": summary.lines,
        "problems": summary.problems,
        "problem_places": [{"place": place, "problem": text} for place, text in summary.places],
        "first": summary.span.first,
        "last": summary.span.last,
        "deliveries": summary.deliveries,
        "summed": summary.summed,
        "outcomes": summary.outcomes,
        "reasons": _by_reason(summary.reasons),
        "not_200": summary.not_200,
        "kept": summary.kept,
        "not_kept": dict(summary.not_kept.top()),
        "custody": summary.custody,
        "released": dict(summary.released.top()),
        "near_misses": dict(summary.near_misses.top()),
        "replays": _by_reason(summary.replays),
        **{name: dict(getattr(summary, name).top()) for name in tallies},
        "clients": dict(summary.clients.top(TOP)),
        "other_clients": max(0, len(summary.clients.counts) - TOP),
        "duration_ms": summary.duration.percentiles(),
        "upstream_ms": summary.upstream.percentiles(),
        "timeline": {
            "minutes": width,
            "buckets": [{"start": start, **counts} for start, counts in buckets],
        },
        "slowest": [slow._asdict() for slow in summary.slowest],
        "unknown_members": [
            {"channel": channel, "event_type": event_type, "in": parent, **asdict(seen)}
            for (channel, event_type, parent), seen in summary.drift.items()
        ],
        "unusual": [
            {"channel": channel, "event_type": event_type, "at": pointer, **asdict(seen)}
            for (channel, event_type, pointer), seen in summary.unusual.items()
        ],
        "types": [
            {"channel": channel, "event_type": event_type, **asdict(seen)}
            for (channel, event_type), seen in summary.types.items()
        ],
    }


def _by_reason(tally: Tally) -> list[dict[str, Any]]:
    return [
        {"outcome": outcome, "reason": reason, "count": count}
        for (outcome, reason), count in tally.top()
    ]
