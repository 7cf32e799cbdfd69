"""What hookgate is meant to reach."""

from typing import NamedTuple

from .rows import IDLE, MIB, P99_MS, PEAK_MIB, Results, growth, median, per_request, table
from .tables import accepting


class Goal(NamedTuple):
    """One goal: a figure, its bound, and whether it is met; None where it was not measured."""

    what: str
    wanted: str
    found: str
    met: bool | None


def goals_table(results: Results) -> str:
    """Render every goal that was measured, met or not."""
    words = {True: "met", False: "NOT met"}
    rows = [
        (goal.what, goal.wanted, goal.found, words[goal.met])
        for goal in goals(results)
        if goal.met is not None
    ]
    return table(("goal", "wanted", "found", ""), rows)


def goals(results: Results) -> list[Goal]:
    """Judge what hookgate is meant to reach beside the others."""
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

    refusals, bodies = figures.get("refusal", []), figures.get("bodies", [])

    def refusing(case: str) -> float | None:
        foreign = per_request(refusals, contender="hookgate", case=case)
        accepted = accepting(refusals, "hookgate", case)
        return foreign / accepted if foreign and accepted else None

    def large(kib: int) -> float | None:
        """Beside Fastify, with the body that is nearest to so many KiB."""
        size = min((row["bytes"] for row in bodies), key=lambda n: abs(n - kib * 1024), default=0)
        ours, theirs = (
            median(bodies, "rate", contender=who, bytes=size) for who in ("hookgate", "fastify")
        )
        return ours / theirs if ours and theirs else None

    nginx, hookgate = (per_request(rates, contender=who) for who in ("nginx", "hookgate"))
    start = median(figures.get("startup", []), "seconds", contender="hookgate")
    top = max((r["rate"] for r in latencies if r["contender"] == "fastify"), default=None)
    p99s = [
        (median(latencies, "p99_us", contender=who, rate=top) or 0) / 1000
        for who in ("hookgate", "fastify", "caddy")
    ]
    hostile = figures.get("hostile", [])
    memory = next((r for r in figures.get("memory", []) if r["contender"] == "hookgate"), None)
    return [
        _at_least("CPU of nginx, bare proxy / hookgate", 0.40,
                  nginx / hookgate if nginx and hookgate else None),
        ratio("hookgate", "fastify", 4),
        ratio("hookgate", "caddy", 4),
        ratio("addon", "mitmdump", 0.9),
        Goal("ms, p99 of hookgate / fastify / caddy at half of fastify's limit", "lowest",
             " / ".join(f"{p99:.2f}" if p99 else "-" for p99 in p99s),
             # Who cannot do twice that rate is not measured at it.
             p99s[0] <= min(filter(None, p99s)) if p99s[0] and any(p99s[1:]) else None),
        _at_most("CPU of refusing a foreign sender / accepting", 0.4, refusing("foreign")),
        _at_most("CPU of the same, heads alike", 0.4, refusing("foreign, heads alike")),
        _at_least("requests/s of hookgate / fastify, 64 KiB of small objects", 1.2, large(64)),
        _at_least("requests/s of hookgate / fastify, 512 KiB of small objects", 1, large(512)),
        _at_most("ms from the start to the first answer", 300, start * 1000 if start else None),
        _at_most("ms, p99 of a clean sender beside the worst hostile one", P99_MS,
                 max((r["p99_us"] / 1000 for r in hostile), default=None)),
        _at_most("MiB of a worker beside the worst hostile sender", PEAK_MIB,
                 max((r["peak_bytes"] / MIB for r in hostile), default=None)),
        _at_most("MiB of the largest process after the load", 60,
                 max(memory["samples"][-1]["pss_bytes"]) / MIB if memory else None),
        _at_most("MiB that it grew in the load's second half", 1,
                 growth(memory["samples"]) / MIB if memory else None),
    ]  # fmt: skip


def _at_least(what: str, goal: float, found: float | None) -> Goal:
    return Goal(what, f">= {goal:g}", "-" if found is None else f"{found:.2f}",
                None if found is None else found >= goal)  # fmt: skip


def _at_most(what: str, goal: float, found: float | None) -> Goal:
    return Goal(what, f"<= {goal:g}", "-" if found is None else f"{found:.2f}",
                None if found is None else found <= goal)  # fmt: skip
