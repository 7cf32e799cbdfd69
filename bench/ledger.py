"""Measure what `hookgate audit` takes on ledgers of millions of lines, and jq beside it.

    python bench/ledger.py [--lines 1000000 10000000] [--dir DIRECTORY] [--compressed]

Needs jq, and about 700 bytes of disk a line; `--compressed` searches in gzip, xz and zstd too.
Two workers' ledgers are made up: deliveries, retries, losses, refusals and sums of them, a crash,
and a chain that holds. What `stats` counts must equal what was made up.
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

from bench.synthetic_ledger import ASKED, Made, make_all

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


_HOOKGATE = (sys.executable, "-m", "hookgate_cli", "audit")


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


def compare(folder: Path, lines: int, *, with_jq: bool, compressed: bool) -> None:
    """Make a ledger of so many lines, measure each command on it, and print a row for each.

    Raises AssertionError where what `stats` or jq counted is not what was made.
    """
    began = time.monotonic()
    files, made = make_all(folder, lines)
    size = sum(file.stat().st_size for file in files) / 1e9
    print(f"\n{lines:,} lines, {size:.2f} GB, made in {time.monotonic() - began:.0f} s")
    _measure_all(folder, files, made, with_jq=with_jq)
    if compressed:
        compare_compressed(files, made.references[len(made.references) // 2])


def search(files: list[Path], name: str) -> dict[str, tuple[str, ...]]:
    """Make the commands that ask for one event, with what people use beside them."""
    names = [str(file) for file in files]
    logs = [part for name in names for part in ("--log", name)]
    decompress = {".gz": ("gzip", "-dc"), ".xz": ("xz", "-dc"), ".zst": ("zstd", "-dcq")}
    how = decompress.get(files[0].suffix)
    grep = ("grep", "-F", name, *names)
    if how is not None:
        grep = ("sh", "-c", f"{' '.join((*how, *names))} | grep -F {name}")
    return {
        "grep -F": grep,
        "fate": (*_HOOKGATE, "fate", name, *logs),
        "explain": (*_HOOKGATE, "explain", name, *logs),
        "show --reference": (*_HOOKGATE, "show", "--reference", name, *names),
        "fate, never seen": (*_HOOKGATE, "fate", f"{name}-not", *logs),
    }


def compare_compressed(files: list[Path], name: str) -> None:
    """Compress the files as people do, and measure a search in each."""
    for suffix, command in (
        (".gz", ("gzip", "-1k")), (".xz", ("xz", "-1k", "-T0")), (".zst", ("zstd", "-qk"))
    ):  # fmt: skip
        subprocess.run((*command, *map(str, files)), check=True)
        packed = [file.with_name(file.name + suffix) for file in files]
        print(suffix)
        _measure(search(packed, name))
        for file in packed:
            file.unlink()


def _measure(rows: dict[str, tuple[str, ...]]) -> dict[str, Run]:
    runs = {}
    for title, command in rows.items():
        run = runs[title] = measure(*command)
        print(
            f"{title:17} {run.seconds:8.2f} s {run.effort:8.2f} s of processors {run.peak:6} MiB",
            flush=True,
        )
    return runs


def _measure_all(folder: Path, files: list[Path], made: Made, *, with_jq: bool) -> None:
    asked = folder / "asked.txt"
    asked.write_text("\n".join(made.references[:ASKED]) + "\n")
    names = [str(file) for file in files]
    logs = [part for name in names for part in ("--log", name)]
    rows = {
        "stats": (*_HOOKGATE, "stats", "--json", *names),
        "balance": (*_HOOKGATE, "balance", "--json", *names),
        "verify": (*_HOOKGATE, "verify", "--json", *names),
        f"fate of {ASKED:,}": (*_HOOKGATE, "fate", "--json", "--file", str(asked), *logs),
        "report": (*_HOOKGATE, "report", "--html", str(folder / "report.html"), *names),
        "show, filtered": (*_HOOKGATE, "show", "--reason", "upstream_timeout", *names),
        **search(files, made.references[len(made.references) // 2]),
    }
    if with_jq:
        rows["jq"] = ("jq", "-n", _JQ, *names)
        rows["jq, one event"] = (
            "jq",
            "-c",
            f'select(.reference == "{made.references[0]}")',
            *names,
        )
    runs = _measure(rows)
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
    parser.add_argument("--compressed", action="store_true", help="and searches in gz, xz and zst")
    parser.add_argument("--dir", type=Path, help="where to write them (removed afterwards)")
    arguments = parser.parse_args()
    if shutil.which("jq") is None:
        sys.exit("jq is missing; on Debian and Ubuntu: apt-get install jq")
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for lines in arguments.lines:
        with tempfile.TemporaryDirectory(prefix="hookgate-bench-", dir=arguments.dir) as folder:
            compare(
                Path(folder),
                lines,
                with_jq=lines <= arguments.jq_up_to,
                compressed=arguments.compressed,
            )


if __name__ == "__main__":
    main()
