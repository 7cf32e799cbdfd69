"""The lines of a screen. Pure."""

from typing import Any

from rich.text import Text

from hookgate.live.meanings import meaning_of
from hookgate_cli.terminal import printable

from .causes import cause_lines
from .head import figure_lines, figures, gate_line, header
from .strip import draw as draw_strip
from .table import draw as draw_table
from .view import Row, View

Picture = dict[str, Any]

_SHOWN_AS = {
    "": "all", "failed": "failed", "inside": "refused", "foreign": "outside", "aborted": "left",
}  # fmt: skip
# Lines below which there is no room for the strip.
_LOW = 18
_ALL = 1 << 20
# What is drawn, such as the strip, needs no more columns.
_WIDE = 120
_MOST_GATES = 8


def draw(picture: Picture, view: View, width: int, height: int) -> list[Text]:
    """Draw a screen of so many columns and lines, the last with the keys."""
    if view.text is not None:
        text = [Text(printable(view.title), "bold"), *view.text[view.scroll :]]
        return _fill(text, [], _keys("↑↓ PgUp PgDn move  q back"), width, height)
    is_low = height < _LOW
    causes = cause_lines(picture, width, 1 if is_low else max(3, height // 6))
    is_paused = view.paused is not None
    lines = _above(picture, width, is_low=is_low, is_paused=is_paused, causes=causes)
    detail = [] if is_low else _detail(view.row)
    room = height - len(lines) - len(detail) - 1
    lines += draw_table(view, picture["unknown"], width, room)
    pause = "go on" if is_paused else "pause"
    kind, contract = _SHOWN_AS[view.kind], view.contract or "all"
    shown = f"o outcome: {kind}  c contract: {contract}"
    keys = f"q quit  p {pause}  {shown}  ↑↓ move  ⏎ explain  ? help"
    return _fill(lines, detail, _keys(keys), width, height)


def draw_once(picture: Picture, width: int) -> list[Text]:
    """Draw all there is, for a pipe or a plain terminal; a pipe is as wide as its longest line."""
    view = View()
    view.choose(picture["not_delivered"])
    causes = cause_lines(picture, width, _ALL)
    lines = _above(picture, min(width, _WIDE), is_low=False, is_paused=False, causes=causes)
    lines += draw_table(view, picture["unknown"], width, _ALL, has_cursor=False)
    lines = [_cut(line, width) for line in lines]
    for line in lines:
        line.rstrip()
    return lines


def _above(
    picture: Picture, width: int, *, is_low: bool, is_paused: bool, causes: list[Text]
) -> list[Text]:
    gates = picture["gates"]
    lines = [header(picture, width, is_paused=is_paused), *causes]
    if len(gates) > 1 and not is_low:
        lines += map(gate_line, gates[:_MOST_GATES])
    lines += figure_lines(figures(picture["total"] or gates[0], gates), width)[: 1 if is_low else 3]
    if not is_low:
        lines += (draw_strip(row, width) for row in picture["strips"]["rows"])
    return lines


def _detail(row: Row | None) -> list[Text]:
    """Tell more of the row under the cursor: what its line holds, and what its reason means."""
    if row is None:
        return [Text(), Text()]
    meaning = meaning_of(row["reason"] or "", row["upstream_error"] or "")
    said = f"{meaning.means}. {meaning.first}" if meaning is not None else ""
    first = Text().append(printable(row["request_id"] or "-"), "bold")
    for name in ("found", "path", "channel", "event_type"):
        if row[name] and not said.startswith(f"{row[name]}. "):
            first.append(f"  {printable(row[name])}")
    return [first, Text(said, "dim")]


def _keys(text: str) -> Text:
    return Text(printable(text), "reverse")


def _fill(above: list[Text], below: list[Text], last: Text, width: int, height: int) -> list[Text]:
    room = max(0, height - len(below) - 1)
    filled = [*above[:room], *([Text()] * (room - len(above)))]
    return [_cut(line, width) for line in (*filled, *below, last)][-height:]


def _cut(line: Text, width: int) -> Text:
    line = line.copy()
    line.truncate(max(0, width), overflow="ellipsis")
    return line
