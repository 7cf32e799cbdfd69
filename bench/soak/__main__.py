"""Everything at once: is a clean event late, lost, doubled, or left out of the ledger?

    python -m bench.soak                              # ten minutes
    python -m bench.soak --seconds 60
    python -m bench.soak --only "allowed: deep nesting,workers killed"
    python -m bench.soak --list

Two workers, first with senders that connect themselves, then behind PROXY headers. A paced clean
sender is beside every hostile kind, while workers are killed, halted and rolled, the configuration
is reloaded, ledgers are rotated and the endpoint goes and comes. Then the hostile leave; what is
kept of them is looked at a while later. Prints what came of it; exits 1 if a promise was broken.
"""

import argparse
import asyncio
import os
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from bench.soak import process
from bench.soak.chaos import SETTLE_SECONDS, Chaos
from bench.soak.endpoint_process import Endpoint
from bench.soak.gate import Gate, running
from bench.soak.senders import KINDS
from bench.soak.senders.clean import PATIENCE_SECONDS, Clean
from bench.soak.site import WORKERS, Site
from bench.soak.verdict import Found, is_stranger, judge, render
from bench.soak.watch import Watch

from hookgate.ledger.audit.balance import GRAVE, balance
from hookgate.ledger.audit.chain import HARMLESS, verify
from hookgate.ledger.reading.reader import find_files, in_order, read

CLEAN_A_SECOND = 40
# Of a site's time: workers are halted, then only the senders are hostile, then nobody is.
HALTING, HOSTILE = 0.5, 0.8
SHARES = {Site.DIRECT: 0.7, Site.BEHIND_PROXY: 0.3}
ACTS = (
    "workers killed", "workers stopped", "replacements killed", "rolls", "reloads",
    "broken reloads", "rotations", "outages of the endpoint", "admin listener hogged",
)  # fmt: skip


async def soak(folder: Path, site: Site, seconds: float, names: list[str]) -> Found:
    """Run everything at one site for so long, and return what was found."""
    seen = folder / "seen"
    seen.touch()
    endpoint = Endpoint(seen)
    try:
        with running(folder, site, endpoint.port) as gate:
            chaos, watch = Chaos(gate, endpoint), Watch(gate)
            found = await _load(site, seconds, names, gate, chaos, watch)
            found.outages = endpoint.outages
            with suppress(Exception):
                found.status = gate.stop()
    finally:
        endpoint.end()
    found.seen = Counter(seen.read_text().split())
    _read_ledger(folder, found)
    return found


async def _load(
    site: Site, seconds: float, names: list[str], gate: Gate, chaos: Chaos, watch: Watch
) -> Found:
    hostile = seconds * HOSTILE
    kinds = [name for name in names if name in KINDS and KINDS[name].site is site]
    clean = process.start_sender("clean", site, gate.port, CLEAN_A_SECOND, seconds)
    crowd = process.start_sender("crowd", gate.port, hostile, *kinds)
    watching = asyncio.create_task(watch.look())
    try:
        process.begin(clean, crowd)
        began = time.monotonic()
        async with chaos.repeating(chaos.harmless, set(names), hostile):
            async with chaos.repeating(chaos.halting, set(names), seconds * HALTING):
                await asyncio.sleep(seconds * HALTING)
            await asyncio.sleep(began + hostile - time.monotonic())
        sent = await asyncio.to_thread(process.read_result, clean, seconds + 2 * PATIENCE_SECONDS)
        played = await asyncio.to_thread(process.read_result, crowd, PATIENCE_SECONDS)
        found = Found(seconds, Clean(**sent), played)
        await _settle(gate, chaos, found)
    finally:
        watching.cancel()
        process.end(clean)
        process.end(crowd)
    found.done, found.times, found.probes = chaos.done, chaos.times, watch.probes
    found.peak, found.most_workers = watch.peak, watch.most_workers
    return found


async def _settle(gate: Gate, chaos: Chaos, found: Found) -> None:
    """Wait until all is as it should be, or long enough, and note how it is."""
    for _ in range(round(SETTLE_SECONDS)):
        pids = gate.workers()
        found.workers_at_end = len(pids)
        found.still_stopped = [pid for pid in chaos.stopped if process.is_halted(pid)]
        found.memory_at_end = [process.pss_mib(pid) for pid in pids]
        if len(pids) == WORKERS and not found.still_stopped:
            break
        await asyncio.sleep(1)
    for pid in found.still_stopped:
        os.kill(pid, signal.SIGKILL)


def _read_ledger(folder: Path, found: Found) -> None:
    files = in_order(find_files(folder / "hookgate-audit.jsonl"))
    sums, chain = balance(read(files)), verify(read(files))
    found.balances, found.holds = sums.balances, chain.holds
    grave = [
        *(finding for finding in sums.findings if finding.kind in GRAVE),
        *(finding for finding in chain.findings if finding.kind not in HARMLESS),
    ]
    found.findings = [f"{finding.place}: {finding.text}" for finding in grave[:6]]
    found.boots = len(sums.boots)
    for line in read(files):
        if line.record is not None:
            if line.record["event"] == "forward":
                found.forwarded.add(line.record["sha256"])
            found.stranger_lines += is_stranger(line.record)


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--only", metavar="KIND,KIND", help="these alone, of what --list shows")
    parser.add_argument("--list", action="store_true", help="show every kind and act")
    given = parser.parse_args()
    given.names = given.only.split(",") if given.only else [*KINDS, *ACTS]
    if unknown := [name for name in given.names if name not in (*KINDS, *ACTS)]:
        parser.error(f"{', '.join(unknown)}: see --list")
    return given


def shares(names: list[str]) -> dict[Site, float]:
    """Return each site's part of the time; none for one that nothing hostile is meant for."""
    wanted = {KINDS[name].site for name in names if name in KINDS} or {Site.DIRECT}
    whole = sum(SHARES[site] for site in wanted)
    return {site: share / whole for site, share in SHARES.items() if site in wanted}


def main() -> None:
    """Run as the command line says."""
    given = arguments()
    if given.list:
        for kind in KINDS.values():
            print(f"{kind.name:45} {kind.a_second:5g} connections/s, {kind.at_once} at most")
        print("\n".join(ACTS))
        return
    # Whoever ends this gets the children ended too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    kept = True
    for site, share in shares(given.names).items():
        with tempfile.TemporaryDirectory(prefix="hookgate-soak-") as folder:
            found = asyncio.run(soak(Path(folder), site, given.seconds * share, given.names))
        promises = judge(found)
        kept &= all(promise.kept for promise in promises)
        print(f"\n{site}, {found.seconds:.0f} s\n{render(found, promises)}", flush=True)
    sys.exit(not kept)


if __name__ == "__main__":
    main()
