"""The section of a report about drift: what the provider began to send without notice."""

from collections.abc import Mapping
from typing import Any

from hookgate.ledger.audit.counters import Seen
from hookgate.ledger.audit.stats import Summary

from . import charts
from .parts import MOST_ROWS, Cell, Chart, Part, Section, first_rows, named, number, when


def drift(summary: Summary) -> Section:
    """Make the section of members that the contract does not name, and of types, by first sight."""
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
        " the latest newcomer first. Of members only the place is recorded, since names are the"
        " sender's words."
    )
    return Section("drift", "What changed", lead if parts else "Nothing is known of it.", parts)


def _named(table: Mapping[Any, Seen]) -> list[tuple[str, Seen]]:
    found = [(" · ".join(map(named, key)), seen) for key, seen in table.items()]
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
    return Part([chart], first_rows(caption, columns, rows), wide=True)
