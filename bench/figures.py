"""The figures that need contenders: each function measures one, and returns its rows."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from .contenders.contender import OWN, Contender
from .events import BROKEN, EVENT, padded
from .load import LoadError, at_rate, percentile
from .report import median
from .report.rows import Row
from .rig import RANGES, Rig, Running, ask, keeps_connection

# Of what compiles as it runs a warm-up ends when the last two loads, of a second each, were hardly
# faster than all before them.
WARM_UP_LOADS, WARM_UP_GAIN = 12, 1.05
MINOR_ROUNDS = 2
# With whom a load of heads that are all alike is measured as well, and hookgate's known heads.
ALIKE = ("hookgate", "nginx")
MEMORY_SAMPLES = 10
BODY_SIZES = (0, 4096, 65536, 524288)
# Few, because what is not answered when the load ends costs time and is not counted.
BODY_CONNECTIONS = 4
RANGE_COUNTS = (3, 100, 10_000)
CONNECTION_COUNTS = (1, 32, 512)


@contextmanager
def warm(rig: Rig, contenders: Sequence[Contender]) -> Iterator[list[Running]]:
    """Start all of them, and warm each up."""
    with ExitStack() as stack:
        targets = [stack.enter_context(rig.started(contender)) for contender in contenders]
        for target in targets:
            _say("warming up", target)
            warm_up(rig, target)
        yield targets


def warm_up(rig: Rig, target: Running) -> None:
    """Load it for a second, or until it gets no faster, as just-in-time compilers need a while."""
    rates: list[float] = []
    for _ in range(WARM_UP_LOADS if target.contender.compiles else 1):
        rates.append(rig.load(target, 1)[1]["rate"])
        if len(rates) > 2 and max(rates[-2:]) < max(rates[:-2]) * WARM_UP_GAIN:
            return


def rate(rig: Rig, contenders: Sequence[Contender], seconds: float, rounds: int) -> list[Row]:
    """Measure requests a second on one core with 32 connections, and the CPU time of each.

    Rows are of the load "mixed", and of some of "alike" too. Each is started anew for each round:
    one process differs from the next of the same program by 4 %, because of where its code and data
    come to lie.
    """
    rows: list[Row] = []
    for number in range(rounds):
        for contender in contenders:
            if contender.is_minor and number >= MINOR_ROUNDS:
                continue
            with rig.started(contender) as target:
                warm_up(rig, target)
                for load in ("mixed", "alike") if contender.key in ALIKE else ("mixed",):
                    lasts = seconds / 2 if load == "alike" else seconds
                    row = rig.accepted(target, lasts, alike=load == "alike")
                    rows.append({"round": number, "load": load, **row})
                    _say(f"{load}: {row['rate']:.0f} requests/s", target)
    return rows


def common_rates(
    rig: Rig, targets: Sequence[Running], rows: Sequence[Row]
) -> Iterator[tuple[float, list[Running]]]:
    """Yield the rates of the latency figure, in requests a second, each with whom it is for.

    First half of what the slowest can, but for those that are slow by nature, with all of them;
    then half of what Fastify can, with those that can do twice as much.
    """
    if not rows:
        rows = [rig.accepted(target, 2) for target in targets]
    limits = {
        target.contender.key: median(rows, "rate", contender=target.contender.key) or 0
        for target in targets
    }
    serious = [t.contender.key for t in targets if not t.contender.is_slow] or list(limits)
    lowest = min(limits[key] for key in serious)
    for limit in sorted({lowest, limits.get("fastify", lowest)}):
        yield (
            max(round(limit / 2), 1),
            [t for t in targets if limit == lowest or limits[t.contender.key] >= limit],
        )


def latency(
    rig: Rig, targets: Sequence[Running], a_second: float, seconds: float, rounds: int
) -> list[Row]:
    """Measure microseconds from the moment a request was due to its answer, at one rate for all."""
    rows: list[Row] = []
    for number in range(rounds):
        for target in targets:
            found = at_rate(rig.load_core, target.site.port, rig.events, a_second, seconds)
            rows.append(
                {
                    "contender": target.contender.key,
                    "round": number,
                    "rate": a_second,
                    "requests": len(found.latencies),
                    "p50_us": percentile(found.latencies, 50),
                    "p99_us": percentile(found.latencies, 99),
                    "p999_us": percentile(found.latencies, 99.9),
                    "lateness_p99_us": percentile(found.lateness, 99),
                }
            )
            _say(f"p99 {rows[-1]['p99_us'] / 1000:.2f} ms at {a_second:.0f}/s", target)
    return rows


def memory(
    rig: Rig, contenders: Sequence[Contender], requests: int, seconds: float, whole: str
) -> list[Row]:
    """Measure bytes (PSS) of each process after its start and along `requests`.

    A contender is loaded no longer than `seconds`, but for `whole`, which gets all requests.
    """
    rows: list[Row] = []
    for contender in contenders:
        with rig.started(contender) as target:
            done, until = 0, time.monotonic() + seconds
            pss = target.tree.pss()
            samples: list[Row] = [{"requests": 0, "pss_bytes": pss}]
            while done < requests and (contender.key == whole or time.monotonic() < until):
                done += rig.accepted(target, seconds / MEMORY_SAMPLES)["requests"]
                pss = target.tree.pss()
                samples.append({"requests": done, "pss_bytes": pss})
            rows.append({"contender": contender.key, "samples": samples})
            _say(f"{sum(pss) / 2**20:.1f} MiB after {done} requests", target)
    return rows


def startup(rig: Rig, contenders: Sequence[Contender], rounds: int) -> list[Row]:
    """Measure seconds from the start of the program to its first answer."""
    rows: list[Row] = []
    for number in range(rounds):
        for contender in contenders:
            with rig.started(contender) as target:
                seconds = round(target.start_seconds, 4)
                rows.append({"contender": contender.key, "round": number, "seconds": seconds})
                _say(f"{seconds * 1000:.0f} ms", target)
    return rows


def refusal(rig: Rig, contenders: Sequence[Contender], seconds: float, rounds: int) -> list[Row]:
    """Measure what refusing costs beside accepting: a foreign sender, and JSON that is cut off.

    Accepting and foreign senders are also measured with heads that are all the same, since some
    contenders cache them. Raises LoadError where a request is not refused.
    """
    rows: list[Row] = []
    broken = rig.bodies("broken", [BROKEN])
    for contender in contenders:
        with rig.started(contender) as home, rig.started(contender, OWN, 403) as abroad:
            cases: list[tuple[str, Running, bytes, dict[str, Any]]] = [
                ("accepted", home, EVENT, {}),
                ("foreign", abroad, EVENT, {}),
                ("accepted, heads alike", home, EVENT, {"alike": True}),
                ("foreign, heads alike", abroad, EVENT, {"alike": True}),
            ]
            if ask(home.site.port, BROKEN) != 200:
                cases.append(("broken", home, BROKEN, {"body": broken}))
            for target in (home, abroad):
                warm_up(rig, target)
            for number in range(rounds):
                for case, target, body, how in cases:
                    if case.startswith("accepted"):
                        row = rig.accepted(target, seconds, **how)
                        errors = 0
                    else:
                        found, row = rig.load(target, seconds, **how)
                        errors = found.errors
                        if found.status != found.requests:
                            raise LoadError(f"{contender.name} did not refuse every {case} request")
                    rows.append(
                        {
                            "case": case,
                            "round": number,
                            **row,
                            "status": ask(target.site.port, body),
                            "errors": errors,
                            "keeps_connection": keeps_connection(target.site.port, body),
                        }
                    )
                    _say(f"{case}: {row['rate']:.0f} requests/s", target)
    return rows


def bodies(rig: Rig, contenders: Sequence[Contender], seconds: float, rounds: int) -> list[Row]:
    """Measure by the size of the event, to which an array of small objects is added."""
    rows: list[Row] = []
    events = [padded(size) for size in BODY_SIZES]
    files = [rig.bodies(f"event-{len(event)}", [event]) for event in events]
    for number in range(rounds):
        for contender in contenders:
            with rig.started(contender) as target:
                warm_up(rig, target)
                for event, file in zip(events, files, strict=True):
                    row = rig.accepted(target, seconds, body=file, connections=BODY_CONNECTIONS)
                    rows.append({"bytes": len(event), "round": number, **row})
                    _say(f"{len(event)} bytes: {row['rate']:.0f} requests/s", target)
    return rows


def ranges(rig: Rig, contenders: Sequence[Contender], seconds: float) -> list[Row]:
    """Measure by the number of source ranges; the sender's own is the last."""
    rows: list[Row] = []
    for contender in contenders:
        for count in RANGE_COUNTS:
            others = (f"10.{n // 256}.{n % 256}.0/25" for n in range(count - len(OWN)))
            with rig.started(contender, (*OWN, *others, RANGES[0])) as target:
                warm_up(rig, target)
                row = rig.accepted(target, seconds)
                rows.append({"ranges": count, **row})
                _say(f"{count} ranges: {row['rate']:.0f} requests/s", target)
    return rows


def connections(rig: Rig, contenders: Sequence[Contender], seconds: float) -> list[Row]:
    """Measure by the number of connections that send at a time."""
    rows: list[Row] = []
    for contender in contenders:
        with rig.started(contender) as target:
            warm_up(rig, target)
            for count in CONNECTION_COUNTS:
                row = rig.accepted(target, seconds, connections=count)
                rows.append({"connections": count, **row})
                _say(f"{count} connections: {row['rate']:.0f} requests/s", target)
    return rows


def _say(what: str, target: Running) -> None:
    print(f"  {target.contender.name:28} {what}", flush=True)
