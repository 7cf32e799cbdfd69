"""What the figures say: Markdown tables, the goals, and a plot."""

from .goals import goals, goals_table
from .plot import plot
from .rows import Results, median, name_of, table
from .tables import SECTIONS

__all__ = ["goals", "markdown", "median", "plot", "table"]


def markdown(results: Results) -> str:
    """Render every figure that is there under a heading, the goals and the versions."""
    figures = results["figures"]
    parts = [_machine(results)]
    for key, (title, render) in SECTIONS.items():
        if figures.get(key):
            parts.append(f"## {title}\n\n{render(results, figures[key])}")
    parts.append(f"## Goals\n\n{goals_table(results)}")
    parts.append(f"## Versions\n\n{_versions(results)}")
    return "\n\n".join(parts) + "\n"


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
    rows = [f"- {name_of(results, key)}: {version}" for key, version in results["versions"].items()]
    return "\n".join(rows)
