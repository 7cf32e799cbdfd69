"""A chart of the rates."""

import statistics
from pathlib import Path

import vl_convert

from .rows import Results, in_order, name_of, per_request

_KINDS = {
    "hookgate, the whole job": "#2f81f7",
    "judges the event too": "#3fa266",
    "does not read the event": "#8b949e",
}


def _kind(results: Results, key: str) -> str:
    whole, judges, other = _KINDS
    if key in {"hookgate", "addon"}:
        return whole
    return judges if results["contenders"][key]["judges_body"] else other


def plot(results: Results, file: Path) -> None:
    """Draw requests a second of every contender, as an SVG for light and dark pages."""
    values = []
    for load, what in (("rate", ""), ("alike", ", heads alike")):
        rows = results["figures"].get(load, [])
        for key in in_order(results, rows):
            rates = [row["rate"] for row in rows if row["contender"] == key]
            cost = per_request(rows, contender=key) or 0
            values.append(
                {
                    "name": name_of(results, key) + what,
                    "rate": statistics.median(rates),
                    "label": f"{statistics.median(rates):,.0f}, {cost:,.0f} µs",
                    "low": min(rates),
                    "high": max(rates),
                    "could": 1e6 / cost if cost else None,
                    "kind": _kind(results, key),
                }
            )
    values.sort(key=lambda value: -value["rate"])
    axis = {"labelLimit": 300, "ticks": False, "domain": False}
    order = [value["name"] for value in values]
    by_name = {"field": "name", "type": "nominal", "sort": order, "title": None, "axis": axis}
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "title": {"text": "Requests a second on one core", "anchor": "start",
                  "subtitle": "bar: median; line: all rounds; tick: what the CPU time would allow"},
        "data": {"values": values},
        "width": 560,
        "height": {"step": 26},
        "background": None,
        # Room for a wider font than the one that the text is measured with.
        "padding": {"left": 24, "right": 24, "top": 5, "bottom": 5},
        "config": {"view": {"stroke": None}, "font": "sans-serif",
                   "axis": {"tickCount": 8, "gridColor": "#8886", "labelFontSize": 12,
                            "titleFontSize": 12},
                   "title": {"fontSize": 15, "subtitleFontSize": 12}},
        "encoding": {"y": by_name},
        "layer": [
            {"mark": {"type": "bar", "height": 16},
             "encoding": {
                 "x": {"field": "rate", "type": "quantitative", "title": "requests/s"},
                 "color": {"field": "kind", "type": "nominal", "title": None,
                           "legend": {"orient": "bottom", "labelLimit": 300, "labelFontSize": 12,
                                      "columnPadding": 40},
                           "scale": {"domain": list(_KINDS), "range": list(_KINDS.values())}}}},
            {"mark": {"type": "rule", "strokeWidth": 2, "color": "#d29922"},
             "encoding": {"x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"}}},
            {"mark": {"type": "tick", "thickness": 2, "size": 16, "color": "#d29922"},
             "encoding": {"x": {"field": "could", "type": "quantitative"}}},
            {"transform": [{"calculate": "max(datum.rate, datum.could, datum.high)", "as": "end"}],
             "mark": {"type": "text", "align": "left", "dx": 6, "fontSize": 12},
             "encoding": {"x": {"field": "end", "type": "quantitative"},
                          "text": {"field": "label"}}},
        ],
    }  # fmt: skip
    svg = vl_convert.vegalite_to_svg(spec)
    style = "<style>text{fill:#1f2328}@media(prefers-color-scheme:dark){text{fill:#e6edf3}}</style>"
    file.write_text(svg.replace("<defs", style + "<defs", 1) if "<defs" in svg
                    else svg.replace(">", ">" + style, 1))  # fmt: skip
