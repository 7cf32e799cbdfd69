"""hookgate beside other gates and proxies on this machine, in one session.

    python bench/run.py                                       # all of it, some 15 minutes
    python bench/run.py --quick                               # all of it in short rounds
    python bench/run.py --only hookgate,nginx --figures rate,latency --seconds 2

A whole run writes results.json, results.md and throughput.svg to bench/results/, and what README.md
and docs/performance.md show of them; any other writes to bench/.tools/results/. Exits 1 where a
contender does not answer as it has to.
"""

import argparse
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

# This folder's parent, so that the bench is a package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.contenders import CONTENDERS
from bench.contenders.contender import TOOLS, Contender
from bench.load import LoadError
from bench.rig import Rig

from bench import figures, hostile, policy_alone, report, signing, tools

RESULTS = Path(__file__).parent / "results"
# Pages that hold a part of the results.
PAGES = tuple(Path(__file__).parents[1] / name for name in ("README.md", "docs/performance.md"))
FIGURES = (
    "rate",
    "latency",
    "refusal",
    "memory",
    "startup",
    "bodies",
    "ranges",
    "connections",
    "policy",
    "signing",
)
# Asked for by name: six minutes.
RARE = ("hostile",)
# The others have no source check of their own, or are too slow to be worth the minutes.
REFUSING = ("hookgate", "nginx-allow", "nginx-hookgate", "caddy", "fastify")
GROWING = ("hookgate", "nginx-hookgate", "caddy", "fastify")
RANGED = ("hookgate", "nginx-hookgate")


def options() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    keys = ", ".join(contender.key for contender in CONTENDERS)
    parser.add_argument("--quick", action="store_true", help="one round of each, and short")
    parser.add_argument("--only", type=_names([c.key for c in CONTENDERS]), help=f"of: {keys}")
    parser.add_argument(
        "--figures", type=_names((*FIGURES, *RARE)), help=f"of: {', '.join((*FIGURES, *RARE))}"
    )
    parser.add_argument("--seconds", type=float, help="of a round; 4, or 1 with --quick")
    parser.add_argument("--rounds", type=int, help="of the rate; 5, or 1 with --quick")
    parser.add_argument("--rate", type=float, help="for the latency, requests/s")
    parser.add_argument("--requests", type=int, help="for the memory; 500000, or 5000")
    parser.add_argument("--out", type=Path, help="folder of the results")
    found = parser.parse_args()
    is_whole = not (found.quick or found.only or found.figures)
    found.out = found.out or (RESULTS if is_whole else TOOLS / "results")
    found.only = found.only or [contender.key for contender in CONTENDERS]
    found.figures = found.figures or list(FIGURES)
    found.seconds = found.seconds or (1 if found.quick else 4)
    found.rounds = found.rounds or (1 if found.quick else 5)
    found.requests = found.requests or (5000 if found.quick else 500_000)
    return found


def _names(known: Any) -> Any:
    def parse(text: str) -> list[str]:
        names = text.split(",")
        if wrong := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"{', '.join(wrong)}: not one of {', '.join(known)}")
        return names

    return parse


def measure(rig: Rig, contenders: list[Contender], chosen: argparse.Namespace) -> dict[str, Any]:
    """Measure every figure that was chosen; return rows by figure. Raises LoadError."""
    seconds, found = chosen.seconds, {}
    rounds, twice = min(chosen.rounds, 3), min(chosen.rounds, 2)
    refusing, growing, ranged = (
        [c for c in contenders if c.key in keys] for keys in (REFUSING, GROWING, RANGED)
    )

    def begin(figure: str) -> bool:
        if figure in chosen.figures:
            print(f"\n{figure}, {time.strftime('%H:%M:%S')}", flush=True)
        return figure in chosen.figures

    if begin("rate"):
        rows = figures.rate(rig, contenders, seconds, chosen.rounds)
        found["rate"] = [row for row in rows if row["load"] == "mixed"]
        found["alike"] = [row for row in rows if row["load"] == "alike"]
    if begin("latency"):
        with figures.warm(rig, contenders) as targets:
            rates = list(figures.common_rates(rig, targets, found.get("rate", [])))
            rates = [(chosen.rate, targets)] if chosen.rate else rates
            found["latency"] = []
            for a_second, able in rates:
                # Of the rate that all can do one round is enough, where there is another.
                often = rounds if a_second == rates[-1][0] else 1
                found["latency"] += figures.latency(rig, able, a_second, seconds, often)
    if begin("refusal"):
        found["refusal"] = figures.refusal(rig, refusing, seconds * 0.4, twice)
    if begin("memory"):
        found["memory"] = figures.memory(rig, contenders, chosen.requests, seconds, "hookgate")
    if begin("startup"):
        found["startup"] = figures.startup(rig, contenders, 2 * rounds - 1)
    if begin("bodies"):
        found["bodies"] = figures.bodies(rig, growing, seconds * 0.6, twice)
    if begin("ranges"):
        found["ranges"] = figures.ranges(rig, ranged, seconds * 0.6)
    if begin("connections"):
        found["connections"] = figures.connections(rig, growing, seconds * 0.6)
    if begin("hostile"):
        found["hostile"] = hostile.measure(rig.core, seconds * 0.6)
    if begin("policy"):
        found["policy"] = policy_alone.measure(rig.core, seconds * 0.4, rounds)
    if begin("signing"):
        found["signing"] = signing.measure(rig, seconds * 0.4, chosen.rounds)
    return found


def main() -> None:
    """Run as the command line says."""
    chosen = options()
    # Whoever ends this gets the contenders ended too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    contenders = [contender for contender in CONTENDERS if contender.key in chosen.only]
    tools.install(contenders)
    results: dict[str, Any] = {
        "machine": tools.machine(),
        "versions": tools.versions(contenders),
        "options": {key: getattr(chosen, key) for key in ("seconds", "rounds", "requests")},
        "contenders": {
            c.key: {"name": c.name, "leaves_out": c.leaves_out, "judges_body": c.judges_body}
            for c in contenders
        },
    }
    try:
        with Rig() as rig:
            results["figures"] = measure(rig, contenders, chosen)
    except LoadError as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    text = report.markdown(results)
    (chosen.out / "results.md").write_text(text)
    if "rate" in results["figures"]:
        report.plot(results, chosen.out / "throughput.svg")
    if chosen.out == RESULTS:
        for page in PAGES:
            page.write_text(report.fill(page.read_text(), results))
    print(f"\n{text}\nWritten to {chosen.out}")


if __name__ == "__main__":
    main()
