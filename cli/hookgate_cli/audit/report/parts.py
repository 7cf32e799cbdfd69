"""The parts of a report, and how numbers, times and tables are written in it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from .charts import OUTCOMES, Spec

MOST_ROWS = 12
UNKNOWN = "–"  # noqa: RUF001  # the dash of an empty cell


class Cell(NamedTuple):
    """One cell of a table; its kind is "number", "moment", an outcome, or "" for a plain text."""

    text: str
    kind: str = ""


class Chart(NamedTuple):
    """One chart; `alt` describes it to whoever cannot see it."""

    id: str
    alt: str
    spec: Spec


class Table(NamedTuple):
    """One table; `more` says what was left out of it."""

    caption: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    more: str = ""


class Part(NamedTuple):
    """Some charts with their table beside them, or below them where it is `wide`."""

    charts: list[Chart]
    table: Table
    wide: bool = False


class Section(NamedTuple):
    """One section: a heading, a leading sentence, and parts one below the other."""

    id: str
    title: str
    lead: str
    parts: list[Part]


class Tile(NamedTuple):
    """One headline number; `outcome` gives it a colour."""

    name: str
    value: str
    note: str = ""
    outcome: str = ""


class Verdict(NamedTuple):
    """One verdict; its `mark` is "good", "bad" or "unsure"."""

    mark: str
    title: str
    text: str


def number(count: int) -> Cell:
    """Format a count, with its thousands separated by commas."""
    return Cell(f"{count:,}", "number")


def share(count: int, total: int) -> Cell:
    """Format a share in percent; never as 0 or 100 where it is not exactly that."""
    percent = 100 * count / total if total else 0.0
    text = f"{percent:.1f} %"
    if 0 < percent < 0.1:
        text = "< 0.1 %"
    elif 99.9 < percent < 100:
        text = "> 99.9 %"
    return Cell(text, "number")


def milliseconds(ms: float | None) -> Cell:
    """Format milliseconds to three digits, as "3.21 ms" or "1.4 s"."""
    if ms is None:
        return Cell(UNKNOWN, "number")
    return Cell(f"{ms / 1000:.3g} s" if ms >= 1000 else f"{ms:.3g} ms", "number")


def when(moment: float | None) -> Cell:
    """Format a Unix time in UTC, to the minute."""
    if moment is None:
        return Cell(UNKNOWN, "moment")
    return Cell(datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M"), "moment")


def day(moment: float) -> Cell:
    """Format a Unix time as a date in UTC."""
    return Cell(when(moment).text[:10], "moment")


def named(value: object) -> str:
    """Format a name that was counted; None and the empty text are shown as such."""
    return UNKNOWN if value is None else str(value) or '""'


def by_outcome(counts: Mapping[str, int]) -> dict[str, int]:
    """Sum up counts by the outcomes that have a colour; all others count as "other"."""
    known: dict[str, int] = dict.fromkeys(OUTCOMES, 0)
    for outcome, count in counts.items():
        known[outcome if outcome in known else "other"] += count
    return known


def first_rows(
    caption: str, columns: tuple[str, ...], rows: Sequence[tuple[Cell, ...]], dropped: int = 0
) -> Table:
    """Make a table of the first 12 rows; `dropped` requests were counted under no name."""
    more = left_out(len(rows) - MOST_ROWS, "rows")
    if dropped:
        more += f" {dropped:,} requests under rarer names were not kept apart."
    return Table(caption, columns, rows[:MOST_ROWS], more.strip())


def left_out(left: int, what: str) -> str:
    """Return a sentence on how many more rows there are; "" for none."""
    return f"{left:,} more {what} are left out." if left > 0 else ""
