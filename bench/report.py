"""What the figures say: Markdown tables, the goals, and a plot."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import vl_convert

Row = dict[str, Any]
Results = dict[str, Any]

MIB = 2**20
# Beyond this share of idle time the load, not the contender, was the bottleneck.
IDLE = 0.05


class Goal(NamedTuple):
    """A figure, what it has to be, and whether it is; `met` is None where it was not measured."""

    what: str
    wanted: str
    found: str
    met: bool | None


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, padded to be read as text too; all columns but the first are numbers."""
    cells = [list(header), *(list(row) for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(header))]
    lines = [
        "| "
        + " | ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        + " |"
        for row in cells
    ]
    rule = "|".join("-" * (width + 2) if not place else "-" * (width + 1) + ":"
                    for place, width in enumerate(widths))  # fmt: skip
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]])


def median(rows: Iterable[Row], key: str, **where: Any) -> float | None:
    """Of the rows that hold these values; None where there are none."""
    values = [row[key] for row in rows if all(row.get(k) == v for k, v in where.items())]
    return statistics.median(values) if values else None


def per_request(rows: Iterable[Row], **where: Any) -> float | None:
    """Microseconds of CPU time, user and system, of each request."""
    both = [{**row, "both": row["user_us"] + row["system_us"]} for row in rows]
    return median(both, "both", **where)


def markdown(results: Results) -> str:
    """Every figure that is there, under a heading each, and the goals."""
    figures = results["figures"]
    parts = [_machine(results)]
    for key, (title, render) in _SECTIONS.items():
        if figures.get(key):
            parts.append(f"## {title}\n\n{render(results, figures[key])}")
    parts.append(f"## Goals\n\n{goals_table(results)}")
    parts.append(f"## Versions\n\n{_versions(results)}")
    return "\n\n".join(parts) + "\n"


def goals_table(results: Results) -> str:
    """Every goal, met or not."""
    words = {True: "met", False: "NOT met", None: "not measured"}
    rows = [(goal.what, goal.wanted, goal.found, words[goal.met]) for goal in goals(results)]
    return table(("goal", "wanted", "found", ""), rows)


def goals(results: Results) -> list[Goal]:
    """What hookgate is meant to reach beside the others."""
    figures = results["figures"]
    rates, latencies = figures.get("rate", []), figures.get("latency", [])

    def ratio(key: str, other: str, goal: float) -> Goal:
        """By CPU time where the load was the bottleneck of one of them."""
        ours, theirs = (median(rates, "rate", contender=who) for who in (key, other))
        cost, cheaper = (per_request(rates, contender=who) for who in (key, other))
        what = f"requests/s of {key} / {other}"
        if not (ours and theirs and cost and cheaper):
            return _at_least(what, goal, None)
        idle = max(median(rates, "core_idle", contender=who) or 0 for who in (key, other))
        if idle > IDLE:
            return _at_least(f"{what}, by CPU time", goal, cheaper / cost)
        return _at_least(what, goal, ours / theirs)

    refusals = figures.get("refusal", [])
    foreign, accepted = (
        per_request(refusals, contender="hookgate", case=case) for case in ("foreign", "accepted")
    )
    top = max((r["rate"] for r in latencies if r["contender"] == "fastify"), default=None)
    ours, theirs = (
        median(latencies, "p99_us", contender=who, rate=top) for who in ("hookgate", "fastify")
    )
    both = f"{ours / 1000:.2f} / {theirs / 1000:.2f}" if ours and theirs else "-"
    memory = next((r for r in figures.get("memory", []) if r["contender"] == "hookgate"), None)
    return [
        ratio("hookgate", "nginx", 0.40),
        ratio("hookgate", "fastify", 2.5),
        ratio("hookgate", "caddy", 2.5),
        ratio("addon", "mitmdump", 0.9),
        Goal("p99 of hookgate / fastify at one rate, ms", "lower", both,
             ours <= theirs if ours and theirs else None),
        _at_most("CPU of refusing a stranger / accepting", 0.5,
                 foreign / accepted if foreign and accepted else None),
        _at_most("MiB of the largest process after the load", 60,
                 max(memory["samples"][-1]["pss_bytes"]) / MIB if memory else None),
        _at_most("MiB that it grew in the load's second half", 1,
                 _growth(memory["samples"]) / MIB if memory else None),
    ]  # fmt: skip


