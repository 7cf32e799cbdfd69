"""What one request costs the sidecar in instructions and Python calls, at any machine's speed.

    python bench/guard.py                       # beside the baseline, bench/results/guard.json
    python bench/guard.py --accept              # make it the baseline
    python bench/guard.py --against ../other    # beside another checkout, measured in the same run
    python bench/guard.py --profile accepted    # what it goes into

Needs valgrind. Exits 1 where instructions grew by more than 1 %, and 0 where the baseline was made
with another Python, library or kind of processor.

`accepted` is a clean event, `sealed` one whose ledger has a seal key, `varying` one with a trace id
that no other has, `foreign` one from outside the allowed ranges, in a flood of them,
`foreign-varying` such a one with a trace id, `broken` one from inside with its end cut off.
callgrind counts what the process does in user space, and knows no SHA instructions: SHA-256, which
chains a ledger that is not sealed, counts for more than it takes where the processor has them.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

# This folder's parent, so that the bench is a package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.guard_load import KINDS, Kind
from bench.guard_run import CHECKOUT, PACKAGES, count_calls, count_instructions

BASELINE = Path(__file__).parent / "results" / "guard.json"
# Ten times what five runs on a busy machine differ by: README.md.
BOUND = 0.01
REQUESTS = 800  # a multiple of the connections
COSTS = ("instructions", "Python calls")
LIBRARIES = ("httptools", "jiter", "jsonschema-rs", "orjson", "structlog", "uvloop")
SHOWN = 40
EVENTS = ("Ir", "I1mr", "D1mr", "D1mw")
# Fixed, or the host's would be taken.
CACHES = ("--cache-sim=yes", "--I1=32768,8,64", "--D1=32768,8,64", "--LL=33554432,16,64")


def made_with() -> dict[str, str]:
    """Return what must be the same for figures to be compared."""
    wide = "avx2" in Path("/proc/cpuinfo").read_text().split()
    return {
        "Python": sys.version,
        "C library": " ".join(platform.libc_ver()),
        "valgrind": subprocess.check_output(["valgrind", "--version"], text=True).strip(),
        "processor": platform.machine() + (" with AVX2" if wide else ""),
        **{name: version(name) for name in LIBRARIES},
    }


def judge(found: dict[str, Any], baseline: dict[str, Any] | None) -> tuple[list[str], bool]:
    """Compare with the baseline; return lines to print, and False where a kind grew too much."""
    notes = []
    if baseline is None:
        notes.append("There is no baseline: --accept writes it.")
    for name, value in found["made_with"].items():
        if baseline is not None and baseline["made_with"].get(name) != value:
            notes.append(
                f"Not comparable: {name} was {baseline['made_with'].get(name)}, is {value}."
            )
    before = baseline["a_request"] if baseline is not None and not notes else {}
    title = "".join(f"{name:>14}{'before':>10}{'change':>8}" for name in COSTS)
    lines = [f"{'a request':16}{title}"]
    grown = []
    for kind, costs in found["a_request"].items():
        was = before.get(kind, {})
        lines.append(f"{kind:16}" + "".join(beside(costs[name], was.get(name)) for name in COSTS))
        if was and costs["instructions"] > was["instructions"] * (1 + BOUND):
            grown.append(kind)
    if grown:
        notes.append(
            f"{', '.join(grown)}: over {BOUND:.0%} more instructions. See docs/performance.md and "
            "--profile; if they are worth it, run this with --accept and commit it with the reason."
        )
    return lines + notes, not grown


def beside(now: float, was: float | None) -> str:
    """Format a figure, the one before, and the change."""
    return f"{now:14,}" + (f"{was:10,}{now / was - 1:+8.1%}" if was else f"{'-':>10}{'-':>8}")


def own_costs(annotated: str) -> tuple[dict[str, Counter[str]], dict[str, Counter[str]]]:
    """Parse callgrind_annotate's output: each event's counts by function, and by library."""
    row = re.compile(r"\s*" + r"([\d,.]+)\s+" * len(EVENTS) + r"[^:]+:(.+?)(?:'\d+)?(?: \[(.+)\])?")
    found = [match.groups() for line in annotated.splitlines() if (match := row.fullmatch(line))]
    # What a compiler put inline is named without its library.
    libraries = {function: Path(path).name for *_, function, path in found if path}
    by_function: dict[str, Counter[str]] = {}
    by_library: dict[str, Counter[str]] = {}
    for *counts, function, path in found:
        library = Path(path).name if path else libraries.get(function, "?")
        numbers = [int(count.replace(",", "").replace(".", "0")) for count in counts]
        costs = Counter(dict(zip(EVENTS, numbers, strict=True)))
        by_function.setdefault(f"{function}  {library}", Counter()).update(costs)
        by_library.setdefault(library, Counter()).update(costs)
    return by_function, by_library


def show_profile(kind: Kind) -> None:
    """Print where one request's instructions and calls go."""
    with tempfile.TemporaryDirectory(prefix="hookgate-guard-") as folder:
        file = Path(folder) / "callgrind.out"
        total = count_instructions(CHECKOUT, kind, REQUESTS, file, *CACHES)
        annotated = subprocess.check_output(
            ["callgrind_annotate", "--threshold=100", "--auto=no", "--show-percs=no",
             f"--show={','.join(EVENTS)}", str(file)], text=True,
        )  # fmt: skip
    for title, costs in zip(("function", "library"), own_costs(annotated), strict=True):
        print(f"\n{'of all':>7}{'Ir':>10}{'I1mr':>9}{'D1mr':>9}{'D1mw':>9}  {title}, per request")
        for name, counts in sorted(costs.items(), key=lambda item: -item[1]["Ir"])[:SHOWN]:
            figures = "".join(f"{counts[event] / REQUESTS:9,.1f}" for event in EVENTS[1:])
            share = counts["Ir"] / total
            print(f"{share:7.1%}{counts['Ir'] / REQUESTS:10,.0f}{figures}  {name[:100]}")
    calls = count_calls(CHECKOUT, kind, REQUESTS)
    print(f"\n{calls.total() / REQUESTS:.1f} calls of Python functions a request")
    for name, count in calls.most_common(SHOWN):
        print(f"{count / REQUESTS:7.2f}  {name}")


