"""Measure what `hookgate audit` takes on ledgers of millions of lines, and jq beside it.

    python bench/ledger.py [--lines 1000000 10000000] [--dir DIRECTORY]

Needs jq, and about 700 bytes of disk a line. Two workers' ledgers are made up: deliveries, retries,
losses, refusals and sums of them, a crash, and a chain that holds. What `stats` counts must equal
what was made up.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

# This folder's parent, so that the bench is a package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.synthetic_ledger import ASKED, make_all

# What `stats` counts, but for clients and minutes, of which there are too many for jq (it copies an
# object for each change), percentiles, the slowest and the drift.
_JQ = """
reduce (inputs | select(.event == "delivery" or .event == "refusals")) as $r ({};
  ($r.count // 1) as $n
  | .reasons["\\($r.outcome) \\($r.reason)"] += $n
  | .fronts[$r.front] += $n
  | if $r.event == "delivery" then
      .routes[$r.route // "-"] += 1
      | .channels[$r.channel // "-"] += 1
      | .types[$r.event_type // "-"] += 1
      | .upstream["\\($r.upstream_status)"] += 1
    else . end)
"""


class Run(NamedTuple):
    """What a command took and printed: seconds by the clock and of processors, MiB at its peak."""

    seconds: float
    effort: float
    peak: int
    output: bytes


def measure(*command: str) -> Run:
    """Run a command to its end and measure it."""
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        output.seek(0)
        effort = usage.ru_utime + usage.ru_stime
        return Run(seconds, effort, usage.ru_maxrss // 1024, output.read())


def compare(folder: Path, lines: int, *, with_jq: bool) -> None:
    """Make a ledger of so many lines, measure each command on it, and print a row for each.

    Raises AssertionError where what `stats` or jq counted is not what was made.
    """
    began = time.monotonic()
    files, made = make_all(folder, lines)
    size = sum(file.stat().st_size for file in files) / 1e9
    print(f"\n{lines:,} lines, {size:.2f} GB, made in {time.monotonic() - began:.0f} s")
    asked = folder / "asked.txt"
    asked.write_text("\n".join(made.references[:ASKED]) + "\n")
    names = [str(file) for file in files]
    hookgate = (sys.executable, "-m", "hookgate_cli", "audit")
    logs = [part for name in names for part in ("--log", name)]
    rows = {
        "stats": (*hookgate, "stats", "--json", *names),
        "balance": (*hookgate, "balance", "--json", *names),
        "verify": (*hookgate, "verify", "--json", *names),
        f"fate of {ASKED:,}": (*hookgate, "fate", "--json", "--file", str(asked), *logs),
    }
    if with_jq:
        rows["jq"] = ("jq", "-n", _JQ, *names)
    runs = {}
    for title, command in rows.items():
        run = runs[title] = measure(*command)
        print(
            f"{title:15} {run.seconds:8.2f} s {run.effort:8.2f} s of processors {run.peak:6} MiB",
            flush=True,
        )
    reasons = json.loads(runs["stats"].output)["reasons"]
    assert made.counts == {(row["outcome"], row["reason"]): row["count"] for row in reasons}
    if with_jq:
        counted = json.loads(runs["jq"].output)["reasons"]
        assert counted == {f"{row['outcome']} {row['reason']}": row["count"] for row in reasons}
        print(f"stats is {runs['jq'].seconds / runs['stats'].seconds:.1f} times as fast as jq")


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--jq-up-to", type=int, default=1_000_000, metavar="LINES")
    parser.add_argument("--dir", type=Path, help="where to write them (removed afterwards)")
    arguments = parser.parse_args()
    if shutil.which("jq") is None:
        sys.exit("jq is missing; on Debian and Ubuntu: apt-get install jq")
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for lines in arguments.lines:
        with tempfile.TemporaryDirectory(prefix="hookgate-bench-", dir=arguments.dir) as folder:
            compare(Path(folder), lines, with_jq=lines <= arguments.jq_up_to)


if __name__ == "__main__":
    main()
