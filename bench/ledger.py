"""Measure what `hookgate audit` takes on ledgers of millions of lines, with grep and jq beside it.

    python bench/ledger.py                      # into bench/.tools/results/
    python bench/ledger.py --lines 300000 2000000 --out bench/results       # 4 minutes

With `--out bench/results` the page docs/audit.md is given its tables, too.

Needs jq, gzip, xz and zstd, and about 1,300 bytes of disk a line. Two workers' ledgers are made
up: deliveries, retries, losses, refusals and sums of them, a crash, and a chain that holds. The
first of the sizes is read compressed too. What `stats` counts must equal what was made
up, and `balance` and `verify` must find that all is well.
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
from typing import Any

# This folder's parent, so that the bench is a package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.command import Run, measure
from bench.contenders.contender import TOOLS
from bench.ledger_tables import fill
from bench.sealed_ledger import KEY, seal_file
from bench.synthetic_ledger import ASKED, Made, make_all

LINES = [1_000_000, 10_000_000]
RESULTS = Path(__file__).parent.resolve() / "results"
PAGE = RESULTS.parents[1] / "docs" / "audit.md"
_HOOKGATE = (sys.executable, "-m", "hookgate_cli")
_AUDIT = (*_HOOKGATE, "audit")
# By suffix: how people compress, and decompress.
_COMPRESSED = {
    ".gz": (("gzip", "-1k"), ("gzip", "-dc")),
    ".xz": (("xz", "-1k", "-T0"), ("xz", "-dc")),
    ".zst": (("zstd", "-qk"), ("zstd", "-dcq")),
}

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


Rows = dict[str, tuple[str, ...]]


def measure_ledger(
    folder: Path, lines: int, *, with_jq: bool, compressed: bool
) -> list[dict[str, Any]]:
    """Make a ledger of so many lines, measure each command on it, and return a row for each.

    Raises AssertionError where an answer is not what was made.
    """
    began = time.monotonic()
    files, made = make_all(folder, lines)
    size = sum(file.stat().st_size for file in files) / 1e9
    print(f"\n{lines:,} lines, {size:.2f} GB, made in {time.monotonic() - began:.0f} s")
    rows = _Table(lines, size)
    _measure_plain(rows, folder, files, made, with_jq=with_jq)
    for suffix, (command, _) in _COMPRESSED.items() if compressed else ():
        subprocess.run((*command, *map(str, files)), check=True)
        packed = [file.with_name(file.name + suffix) for file in files]
        rows.measure(suffix, _searches(packed, _one_of(made)) | _proofs(packed) | _stats(packed))
        for file in packed:
            file.unlink()
    key = folder / "seal.key"
    key.write_bytes(KEY + b"\n")
    sealed = [folder / f"sealed.{file.name}" for file in files]
    for file, into in zip(files, sealed, strict=True):
        seal_file(file, into)
        file.unlink()
    rows.measure("sealed", _proofs(sealed, "--seal-key", str(key)))
    return rows.rows


class _Table:
    """Rows that are printed as they are measured."""

    def __init__(self, lines: int, size: float) -> None:
        self.rows: list[dict[str, Any]] = []
        self._lines, self._size = lines, round(size, 2)

    def measure(self, ledger: str, commands: Rows) -> dict[str, Run]:
        """Measure each command; `balance` and `verify` must say that all is well."""
        runs = {}
        for title, command in commands.items():
            run = runs[title] = measure(*command)
            if title in ("balance", "verify"):
                said = json.loads(run.output)
                assert said.get("balances") or said.get("holds"), title
            self.rows.append(
                {
                    "lines": self._lines,
                    "GB": self._size,
                    "ledger": ledger,
                    "command": title,
                    "seconds": round(run.seconds, 2),
                    "processor_seconds": round(run.effort, 2),
                    "lines_a_second": round(self._lines / run.seconds),
                    "MiB": run.peak,
                }
            )
            print(
                f"{ledger:7} {title:20} {run.seconds:8.2f} s {run.effort:8.2f} s of processors"
                f" {self._lines / run.seconds:11,.0f} lines/s {run.peak:5} MiB",
                flush=True,
            )
        return runs


def _one_of(made: Made) -> str:
    return made.references[len(made.references) // 2]


def _logs(files: list[Path]) -> list[str]:
    return [part for file in files for part in ("--log", str(file))]


def _searches(files: list[Path], name: str) -> Rows:
    """Commands that ask for one event, with what people use beside them."""
    names = list(map(str, files))
    grep: tuple[str, ...] = ("grep", "-F", name, *names)
    if files[0].suffix in _COMPRESSED:
        unpack = " ".join((*_COMPRESSED[files[0].suffix][1], *names))
        grep = ("sh", "-c", f"{unpack} | grep -F {name}")
    return {
        "grep -F": grep,
        "fate": (*_AUDIT, "fate", name, *_logs(files)),
        "explain": (*_AUDIT, "explain", name, *_logs(files)),
        "show --reference": (*_AUDIT, "show", "--reference", name, *names),
        "fate, never seen": (*_AUDIT, "fate", f"{name}-not", *_logs(files)),
    }


def _proofs(files: list[Path], *more: str) -> Rows:
    return {
        verb: (*_AUDIT, verb, "--json", *more, *map(str, files)) for verb in ("balance", "verify")
    }


def _stats(files: list[Path]) -> Rows:
    return {"stats": (*_AUDIT, "stats", "--json", *map(str, files))}


def _measure_plain(
    rows: _Table, folder: Path, files: list[Path], made: Made, *, with_jq: bool
) -> None:
    names = list(map(str, files))
    small = folder / "small.jsonl"
    with files[0].open("rb") as file:
        small.write_bytes(b"".join(file.readline() for _ in range(1000)))
    asked = folder / "asked.txt"
    asked.write_text("\n".join(made.references[:ASKED]) + "\n")
    show = (*_AUDIT, "show")
    one = _one_of(made)
    commands: Rows = {
        "hookgate --help": (*_HOOKGATE, "--help"),
        "fate, 1,000 lines": (*_AUDIT, "fate", one, "--log", str(small)),
        **_searches(files, one),
        **_stats(files),
        f"fate of {ASKED:,}": (*_AUDIT, "fate", "--json", "--file", str(asked), *_logs(files)),
        **_proofs(files),
        "show --reason": (*show, "--reason", "upstream_timeout", *names),
        "show --client": (*show, "--client", "203.0.113.7", *names),
        "show --since": (*show, "--until", "2025-12-17T19:40:00Z", *names),
        "report": (*_AUDIT, "report", "--html", str(folder / "report.html"), *names),
    }
    if with_jq:
        commands["jq"] = ("jq", "-n", _JQ, *names)
        commands["jq, one event"] = ("jq", "-c", f'select(.reference == "{one}")', *names)
    runs = rows.measure("plain", commands)
    reasons = json.loads(runs["stats"].output)["reasons"]
    assert made.counts == {(row["outcome"], row["reason"]): row["count"] for row in reasons}
    if with_jq:
        counted = json.loads(runs["jq"].output)["reasons"]
        assert counted == {f"{row['outcome']} {row['reason']}": row["count"] for row in reasons}


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, nargs="+", default=LINES)
    parser.add_argument("--plain", action="store_true", help="no jq, no compressed files")
    parser.add_argument("--out", type=Path, default=TOOLS / "results", help="folder of the results")
    parser.add_argument("--dir", type=Path, help="where to write them (removed afterwards)")
    arguments = parser.parse_args()
    for tool in ("jq", "gzip", "xz", "zstd"):
        if shutil.which(tool) is None:
            sys.exit(f"{tool} is missing; apt-get install jq gzip xz-utils zstd")
    cores = len(os.sched_getaffinity(0))
    machine = f"{platform.machine()}, {cores} cores, Python {platform.python_version()}"
    print(machine)
    rows: list[dict[str, Any]] = []
    for lines in arguments.lines:
        with tempfile.TemporaryDirectory(prefix="hookgate-bench-", dir=arguments.dir) as folder:
            rows += measure_ledger(
                Path(folder),
                lines,
                with_jq=not arguments.plain,
                compressed=lines == arguments.lines[0] and not arguments.plain,
            )
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    found = {"machine": machine, "date": time.strftime("%Y-%m-%d"), "rows": rows}
    (out / "ledger.json").write_text(json.dumps(found, indent=1) + "\n")
    if out.resolve() == RESULTS:
        PAGE.write_text(fill(PAGE.read_text("utf-8"), found), "utf-8")


if __name__ == "__main__":
    main()
