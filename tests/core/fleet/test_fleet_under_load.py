"""Three gates under load, and all that may happen to them: each line is in the store once, and
the store alone tells what became of each event.
"""

import faulthandler
import logging
import random
import sys
from collections import Counter
from pathlib import Path

import pytest

from hookgate.fleet.status import read_status
from support.accounts import Accounts, assert_told
from support.calling import Call, caller
from support.fleet import Fleet
from support.machines import Machines, machines


@pytest.mark.parametrize(
    "seconds",
    [6, pytest.param(600, marks=[pytest.mark.soak, pytest.mark.timeout(1200)])],
    ids=["short", "ten minutes"],
)
@pytest.mark.slow
def test_each_line_of_each_gate_is_there_once(
    fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str], seconds: int
) -> None:
    """Gates, shippers and the store die, files are rotated, compressed and deleted, the way there
    breaks: in the end the store has what the gates wrote, and its bytes alone prove the chains.

    Of each event that was sent it tells what the sender and the endpoint saw.
    """
    faulthandler.cancel_dump_traceback_later()  # pytest's, for tests that end within minutes
    seed = random.randrange(1 << 32)
    logging.getLogger(__name__).warning("seed %d", seed)
    call = caller(capsys)
    with machines(fleet, tmp_path) as running:
        happened = running.suffer(seconds, seed)
        running.settle()
        assert_whole(running, tmp_path / "received", call)
        fates = assert_told(running.traffic, Accounts(fleet, tmp_path, call))
        tries = Counter(each for sent in running.traffic for each in sent.tries)
    assert {gate for gate, status in tries if status == 200} == {m.name for m in running.all}
    assert all(fates[fate] for fate in ("delivered", "lost", "unknown"))
    lines = fleet.sql("SELECT sum(lines) FROM hookgate.segment")
    sys.stdout.write(f"{happened}\n{dict(tries)}\n{fates}, {lines}\n")


def assert_whole(running: Machines, folder: Path, call: Call) -> None:
    """What was received is what was written, and nothing was found."""
    fleet, files = running.fleet, list[Path]()
    for machine in running.all:
        written = machine.written()
        received = {boot: fleet.bytes_of(boot, machine.name) for boot in written}
        assert received == written
        rows = fleet.sql("SELECT boot FROM hookgate.boot WHERE gate = %s", machine.name)
        assert {boot for (boot,) in rows} == set(written)
        for chain in chains(fleet, machine.name):
            file = folder / machine.name / f"{chain[0]}.jsonl"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"".join(received[boot] for boot in chain))
            files.append(file)
    told = call("audit", "verify", *map(str, files))
    assert told.status == 0, told.out + told.err
    assert fleet.findings() == []
    assert fleet.sql("SELECT count(*) FROM hookgate.fork") == [(0,)]
    kinds = {finding.kind for gate in read_status(fleet.dsn) for finding in gate.findings}
    assert kinds <= {"no_stop"}  # of gates that were killed


def chains(fleet: Fleet, gate: str) -> list[list[str]]:
    """The boots of each of a gate's files, as one follows the other."""
    rows = fleet.sql("SELECT boot, follows FROM hookgate.boot WHERE gate = %s", gate)
    after = {follows: boot for boot, follows in rows if follows}
    found = []
    for boot, follows in rows:
        if not follows:
            found.append([boot])
            while found[-1][-1] in after:
                found[-1].append(after[found[-1][-1]])
    assert sum(map(len, found)) == len(rows)
    return found
