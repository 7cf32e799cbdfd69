"""A gate killed while it keeps what it refuses: what was answered is there and recorded."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from support.kept import files, items, narrow
from support.ledger import assert_chained, read_ledger
from support.load import sending
from support.raw import wait_until
from support.sidecar import Sidecar, sidecar

CLIENTS = 6


class Crash:
    """What a kill under load left: the ledger, and the events whose senders were told 200."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = narrow(folder, custody=True)
        gate = Sidecar("http://127.0.0.1:1", folder, **self.keys)
        try:
            with sending(gate.port, CLIENTS, b"/narrow", pause=0) as load:
                assert wait_until(lambda: len(load.answered(200)) >= 60)
                gate.kill()
        finally:
            gate.stop()
        self.audit = gate.audit
        self.answered = load.answered(200)
        self.records = read_ledger(self.audit)


@pytest.fixture(scope="module")
def crash(tmp_path_factory: pytest.TempPathFactory) -> Crash:
    """In custody: each 200 is a promise."""
    return Crash(tmp_path_factory.mktemp("crash"))


def test_what_was_answered_is_kept_and_recorded(crash: Crash) -> None:
    """Each file is whole and holds its body; what no line names was cut off before its answer."""
    kept = {sha256(item.body).hexdigest() for item in items(crash.folder)}
    lines = {r["sha256"]: r["kept"] for r in crash.records if r["event"] == "delivery"}
    stored = {sha256(file.read_bytes()).hexdigest() for file in files(crash.folder)}
    assert crash.answered <= lines.keys() <= kept
    assert {*lines.values()} <= stored
    assert len(stored) - len(lines) <= CLIENTS  # orphans
    assert_chained(crash.audit)


def test_the_next_run_takes_the_folder_up(crash: Crash) -> None:
    """What a kill left half written is no item, and is removed; the others stay."""
    before = set(files(crash.folder))
    for left in (crash.folder / "quarantine").rglob("*.new"):
        os.utime(left, (0, 0))  # younger ones may be another process's
    with sidecar("http://127.0.0.1:1", crash.folder, **crash.keys) as gate:
        with sending(gate.port, 1, b"/narrow", pause=0) as load:
            assert wait_until(lambda: len(load.answered(200)) >= 3)
        assert wait_until(lambda: not [*(crash.folder / "quarantine").rglob("*.new")])
        assert gate.stop() == 0
    assert before <= set(files(crash.folder))