def _at_least(what: str, goal: float, found: float | None) -> Goal:
    return Goal(what, f">= {goal:g}", "-" if found is None else f"{found:.2f}",
                None if found is None else found >= goal)  # fmt: skip


def _at_most(what: str, goal: float, found: float | None) -> Goal:
    return Goal(what, f"<= {goal:g}", "-" if found is None else f"{found:.2f}",
                None if found is None else found <= goal)  # fmt: skip


def _growth(samples: Sequence[Row]) -> float:
    """Bytes between the sample in the middle of the load and the last."""
    half = samples[-1]["requests"] / 2
    middle = min(samples, key=lambda sample: abs(sample["requests"] - half))
    return float(sum(samples[-1]["pss_bytes"]) - sum(middle["pss_bytes"]))


def _name(results: Results, key: str) -> str:
    return str(results["contenders"].get(key, {}).get("name", key))


def _in_order(results: Results, rows: Sequence[Row]) -> list[str]:
    """The contenders that the rows are about."""
    found = {row["contender"] for row in rows}
    return [key for key in results["contenders"] if key in found]


def _machine(results: Results) -> str:
    machine = results["machine"]
    options = ", ".join(f"{key} {value}" for key, value in results["options"].items())
    return (
        "# hookgate beside others\n\n"
        "Made by `make bench`; [README.md](../README.md) says how to read it.\n\n"
        f"{machine['date'][:10]}, {machine['cpu']}, {machine['cores']} cores,"
        f" {machine['memory_bytes'] / 2**30:.0f} GiB, Linux {machine['kernel']},"
        f" {machine['system']}, Python {machine['python']}. {options}."
    )


def _versions(results: Results) -> str:
    rows = [f"- {_name(results, key)}: {version}" for key, version in results["versions"].items()]
    return "\n".join(rows)


def _rate(results: Results, rows: list[Row]) -> str:
    bare = median(rows, "rate", contender="nginx")
    lines, idle = [], []
    for key in sorted(
        _in_order(results, rows), key=lambda k: -(median(rows, "rate", contender=k) or 0)
    ):
        values = [row["rate"] for row in rows if row["contender"] == key]
        middle = statistics.median(values)
        user, system = (median(rows, name, contender=key) or 0 for name in ("user_us", "system_us"))
        if (median(rows, "core_idle", contender=key) or 0) > IDLE:
            idle.append(_name(results, key))
        lines.append(
            (
                _name(results, key),
                f"{middle:,.0f}",
                f"{min(values):,.0f}..{max(values):,.0f}",
                f"{middle / bare:.2f}" if bare else "-",
                f"{user:.0f}",
                f"{system:.0f}",
                f"{1e6 / (user + system):,.0f}" if user + system else "-",
                results["contenders"][key]["leaves_out"],
            )
        )
    header = ("", "requests/s", "min..max", "of nginx", "user µs", "system µs", "a core could",
              "leaves out")  # fmt: skip
    note = (
        f"Core left idle for more than {IDLE:.0%} of the time, so that the load was the bottleneck:"
        f" {', '.join(idle) or 'none'}."
    )
    return f"{table(header, lines)}\n\n{note}"


def _latency(results: Results, rows: list[Row]) -> str:
    parts = []
    for rate in sorted({row["rate"] for row in rows}):
        those = [row for row in rows if row["rate"] == rate]
        lines = [
            (
                _name(results, key),
                *(
                    f"{(median(those, name, contender=key) or 0) / 1000:.2f}"
                    for name in ("p50_us", "p99_us")
                ),
                # Of fewer it would be the largest.
                f"{(median(those, 'p999_us', contender=key) or 0) / 1000:.2f}"
                if those[0]["requests"] > 1000
                else "-",
                f"{max(row['p99_us'] for row in those if row['contender'] == key) / 1000:.2f}",
            )
            for key in _in_order(results, those)
        ]
        late = statistics.median(row["lateness_p99_us"] for row in those) / 1000
        header = (f"{rate:,.0f} requests/s", "p50 ms", "p99 ms", "p99.9 ms", "worst p99 ms")
        parts.append(
            f"{table(header, lines)}\n\n{those[0]['requests']:,} requests a round. The load sent"
            f" 99% of them no more than {late:.2f} ms late, which is in the figures."
        )
    return "\n\n".join(parts)


