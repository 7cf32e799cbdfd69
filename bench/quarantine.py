"""What it takes to keep what is refused, to list it, and to send it on.

    python bench/quarantine.py [--seconds 5] [--rounds 3] [--items 10000] [--dir DIRECTORY]

The sidecar has one core; the senders and the upstream share the other. One sender has a body of
its own refused by the contract 200 times a second, another sends 100 clean events a second; both
count from when a request was due. The folder and the ledger are in `--dir`, on a disk. Rounds are
interleaved and medians printed. Then so many items are kept, listed, and sent on to an nginx.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

# This folder's parent, so that the bench is a package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.contenders import CONTENDERS, commands
from bench.contenders.contender import Command, Site
from bench.events import EVENT
from bench.load import Latencies, LoadError, at_rate, percentile
from bench.rig import Rig, Running

from hookgate.quarantine.encryption import make_identity

REFUSED_A_SECOND, CLEAN_A_SECOND = 200, 100
SIZES = {"500 bytes": 500, "64 KiB": 65_536}
IDENTITY, PUBLIC = make_identity()
_REPLAY = ("--yes", "--reason", "bench", "--retrying", "--override", "--rate", "0", "--json")


def refused(size: int, numbers: range) -> Iterator[bytes]:
    """Make events without their time, of this size, each another."""
    event = json.loads(EVENT)
    del event["timeUtc"]
    for number in numbers:
        bare = json.dumps({**event, "number": number, "pad": ""}, separators=(",", ":"))
        text = json.dumps(
            {**event, "number": number, "pad": "x" * max(0, size - len(bare))},
            separators=(",", ":"),
        )
        yield text.encode()


@contextmanager
def sidecar(rig: Rig, folder: Path, *, keeps: bool) -> Iterator[Running]:
    """Run a sidecar that keeps what it refuses, or does not; its ledger is in the folder."""

    def prepare(site: Site) -> Command:
        command = commands.serve(site)
        environment = {**command.environment, "HOOKGATE_AUDIT__PATH": str(folder / "audit.jsonl")}
        return Command(command.arguments, {**environment, **(quarantine(folder) if keeps else {})})

    with rig.started(replace(CONTENDERS[0], prepare=prepare)) as target:
        yield target


def quarantine(folder: Path) -> dict[str, str]:
    """Make the environment in which everything is kept."""
    return {
        "HOOKGATE_QUARANTINE__PATH": str(folder / "quarantine"),
        "HOOKGATE_QUARANTINE__RECIPIENTS": PUBLIC,
        "HOOKGATE_QUARANTINE__MAX_ITEMS": "1000000",
        "HOOKGATE_QUARANTINE__MAX_BYTES": "64GiB",
    }


def both(
    rig: Rig, port: int, bodies: Path | None, seconds: float
) -> tuple[Latencies | None, Latencies]:
    """Have one sender refused, if it has bodies, beside one whose events pass."""
    core = rig.load_core
    with ThreadPoolExecutor(2) as pool:
        clean = pool.submit(at_rate, core, port, rig.events, CLEAN_A_SECOND, seconds)
        if bodies is None:
            return None, clean.result()
        found = pool.submit(at_rate, core, port, bodies, REFUSED_A_SECOND, seconds, 4)
        return found.result(), clean.result()


def measure_keeping(rig: Rig, root: Path, seconds: float, rounds: int) -> None:
    """Print the latencies with and without a quarantine, and without anything refused."""
    files = {}
    for named, size in SIZES.items():
        count = range(round(REFUSED_A_SECOND * seconds))
        files[named] = rig.bodies(f"{size}", [*refused(size, count)])
    cases = [(name, keeps) for name in (None, *SIZES) for keeps in (False, True)]
    found: dict[tuple[str | None, bool], list[tuple[Latencies | None, Latencies]]] = {}
    for _ in range(rounds):
        for name, keeps in cases:
            with (
                tempfile.TemporaryDirectory(dir=root) as folder,
                sidecar(rig, Path(folder), keeps=keeps) as target,
            ):
                both(rig, target.site.port, None, 1)  # a warm-up
                bodies = files[name] if name is not None else None
                round_ = both(rig, target.site.port, bodies, seconds)
                kept = len(list((Path(folder) / "quarantine").rglob("*.age")))
                sent = len(round_[0].latencies) if round_[0] else 0
                print(f"{_case(name, keeps)}: {kept} kept of {sent}", flush=True)
                found.setdefault((name, keeps), []).append(round_)
    heads = ("p50 ms", "p99 ms", "clean p50", "clean p99")
    print(f"\n{'refused, 200/s':30} " + " ".join(f"{head:>10}" for head in heads))
    for (name, keeps), done in found.items():
        cells = [_median([one for one, _ in done if one], share) for share in (50, 99)]
        cells += [_median([clean for _, clean in done], share) for share in (50, 99)]
        print(f"{_case(name, keeps):30} " + " ".join(f"{cell:>10}" for cell in cells))


def _case(name: str | None, keeps: bool) -> str:
    return f"{name or 'none'}, {'with' if keeps else 'without'} quarantine"


def _median(rounds: Sequence[Latencies], share: float) -> str:
    if not rounds:
        return "-"
    return f"{statistics.median(percentile(one.latencies, share) for one in rounds) / 1000:.2f}"


def measure_giving_back(rig: Rig, root: Path, items: int) -> None:
    """Print how long so many items take to be listed, and to be sent on."""
    with tempfile.TemporaryDirectory(dir=root) as name:
        folder = Path(name)
        bodies = rig.bodies("many", [*refused(500, range(items))])
        with sidecar(rig, folder, keeps=True) as target:
            port, seconds = target.site.port, items / REFUSED_A_SECOND
            at_rate(rig.load_core, port, bodies, REFUSED_A_SECOND, seconds, 4)
        items = len(list((folder / "quarantine").rglob("*.age")))  # a slow disk keeps not all
        (folder / "identity").touch(0o600)
        (folder / "identity").write_text(IDENTITY)
        (folder / "wide.json").write_text('{"type": "object"}')
        (folder / "hookgate.toml").write_text(
            f'[upstream]\nurl = "http://127.0.0.1:{rig.upstream}"\n'
            '[source]\nallow = ["127.0.0.1"]\n'
            '[[route]]\npath = "/cm/events"\ncontract = "wide.json"\n'
        )
        took, effort, _ = _run(rig, folder, "list")
        print(f"{items:,} items listed in {took:.2f} s, {effort:.2f} s of processor time")
        took, effort, text = _run(rig, folder, "replay", "--identity", "identity", *_REPLAY)
        ends = [json.loads(line).get("end") for line in text.splitlines()[:-1]]
        print(f"{ends.count('clean'):,} sent on in {took:.1f} s, {items / took:,.0f} a second,"
              f" {effort:.1f} s of processor time")  # fmt: skip
        if ends.count("clean") != items:
            raise LoadError(f"of {items} only {ends.count('clean')} were sent on")


def _run(rig: Rig, folder: Path, *arguments: str) -> tuple[float, float, str]:
    """Run a verb; return seconds, those of the processor, and what it printed."""
    began, before = time.monotonic(), os.times()
    done = subprocess.run(
        ["taskset", "-c", str(rig.core), sys.executable, "-m", "hookgate_cli", "quarantine",
         *arguments],
        cwd=folder, env={**os.environ, **quarantine(folder),
                         "HOOKGATE_AUDIT__PATH": str(folder / "audit.jsonl")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise LoadError(f"{arguments[0]} failed: {done.stderr[-2000:] or done.stdout[-2000:]}")
    took, after = time.monotonic() - began, os.times()
    effort = after.children_user + after.children_system
    return took, effort - before.children_user - before.children_system, done.stdout


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--dir", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    with Rig() as rig:
        if options.rounds:
            measure_keeping(rig, options.dir, options.seconds, options.rounds)
        if options.items:
            measure_giving_back(rig, options.dir, options.items)


if __name__ == "__main__":
    try:
        main()
    except LoadError as error:
        sys.exit(f"bench: {error}")
