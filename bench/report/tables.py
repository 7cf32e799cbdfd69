"""A table for each figure."""

import statistics
from collections.abc import Callable

from .rows import (
    IDLE,
    MIB,
    P99_MS,
    PEAK_MIB,
    Results,
    Row,
    growth,
    in_order,
    median,
    name_of,
    per_request,
    table,
)


def _rate(results: Results, rows: list[Row]) -> str:
    lines, idle = [], []
    for those, what in ((rows, ""), (results["figures"].get("alike", []), ", heads alike")):
        bare = per_request(those, contender="nginx")
        for key in sorted(
            in_order(results, those), key=lambda k: per_request(those, contender=k) or 0
        ):
            name = name_of(results, key) + what
            values = [row["rate"] for row in those if row["contender"] == key]
            cost = per_request(those, contender=key)
            user, system = (median(those, part, contender=key) for part in ("user_us", "system_us"))
            if (median(those, "core_idle", contender=key) or 0) > IDLE:
                idle.append(name)
            lines.append(
                (
                    name,
                    f"{statistics.median(values):,.0f}",
                    f"{min(values):,.0f}..{max(values):,.0f}",
                    f"{cost:.0f}",
                    f"{user:.0f} + {system:.0f}",
                    f"{bare / cost:.2f}" if bare and cost else "-",
                    f"{1e6 / cost:,.0f}" if cost else "-",
                    results["contenders"][key]["leaves_out"],
                )
            )
    header = ("", "requests/s", "min..max", "CPU µs", "user + system", "of nginx, by CPU",
              "a core could", "leaves out")  # fmt: skip
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
                name_of(results, key),
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
            for key in in_order(results, those)
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
            name_of(results, row["contender"]),
            f"{len(row['samples'][-1]['pss_bytes'])}",
            f"{sum(row['samples'][0]['pss_bytes']) / MIB:.1f}",
            f"{sum(row['samples'][-1]['pss_bytes']) / MIB:.1f}",
            f"{row['samples'][-1]['requests']:,}",
            f"{growth(row['samples']) / MIB:+.1f}",
        )
        for row in rows
    ]
    header = ("", "processes", "MiB at start", "MiB after", "requests", "MiB in the second half")
    return table(header, lines)


def _startup(results: Results, rows: list[Row]) -> str:
    lines = []
    for key in in_order(results, rows):
        values = [row["seconds"] * 1000 for row in rows if row["contender"] == key]
        lines.append((name_of(results, key), f"{statistics.median(values):.0f}",
                      f"{min(values):.0f}..{max(values):.0f}"))  # fmt: skip
    return table(("", "ms to the first answer", "min..max"), lines)


def _refusal(results: Results, rows: list[Row]) -> str:
    lines = []
    for key in in_order(results, rows):
        for case in dict.fromkeys(row["case"] for row in rows):
            accepted = accepting(rows, key, case)
            cost = per_request(rows, contender=key, case=case)
            if cost is None:
                continue
            row = next(r for r in rows if r["contender"] == key and r["case"] == case)
            lines.append(
                (
                    name_of(results, key),
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


def accepting(rows: list[Row], key: str, case: str) -> float | None:
    """Return what a contender takes to accept a request, its head as in a case of refusing."""
    alike = ", heads alike" if case.endswith(", heads alike") else ""
    return per_request(rows, contender=key, case=f"accepted{alike}")


def _growing(by: str, unit: str) -> Callable[[Results, list[Row]], str]:
    def render(results: Results, rows: list[Row]) -> str:
        sizes = sorted({row[by] for row in rows})
        lines = []
        for key in in_order(results, rows):
            cells = []
            for size in sizes:
                where = {"contender": key, by: size}
                rate, cost = median(rows, "rate", **where), per_request(rows, **where)
                cells.append("-" if rate is None or cost is None else f"{rate:,.0f} ({cost:,.0f})")
            lines.append((name_of(results, key), *cells))
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


def _signing(_: Results, rows: list[Row]) -> str:
    costs: dict[str, list[float]] = {}
    for row in rows:
        costs.setdefault(row["case"], []).append(row["user_us"] + row["system_us"])
    without, signed = list(costs.values())[-2:]
    differences = [on - off for on, off in zip(signed, without, strict=True)]
    costs["what signing adds, by rounds"] = differences
    lines = [
        (case, f"{statistics.median(values):.1f}", f"{min(values):.1f}..{max(values):.1f}")
        for case, values in costs.items()
    ]
    return table(("", "CPU µs", "min..max"), lines)


def hostile_table(_: Results, rows: list[Row]) -> str:
    """Render the clean sender's latency and the worker's memory beside each hostile kind."""
    lines = [
        (
            row["kind"] or f"nobody, {row['site']}",
            f"{row['begun']:,}",
            *(f"{row[name] / 1000:.1f}" for name in ("p50_us", "p99_us", "worst_us")),
            f"{row['failed']:,}",
            *(f"{row[name] / MIB:.0f}" for name in ("peak_bytes", "kept_bytes")),
            "kept" if hostile_is_kept(row) else "BROKEN",
        )
        for row in rows
    ]
    header = ("beside", "connections", "p50 ms", "p99 ms", "worst ms", "not delivered", "peak MiB",
              "MiB after", "")  # fmt: skip
    return table(header, lines)


def hostile_is_kept(row: Row) -> bool:
    """Tell whether the clean sender's latency and the worker's memory are within the goals."""
    return bool(
        row["p99_us"] < P99_MS * 1000 and not row["failed"] and row["peak_bytes"] < PEAK_MIB * MIB
    )


SECTIONS: dict[str, tuple[str, Callable[[Results, list[Row]], str]]] = {
    "rate": ("Throughput", _rate),
    "latency": ("Latency at one rate", _latency),
    "refusal": ("What refusing costs", _refusal),
    "memory": ("Memory", _memory),
    "startup": ("Start", _startup),
    "bodies": ("By size of the event", _growing("bytes", "bytes")),
    "ranges": ("By number of source ranges", _growing("ranges", "ranges")),
    "connections": ("By number of connections", _growing("connections", "connections")),
    "hostile": ("A clean sender beside hostile ones", hostile_table),
    "policy": ("The policy alone", _policy),
    "signing": ("Signing for the endpoint", _signing),
}
