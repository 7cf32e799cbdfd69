"""Rows of figures, as in the JSON file, and what is made of them: medians and tables."""

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

Row = dict[str, Any]
Results = dict[str, Any]

MIB = 2**20
# Beyond this share of idle time the load, not the contender, was the bottleneck.
IDLE = 0.05
# Beside any hostile sender: of the clean one, and of a worker. The latter is half of the limit in
# the shipped Kubernetes manifest.
P99_MS, PEAK_MIB = 100, 256


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Render a Markdown table, padded to be read as text; all columns but the first are numbers."""
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
    """Return the median over the rows that hold these values; None where there are none."""
    values = [row[key] for row in rows if all(row.get(k) == v for k, v in where.items())]
    return statistics.median(values) if values else None


def per_request(rows: Iterable[Row], **where: Any) -> float | None:
    """Return the median of microseconds of CPU time a request, user and system."""
    both = [{**row, "both": row["user_us"] + row["system_us"]} for row in rows]
    return median(both, "both", **where)


def growth(samples: Sequence[Row]) -> float:
    """Return by how many bytes memory grew in the second half of the load."""
    half = samples[-1]["requests"] / 2
    middle = min(samples, key=lambda sample: abs(sample["requests"] - half))
    return float(sum(samples[-1]["pss_bytes"]) - sum(middle["pss_bytes"]))


def name_of(results: Results, key: str) -> str:
    """Return the name of a contender, or its key where it is none."""
    return str(results["contenders"].get(key, {}).get("name", key))


def in_order(results: Results, rows: Sequence[Row]) -> list[str]:
    """Return the keys of the contenders that the rows are about, in the results' order."""
    found = {row["contender"] for row in rows}
    return [key for key in results["contenders"] if key in found]
