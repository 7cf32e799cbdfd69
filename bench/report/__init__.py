"""What the figures say: Markdown tables, the goals, and a plot."""

import re

from .goals import goals, goals_table
from .plot import plot
from .rows import Results, median, name_of, per_request, table
from .tables import SECTIONS

__all__ = ["fill", "goals", "markdown", "median", "plot", "table"]

_BLOCK = re.compile(r"(<!-- bench: (\w+) -->\n).*?(<!-- /bench -->)", re.DOTALL)


def markdown(results: Results) -> str:
    """Render every figure that is there under a heading, the goals and the versions."""
    figures = results["figures"]
    parts = [
        "# hookgate beside others",
        "Made by `make bench`; [README.md](../README.md) says how to read it.",
        _machine(results),
    ]
    for key, (title, render) in SECTIONS.items():
        if figures.get(key):
            parts.append(f"## {title}\n\n{render(results, figures[key])}")
    parts.append(f"## Goals\n\n{goals_table(results)}")
    parts.append(f"## Versions\n\n{_versions(results)}")
    return "\n\n".join(parts) + "\n"


def fill(page: str, results: Results) -> str:
    """Write the results into a page: between `<!-- bench: KEY -->` and `<!-- /bench -->` each.

    KEY is a figure, `goals`, `machine` or `headline`. Raises KeyError for another.
    """

    def render(block: re.Match[str]) -> str:
        key = block[2]
        own = {"goals": goals_table, "machine": _machine, "headline": _headline}
        if key in own:
            return f"{block[1]}{own[key](results)}\n{block[3]}"
        return f"{block[1]}{SECTIONS[key][1](results, results['figures'][key])}\n{block[3]}"

    return _BLOCK.sub(render, page)


def _headline(results: Results) -> str:
    """Two lines: what hookgate and a bare nginx do on one core."""
    rows = results["figures"]["rate"]
    ours, bare = (median(rows, "rate", contender=who) or 0 for who in ("hookgate", "nginx"))
    cost = per_request(rows, contender="hookgate") or 0
    return (
        f"On one core the sidecar forwards {round(ours, -2):,.0f} events a second, at {cost:.0f} µs"
        " of processor time each, with every\ncheck and the ledger on; nginx as a bare proxy does"
        f" {round(bare, -2):,.0f}."
    )


def _machine(results: Results) -> str:
    machine = results["machine"]
    options = ", ".join(f"{key} {value}" for key, value in results["options"].items())
    return (
        f"{machine['date'][:10]}, {machine['cpu']}, {machine['cores']} cores,"
        f" {machine['memory_bytes'] / 2**30:.0f} GiB, Linux {machine['kernel']},"
        f" {machine['system']}, Python {machine['python']}. {options}."
    )


def _versions(results: Results) -> str:
    rows = [f"- {name_of(results, key)}: {version}" for key, version in results["versions"].items()]
    return "\n".join(rows)
