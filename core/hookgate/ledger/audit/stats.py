"""Ledgers summed up line by line."""

from collections.abc import Iterable

from hookgate.ledger.members import fault_among, is_usual
from hookgate.ledger.reading.reader import Line

from .query import Query
from .summary import MOST_SLOW, REPLAY, Slow, Summary, name_of

__all__ = ["MOST_SLOW", "REPLAY", "SUMMED", "Slow", "Summary", "name_of", "summarise", "summed"]

# The members that a summary goes by.
SUMMED = (
    "event", "ts", "front", "outcome", "reason", "channel", "event_type", "route", "client",
    "status", "upstream_status", "upstream_error", "duration_ms", "upstream_ms", "request_id",
    "reference", "observed", "unknown_in", "unusual", "count", "kept", "not_kept", "custody",
    "near", "cause",
)  # fmt: skip


def summarise(
    lines: Iterable[Line], files: Iterable[str] = (), query: Query | None = None
) -> Summary:
    """Sum up the lines that are asked for, and all that are no records.

    Replays are requests like others where their front is asked for.
    """
    summary = Summary(list(files))
    summary.counts_replays = query is not None and REPLAY in query.front
    for line in map(summed, lines):
        if query is None or line.record is None or query.matches(line.record):
            summary.add(line)
    return summary


def summed(line: Line) -> Line:
    """Return the line, as no record where a member that is summed is not what it may be."""
    if line.record is None or is_usual(line.raw):
        return line
    wrong = fault_among(line.record, SUMMED)
    return line.refused(wrong) if wrong else line
