"""The report's charts as Vega-Lite specifications: plain dicts, pure.

Colours are CSS variables of the page, so that light, dark and print need no second drawing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Spec = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]

# Of the last are those that a later hookgate, or a hand, may have written.
OUTCOMES = ("delivered", "refused", "failed", "aborted", "other")

_STEP = 26
_TEXT = {"labelColor": "var(--muted)", "titleColor": "var(--muted)", "labelFontSize": 12}
_CONFIG: Spec = {
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    # The page names each chart, and has its numbers in a table.
    "aria": False,
    "axis": {
        **_TEXT,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "gridColor": "var(--line)",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
    },
    "legend": {**_TEXT, "orient": "top", "title": None, "symbolType": "square"},
    "text": {"color": "var(--ink)", "fontSize": 12},
}
_COLOUR = {
    "field": "outcome",
    "type": "nominal",
    "scale": {"domain": list(OUTCOMES), "range": [f"var(--{outcome})" for outcome in OUTCOMES]},
}

_NAMES: Spec = {
    "field": "name",
    "type": "nominal",
    # As the rows are. A list of names here would become an expression of Vega's, and what senders
    # wrote must stay data.
    "sort": None,
    "axis": {
        "title": None,
        "domain": False,
        "ticks": False,
        "labelPadding": 10,
        "labelColor": "var(--ink)",
    },
}
_COUNT_AXIS = {"title": None, "minExtent": 44, "tickCount": 4, "format": ",d", "domain": False}


def timeline(rows: Rows, height: int = 180) -> Spec:
    """Draw stacked bars over time.

    Each of `rows` has `start` and `end` (milliseconds since 1970), `outcome` and `count`; `height`
    is in pixels.
    """
    present = [o for o in OUTCOMES if any(row["outcome"] == o for row in rows)]
    moment = {"type": "temporal", "format": "%d %b %H:%M", "formatType": "utc"}
    axis = {**_time_axis(rows[0]["start"], rows[-1]["end"]), "grid": False}
    return _spec(
        _stacked(rows),
        mark="rect",
        height=height,
        encoding={
            "x": {"field": "start", "type": "temporal", "scale": {"type": "utc"}, "axis": axis},
            "x2": {"field": "end"},
            "y": {
                "field": "low",
                "type": "quantitative",
                "axis": {**_COUNT_AXIS, "tickCount": height // 30},
            },
            "y2": {"field": "high"},
            "color": {**_COLOUR, "legend": {"values": present}},
            "tooltip": [
                {"field": "start", "title": "from", **moment},
                {"field": "end", "title": "to", **moment},
                {"field": "outcome", "title": "outcome"},
                _count("requests"),
            ],
        },
    )


def _stacked(rows: Rows) -> Rows:
    """Add `low` and `high`: Vega-Lite stacks no bars that have two ends on the other axis."""
    tops: dict[int, int] = {}
    stacked = []
    for row in rows:
        low = tops.get(row["start"], 0)
        tops[row["start"]] = high = low + row["count"]
        stacked.append({**row, "low": low, "high": high})
    return stacked


def bars(rows: Rows) -> Spec:
    """Draw a bar for each of `rows` in their order: `name`, `count`, and maybe its `outcome`."""
    bar: Spec = {"mark": {"type": "bar", "cornerRadiusEnd": 2, "color": "var(--accent)"}}
    if rows and "outcome" in rows[0]:
        bar["encoding"] = {"color": {**_COLOUR, "legend": None}}
    number: Spec = {
        "mark": {"type": "text", "align": "left", "dx": 5},
        "encoding": {"text": {"field": "count", "type": "quantitative", "format": ",d"}},
    }
    most = max((row["count"] for row in rows), default=1)
    return _spec(
        rows,
        layer=[bar, number],
        height=_STEP * len(rows),
        encoding={
            "y": _NAMES,
            "x": {
                "field": "count",
                "type": "quantitative",
                # Room at the right for the longest bar's number.
                "scale": {"domain": [0, most * 1.4]},
                "axis": None,
            },
            "tooltip": [
                {"field": "name", "title": "name"},
                _count("requests"),
            ],
        },
    )


def latency(rows: Rows, marks: Rows) -> Spec:
    """Draw a histogram on a logarithmic scale, with a line at each of `marks` (`name`, `ms`).

    Each of `rows` has `from` and `to`, in milliseconds, and `count`.
    """
    x = {"type": "quantitative", "scale": {"type": "log", "nice": False}}
    axis = {"title": "milliseconds", "format": "~g", "grid": False, "labelOverlap": True}
    histogram: Spec = {
        "mark": {"type": "rect", "color": "var(--accent)"},
        "encoding": {
            "x": {"field": "from", "axis": axis, **x},
            "x2": {"field": "to"},
            "y": {"field": "count", "type": "quantitative", "axis": _COUNT_AXIS},
            "y2": {"datum": 0},
            "tooltip": [
                {"field": "from", "type": "quantitative", "title": "from ms", "format": ",.3~r"},
                {"field": "to", "type": "quantitative", "title": "to ms", "format": ",.3~r"},
                _count("requests"),
            ],
        },
    }
    line: Spec = {
        "data": {"values": list(marks)},
        "mark": {"type": "rule", "color": "var(--ink)", "strokeDash": [3, 3]},
        "encoding": {"x": {"field": "ms", **x}},
    }
    name: Spec = {
        "data": {"values": list(marks)},
        "mark": {"type": "text", "baseline": "bottom", "dy": -2},
        "encoding": {
            "x": {"field": "ms", **x},
            "y": {"value": 0},
            "text": {"field": "name", "type": "nominal"},
        },
    }
    return _spec(rows, layer=[histogram, line, name], height=200)


def spans(rows: Rows, whole: tuple[float, float]) -> Spec:
    """Draw a line from first to last for each of `rows`, on a scale that shows the `whole` time.

    Each has `name`, `first` and `last` (milliseconds since 1970), and `count`.
    """
    axis = _time_axis(*whole)
    time = {"type": "temporal", "scale": {"type": "utc"}}
    ends: list[Spec] = [
        {
            "mark": {"type": "circle", "size": 70, "opacity": 1, "color": "var(--accent)"},
            "encoding": {"x": {"field": end, **time}},
        }
        for end in ("first", "last")
    ]
    return _spec(
        rows,
        layer=[
            {
                "mark": {"type": "rule", "strokeWidth": 3, "color": "var(--accent)"},
                "encoding": {
                    "x": {"field": "first", "axis": axis, **time},
                    "x2": {"field": "last"},
                },
            },
            *ends,
            {
                "data": {"values": [{"end": end} for end in whole]},
                "mark": {"type": "tick", "opacity": 0},
                "encoding": {"x": {"field": "end", **time}, "y": {"value": 0}, "tooltip": None},
            },
        ],
        height=_STEP * len(rows),
        encoding={
            "y": _NAMES,
            "tooltip": [
                {"field": "name", "title": "name"},
                *(
                    {"field": end, "type": "temporal", "title": f"{end} seen",
                     "format": "%d %b %Y %H:%M", "formatType": "utc"}
                    for end in ("first", "last")
                ),
                _count("times"),
            ],
        },
    )  # fmt: skip


def _count(title: str) -> Spec:
    return {"field": "count", "type": "quantitative", "title": title, "format": ",d"}


def _time_axis(first: float, last: float) -> Spec:
    days = (last - first) / 86_400_000
    form = "%H:%M" if days <= 1 else "%d %b %H:%M" if days < 4 else "%d %b"
    if days > 200:
        form = "%b %Y"
    return {"title": None, "labelOverlap": True, "tickCount": 6, "format": form}


def _spec(rows: Rows, **parts: Any) -> Spec:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "config": _CONFIG,
        "width": "container",
        "autosize": {"type": "fit-x", "contains": "padding"},
        "data": {"values": list(rows)},
        **parts,
    }
