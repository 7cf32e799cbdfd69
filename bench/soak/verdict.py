"""Which promises were kept: a pure judgement of what was found."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bench.load import percentile
from bench.report.rows import P99_MS, PEAK_MIB

from .senders import KINDS
from .senders.clean import Clean
from .site import INSIDE, WORKERS

MEMORY_MIB = 60
# Of the clean sender's events, on the connections of a worker that is killed or halted.
IN_FLIGHT = 32
LINES_A_SECOND = 50  # of strangers, and each worker
# A sender may still wait for an endpoint that went, or find that it has come back.
AROUND_AN_OUTAGE = 4.0
PROBES_MISSED = 0.02
SHOWN, BEFORE_SECONDS = 3, 5.0


@dataclass
class Found:
    """What came of one run.

    `seen` counts by body what reached the endpoint; `forwarded` are the bodies of `forward` lines;
    `stranger_lines` the `delivery` lines about anybody who is not allowed, `boots` the workers that
    wrote. `kinds` is what the crowd printed. `outages` are Unix times.
    """

    seconds: float
    clean: Clean
    kinds: dict[str, dict[str, Any]] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    outages: Sequence[tuple[float, float]] = ()
    times: Sequence[tuple[float, str]] = ()
    seen: Counter[str] = field(default_factory=Counter)
    forwarded: set[str] = field(default_factory=set)
    stranger_lines: int = 0
    boots: int = WORKERS
    findings: Sequence[str] = ()
    balances: bool = True
    holds: bool = True
    probes: Sequence[float | None] = ()
    workers_at_end: int = WORKERS
    most_workers: int = WORKERS
    still_stopped: Sequence[int] = ()
    memory_at_end: Sequence[float] = ()
    peak: float = 0
    status: int = 0


class Promise(NamedTuple):
    """One promise, what was found, and whether it was kept."""

    what: str
    found: str
    kept: bool


def judge(found: Found) -> list[Promise]:
    """Judge every promise."""
    return [*_clean(found), *_ledger(found), *_hostile(found), *_processes(found)]


def render(found: Found, promises: Iterable[Promise]) -> str:
    """Render what was sent, what came back, what was done, and the promises."""
    lines = ["sent and come back, by kind"]
    for name, row in found.kinds.items():
        back = ", ".join(f"{what} {count}" for what, count in row["came_back"].items())
        held = f" ({row['held_back']} held back)" if row["held_back"] else ""
        lines.append(f"  {name:45} {row['begun']:6}{held}: {back or 'nothing'}")
    statuses = Counter(status for status, _ in found.clean.answers.values())
    lines.append(f"  {'clean events':45} {_sent(found):6}: {dict(statuses)}")
    lines.append(f"done to it: {dict(found.done)}")
    lines.extend(_slowest(found))
    for promise in promises:
        word = "kept  " if promise.kept else "BROKEN"
        lines.append(f"{word}  {promise.what}: {promise.found}")
    return "\n".join(lines + [f"        {finding}" for finding in found.findings])


def is_stranger(record: dict[str, Any]) -> bool:
    """Tell whether a record is a `delivery` of anybody who is not known to be allowed."""
    return record["event"] == "delivery" and record.get("client") not in INSIDE


def _clean(found: Found) -> list[Promise]:
    clean = found.clean
    delivered = [digest for digest, (status, _) in clean.answers.items() if status == 200]
    once = [digest for digest in delivered if found.seen[digest] == 1]
    twice = [d for d in (*clean.answers, *clean.unanswered) if found.seen[d] > 1]
    refused = [at for status, at in clean.answers.values() if status != 200]
    unexplained = [at for at in refused if not _is_away(at, found.outages)]
    halts = sum(found.done[name] for name in _HALTS)
    p99, worst, late = (
        _milliseconds(values, share)
        for values, share in ((clean.latencies_us, 99), (clean.latencies_us, 100),
                              (clean.late_us, 99))
    )  # fmt: skip
    return [
        Promise(f"p99 of clean events below {P99_MS} ms",
                f"{p99:.1f} ms, worst {worst:.0f} ms; sent {late:.1f} ms late at p99",
                bool(clean.latencies_us) and p99 < P99_MS),
        Promise("each clean event that was answered 200 had reached the endpoint once",
                f"{len(once)} of {len(delivered)}", 0 < len(once) == len(delivered)),
        Promise("no clean event reached it twice", str(len(twice)), not twice),
        Promise("a clean event is refused only while the endpoint is away",
                f"{len(unexplained)} of {len(refused)} at other times", not unexplained),
        Promise(f"at most {IN_FLIGHT} clean events go unanswered for each worker that was halted",
                f"{len(clean.unanswered)} of {_sent(found)}, {halts} halted",
                len(clean.unanswered) <= IN_FLIGHT * halts),
    ]  # fmt: skip


def _ledger(found: Found) -> list[Promise]:
    unrecorded = set(found.seen) - found.forwarded
    most = LINES_A_SECOND * (WORKERS * found.seconds * 1.1 + found.boots)
    return [
        Promise("each event that reached the endpoint is in the ledger",
                f"{len(unrecorded)} of {len(found.seen)} are not", not unrecorded),
        Promise("the ledger balances", "so it does" if found.balances else "not", found.balances),
        Promise("the ledger's chain holds", "so it does" if found.holds else "not", found.holds),
        Promise(f"strangers get at most {LINES_A_SECOND} lines a second and worker",
                f"{found.stranger_lines} lines, {most:.0f} allowed", found.stranger_lines <= most),
    ]  # fmt: skip


def _hostile(found: Found) -> list[Promise]:
    passed = {
        name: count
        for name, row in found.kinds.items()
        if (count := _accepted(row["came_back"])) > KINDS[name].may_pass * row["begun"]
    }
    unheard = {
        name: KINDS[name].wants
        for name, row in found.kinds.items()
        if row["begun"] and KINDS[name].wants not in ("", *row["came_back"])
    }
    missed = [took for took in found.probes if took is None]
    return [
        Promise("nothing hostile is answered 2xx", str(passed or "none"), not passed),
        Promise("whoever is refused is told why", str(unheard or "all"), not unheard),
        Promise("a probe is answered within a second",
                f"{len(missed)} of {len(found.probes)} were not",
                len(missed) <= max(1, PROBES_MISSED * len(found.probes))),
    ]  # fmt: skip


def _processes(found: Found) -> list[Promise]:
    memory = ", ".join(f"{mib:.0f}" for mib in found.memory_at_end)
    return [
        Promise(f"a worker keeps at most {MEMORY_MIB} MiB", f"{memory} MiB",
                max(found.memory_at_end, default=0) <= MEMORY_MIB),
        Promise(f"a worker takes at most {PEAK_MIB} MiB", f"{found.peak:.0f} MiB",
                found.peak <= PEAK_MIB),
        Promise(f"{WORKERS} workers at the end, twice as many at most in a roll",
                f"{found.workers_at_end}, {found.most_workers} at most",
                found.workers_at_end == WORKERS and found.most_workers <= 2 * WORKERS),
        Promise("no halted worker is left", str(list(found.still_stopped) or "none"),
                not found.still_stopped),
        Promise("it stops with 0", str(found.status), found.status == 0),
    ]  # fmt: skip


def _slowest(found: Found) -> list[str]:
    """Describe the slowest answers, and what was done to the gate in the time before."""
    answers = zip(found.clean.latencies_us, found.clean.answers.values(), strict=True)
    slow = sorted(((us, at) for us, (_, at) in answers if us > P99_MS * 1000), reverse=True)
    lines = []
    for us, at in slow[:SHOWN]:
        begun = at - us / 1e6
        before = [f"{name} {at - when:.1f} s before" for when, name in found.times
                  if begun - BEFORE_SECONDS < when < at]  # fmt: skip
        lines.append(f"slow: {us / 1000:.0f} ms; {', '.join(before) or 'nothing was done'}")
    return lines


_HALTS = ("workers killed", "workers stopped", "replacements killed")


def _sent(found: Found) -> int:
    return len(found.clean.answers) + len(found.clean.unanswered)


def _is_away(at: float, outages: Iterable[tuple[float, float]]) -> bool:
    return any(began <= at <= ended + AROUND_AN_OUTAGE for began, ended in outages)


def _accepted(came_back: dict[str, int]) -> int:
    return sum(count for what, count in came_back.items() if what.startswith("2"))


def _milliseconds(values: Sequence[int], share: float) -> float:
    return percentile(sorted(values), share) / 1000 if values else 0.0