def measure(checkout: Path) -> dict[str, Any]:
    """Measure what each kind of request costs a checkout's sidecar, and note with what."""
    costs = {}
    for name, kind in KINDS.items():
        with tempfile.TemporaryDirectory(prefix="hookgate-guard-") as folder:
            file = Path(folder) / "callgrind.out"
            instructions = count_instructions(checkout, kind, REQUESTS, file)
        calls = count_calls(checkout, kind, REQUESTS).total()
        figures = round(instructions / REQUESTS), round(calls / REQUESTS, 1)
        costs[name] = dict(zip(COSTS, figures, strict=True))
    return {"made_with": made_with(), "a_request": costs}


def checkout(text: str) -> Path:
    """Parse the path of a checkout. Raises argparse.ArgumentTypeError where it is none."""
    folder = Path(text).resolve()
    if missing := [name for name in PACKAGES if not (folder / name).is_dir()]:
        raise argparse.ArgumentTypeError(f"{text} has no {', '.join(missing)}: no checkout")
    return folder


def main() -> None:
    """Run as the command line says; exits 1 where instructions grew by more than 1 %."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--accept", action="store_true", help="write the baseline")
    parser.add_argument(
        "--against", type=checkout, metavar="FOLDER", help="instead of the baseline"
    )
    parser.add_argument("--profile", choices=KINDS, help="show what one kind goes into")
    given = parser.parse_args()
    if given.accept and given.against:
        parser.error("--accept writes the baseline, which --against does without")
    if shutil.which("valgrind") is None:
        sys.exit("guard: valgrind is missing; install: sudo apt-get install valgrind")
    if subprocess.run(["setarch", "-R", "true"], capture_output=True).returncode:
        sys.exit("guard: setarch -R is not allowed here; in a container: seccomp=unconfined")
    # Its children inherit it.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if given.profile:
        show_profile(KINDS[given.profile])
        return
    found = measure(CHECKOUT)
    baseline: dict[str, Any] | None = None
    if given.against:
        baseline = measure(given.against)
    elif BASELINE.exists():
        baseline = json.loads(BASELINE.read_text())
    lines, is_kept = judge(found, baseline)
    print("\n".join(lines))
    if given.accept:
        BASELINE.write_text(json.dumps(found, indent=2) + "\n")
    sys.exit(not (is_kept or given.accept))


if __name__ == "__main__":
    main()
