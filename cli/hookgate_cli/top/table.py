"""What was not delivered, a line each, as many columns as there is room for. Pure."""

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from hookgate_cli.terminal import printable

from . import words
from .causes import wrap
from .strip import STYLES
from .view import Row, View

# In the order in which they are left out where there is no room; the least letters, and the most
# where not all have room.
_WIDTHS = {
    "request id": (20, 36),
    "gate": (8, 20),
    "contract": (9, 16),
    "client": (15, 39),
    "where": (12, 60),
    "reason": (12, 25),
    "time": (8, 8),
}
_ORDER = ("time", "gate", "reason", "where", "contract", "client", "request id")
_GAP = 2


def draw(
    view: View, unknown: str, width: int, height: int, *, has_cursor: bool = True
) -> list[Text]:
    """Draw the rows that are wanted in so many lines, with the cursor among them.

    `unknown` says why there may be more; "" where there are none.
    """
    if height < 2:
        return []
    columns = fit(view.rows, width)
    lines = [_line(dict(zip(columns, columns, strict=True)), columns, "dim underline")]
    if not view.rows:
        known = "of this kind " if view.kind or view.contract else ""
        said = unknown or f"Nothing {known}that was not delivered."
        return [*lines, *wrap(Text(printable(said), "dim"), width)]
    room = height - 1
    top = max(0, min(view.place - room // 2, len(view.rows) - room))
    for place, row in enumerate(view.rows[top : top + room], top):
        style = STYLES.get(row["kind"], "")
        line = _line(cells(row), columns, style if row["kind"] != "foreign" else "dim")
        if has_cursor and place == view.place:
            line.append(" " * max(0, width - line.cell_len))
            line.stylize("reverse")
        lines.append(line)
    return lines


def cells(row: Row) -> dict[str, str]:
    """Return what stands in each column."""
    told: dict[str, Any] = {
        "time": words.clock(row["time"]),
        "gate": row["gate"],
        "reason": row["reason"],
        "where": where(row),
        "contract": row["route"],
        "client": row["client"],
        "request id": row["request_id"],
    }
    return {name: printable(value or "") for name, value in told.items()}


def where(row: Row) -> str:
    """Say in what it was found: the place in the body, the endpoint's answer, else the path."""
    answered = row["upstream_error"] or row["upstream_status"]
    return str(row["pointer"] or (f"endpoint {answered}" if answered else row["path"] or ""))


def fit(rows: Sequence[Row], width: int) -> dict[str, int]:
    """Return the columns that there is room for, and their widths."""
    told = [cells(row) for row in rows]
    wanted = {
        name: max([least, *(len(cell[name]) for cell in told)])
        for name, (least, _) in _WIDTHS.items()
        if name != "gate" or len({row["gate"] for row in rows}) > 1
    }
    is_room = sum(wanted.values()) + _GAP * (len(wanted) - 1) <= width
    needed = {n: w if is_room else min(w, _WIDTHS[n][1]) for n, w in wanted.items()}
    names = list(needed)
    while len(names) > 1 and sum(_WIDTHS[n][0] + _GAP for n in names) - _GAP > width:
        names.pop(0)
    left = width + _GAP - sum(_WIDTHS[name][0] + _GAP for name in names)
    widths = {name: _WIDTHS[name][0] for name in names}
    for name in reversed(names):
        more = max(0, min(needed[name] - widths[name], left))
        widths[name] += more
        left -= more
    return {name: widths[name] for name in _ORDER if name in widths}


def _line(told: dict[str, str], columns: dict[str, int], style: str) -> Text:
    """Write a line: the reason in the style, and the whole where it is no colour alone."""
    line, rest = Text(), style if style.startswith("dim") else ""
    for name, width in columns.items():
        said = told[name]
        if name == "gate" and len(said) > width:  # by its end it is told from others of its host
            said = f"…{said[1 - width :]}"
        cell = Text(said, style if name == "reason" else rest)
        cell.truncate(width, overflow="ellipsis", pad=True)
        line.append_text(cell).append(" " * _GAP)
    line.rstrip()
    return line