def _memory(results: Results, rows: list[Row]) -> str:
    lines = [
        (
            _name(results, row["contender"]),
            f"{len(row['samples'][-1]['pss_bytes'])}",
            f"{sum(row['samples'][0]['pss_bytes']) / MIB:.1f}",
            f"{sum(row['samples'][-1]['pss_bytes']) / MIB:.1f}",
            f"{row['samples'][-1]['requests']:,}",
            f"{_growth(row['samples']) / MIB:+.1f}",
        )
        for row in rows
    ]
    header = ("", "processes", "MiB at start", "MiB after", "requests", "MiB in the second half")
    return table(header, lines)


def _startup(results: Results, rows: list[Row]) -> str:
    lines = []
    for key in _in_order(results, rows):
        values = [row["seconds"] * 1000 for row in rows if row["contender"] == key]
        lines.append((_name(results, key), f"{statistics.median(values):.0f}",
                      f"{min(values):.0f}..{max(values):.0f}"))  # fmt: skip
    return table(("", "ms to the first answer", "min..max"), lines)


def _refusal(results: Results, rows: list[Row]) -> str:
    lines = []
    for key in _in_order(results, rows):
        accepted = per_request(rows, contender=key, case="accepted")
        for case in dict.fromkeys(row["case"] for row in rows):
            cost = per_request(rows, contender=key, case=case)
            if cost is None:
                continue
            row = next(r for r in rows if r["contender"] == key and r["case"] == case)
            lines.append(
                (
                    _name(results, key),
                    case,
                    str(row["status"]),
                    f"{median(rows, 'rate', contender=key, case=case) or 0:,.0f}",
                    f"{cost:.0f}",
                    f"{cost / accepted:.2f}" if accepted else "-",
                    "kept" if row["keeps_connection"] else "closed",
                )
            )
    header = ("", "case", "status", "requests/s", "CPU µs", "of accepting", "connection")
    return table(header, lines)


def _growing(by: str, unit: str) -> Callable[[Results, list[Row]], str]:
    def render(results: Results, rows: list[Row]) -> str:
        sizes = sorted({row[by] for row in rows})
        lines = []
        for key in _in_order(results, rows):
            cells = []
            for size in sizes:
                where = {"contender": key, by: size}
                rate, cost = median(rows, "rate", **where), per_request(rows, **where)
                cells.append("-" if rate is None or cost is None else f"{rate:,.0f} ({cost:,.0f})")
            lines.append((_name(results, key), *cells))
        header = ("requests/s (CPU µs)", *(f"{size:,} {unit}" for size in sizes))
        return table(header, lines)

    return render


def _policy(_: Results, rows: list[Row]) -> str:
    lines = [
        (case, f"{median(rows, 'rate', case=case) or 0:,.0f}",
         f"{1e6 / (median(rows, 'rate', case=case) or 1):.1f}")
        for case in dict.fromkeys(row["case"] for row in rows)
    ]  # fmt: skip
    return table(("", "events/s", "µs"), lines)


_SECTIONS: dict[str, tuple[str, Callable[[Results, list[Row]], str]]] = {
    "rate": ("Throughput", _rate),
    "latency": ("Latency at one rate", _latency),
    "refusal": ("What refusing costs", _refusal),
    "memory": ("Memory", _memory),
    "startup": ("Start", _startup),
    "bodies": ("By size of the event", _growing("bytes", "bytes")),
    "ranges": ("By number of source ranges", _growing("ranges", "ranges")),
    "connections": ("By number of connections", _growing("connections", "connections")),
    "policy": ("The policy alone", _policy),
}


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
    """Requests a second of every contender, as an SVG for light and dark pages."""
    rows = results["figures"]["rate"]
    values = []
    for key in _in_order(results, rows):
        rates = [row["rate"] for row in rows if row["contender"] == key]
        cost = per_request(rows, contender=key) or 0
        values.append(
            {
                "name": _name(results, key),
                "rate": statistics.median(rates),
                "label": f"{statistics.median(rates):,.0f}",
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
                  "subtitle": "bar: median, line: all rounds, tick: what the CPU time would allow"},
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
