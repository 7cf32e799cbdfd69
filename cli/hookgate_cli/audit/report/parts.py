"""The shapes that a report is made of, and how numbers and times are written in it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from .charts import Spec

UNKNOWN = "–"  # noqa: RUF001  # the dash of an empty cell


class Cell(NamedTuple):
    """A text, and what it is: "number", "moment", an outcome, or just a text."""

    text: str
    kind: str = ""


class Chart(NamedTuple):
    """`alt` says what it shows to whoever cannot see it."""

    id: str
    alt: str
    spec: Spec


class Table(NamedTuple):
    """`more` says what was left out."""

    caption: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    more: str = ""


class Part(NamedTuple):
    """Charts and their table beside them, or below them where it is `wide`."""

    charts: list[Chart]
    table: Table
    wide: bool = False


class Section(NamedTuple):
    """A heading, a sentence, and parts one below the other."""

    id: str
    title: str
    lead: str
    parts: list[Part]


class Tile(NamedTuple):
    """A headline number; `outcome` gives it a colour."""

    name: str
    value: str
    note: str = ""
    outcome: str = ""


class Verdict(NamedTuple):
    """An answer, its `mark` "good", "bad" or "unsure"."""

    mark: str
    title: str
    text: str


def number(count: int) -> Cell:
    """With its thousands apart."""
    return Cell(f"{count:,}", "number")


def share(count: int, total: int) -> Cell:
    """In percent, and never 0 or 100 where it is not."""
    percent = 100 * count / total if total else 0.0
    text = f"{percent:.1f} %"
    if 0 < percent < 0.1:
        text = "< 0.1 %"
    elif 99.9 < percent < 100:
        text = "> 99.9 %"
    return Cell(text, "number")


def milliseconds(ms: float | None) -> Cell:
    """As short as its accuracy: 3.21 ms, 1.4 s."""
    if ms is None:
        return Cell(UNKNOWN, "number")
    return Cell(f"{ms / 1000:.3g} s" if ms >= 1000 else f"{ms:.3g} ms", "number")


def when(moment: float | None) -> Cell:
    """A time in UTC, to the minute."""
    if moment is None:
        return Cell(UNKNOWN, "moment")
    return Cell(datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M"), "moment")


def day(moment: float) -> Cell:
    """A date in UTC."""
    return Cell(when(moment).text[:10], "moment")
