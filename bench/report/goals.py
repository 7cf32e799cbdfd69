"""What hookgate is meant to reach."""

from typing import NamedTuple

from .rows import IDLE, MIB, P99_MS, PEAK_MIB, Results, growth, median, per_request, table


class Goal(NamedTuple):
    """One goal: a figure, its bound, and whether it is met; None where it was not measured."""

    what: str
    wanted: str
    found: str
    met: bool | None


def goals_table(results: Results) -> str:
    """Render every goal, met or not."""
    words = {True: "met", False: "NOT met", None: "not measured"}
    rows = [(goal.what, goal.wanted, goal.found, words[goal.met]) for goal in goals(results)]
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

    refusals = figures.get("refusal", [])
    foreign, accepted = (
        per_request(refusals, contender="hookgate", case=case) for case in ("foreign", "accepted")
    )
    top = max((r["rate"] for r in latencies if r["contender"] == "fastify"), default=None)
    ours, theirs = (
        median(latencies, "p99_us", contender=who, rate=top) for who in ("hookgate", "fastify")
    )
    both = f"{ours / 1000:.2f} / {theirs / 1000:.2f}" if ours and theirs else "-"
    hostile = figures.get("hostile", [])
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
