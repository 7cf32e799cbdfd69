"""A row of the last quarter of an hour, as a line of bars. Pure."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from rich.text import Text

from . import words

_BARS = "▂▃▄▅▆▇█"
_ZERO, _GAP = "▁", "·"
_NO_BARS = _ZERO + _GAP
_LABEL = 25
STYLES = {
    "delivered": "green",
    "inside": "yellow",
    "foreign": "blue",
    "failed": "red",
    "aborted": "magenta",
}


def draw(row: dict[str, Any], width: int) -> Text:
    """Draw a row of the strip: its title, its rate now, and bars on a scale of its own.

    Points stand where the gate did not answer, and nothing before the first look.
    """
    style = STYLES[row["name"]]
    has_any = any(row["values"])
    line = Text(f"{row['title']:16}", style if has_any else "dim")
    line.append(f"{words.rate(row['now']):>8} ", "bold" if row["now"] else "dim")
    for bar in bars(row["values"], width - _LABEL):
        line.append(bar, "dim" if bar in _NO_BARS else style)
    return line


def bars(values: Sequence[int | None], columns: int) -> str:
    """Draw values as so many characters at most, each the most of those that it stands for."""
    columns = max(0, min(columns, len(values)))
    ends = [round(n * len(values) / columns) for n in range(columns + 1)] if columns else []
    parts = [values[a:b] for a, b in pairwise(ends)]
    heights = [max((v for v in part if v is not None), default=None) for part in parts]
    high = max((h for h in heights if h), default=1)
    drawn = (
        _GAP if h is None else _BARS[(h * len(_BARS) - 1) // high] if h else _ZERO for h in heights
    )
    # Of the time before the first look nothing is known.
    return "".join(drawn).lstrip(_GAP).rjust(columns)
