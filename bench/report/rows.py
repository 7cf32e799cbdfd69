"""Rows of figures, as the JSON file has them: medians, names, Markdown tables."""

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


def growth(samples: Sequence[Row]) -> float:
    """Bytes between the sample in the middle of the load and the last."""
    half = samples[-1]["requests"] / 2
    middle = min(samples, key=lambda sample: abs(sample["requests"] - half))
    return float(sum(samples[-1]["pss_bytes"]) - sum(middle["pss_bytes"]))


def name_of(results: Results, key: str) -> str:
    return str(results["contenders"].get(key, {}).get("name", key))


def in_order(results: Results, rows: Sequence[Row]) -> list[str]:
    """The contenders that the rows are about."""
    found = {row["contender"] for row in rows}
    return [key for key in results["contenders"] if key in found]
