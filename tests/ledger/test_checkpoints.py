"""What running gates say of their ledgers, and what `verify --against` makes of that."""

import json
import os
import signal
from pathlib import Path
from typing import Any, NamedTuple

from support import forked
from support.events import CLEAN
from support.ledger import read_ledger
from support.log import Log
from support.mitmdump import mitmdump
from support.raw import ask, post, wait_until
from support.receiver import receiving
from support.sidecar import sidecar

EACH_SECOND = "from hookgate.ledger.writing import checkpoints\ncheckpoints.EVERY_SECONDS = 0\n"


class Kept(NamedTuple):
    """The ledgers of gates in a folder, and their log as somebody else has kept it."""

    folder: Path
    log: Path

    def verify(self, *arguments: str) -> tuple[int, Any]:
        """The exit status and the answer of `hookgate audit verify --against`."""
        done = forked.run(
            ["audit", "verify", "--json", "--against", "-", *arguments],
            self.folder,
            {"HOOKGATE_AUDIT__PATH": "audit.jsonl"},
            self.log.read_bytes(),
        )
        assert done.returncode in (0, 1), done.stderr
        return done.returncode, json.loads(done.stdout)


def saw(log: Log, lines: int, **members: object) -> dict[str, Any]:
    """The first checkpoint that saw so many lines, once it is there."""
    found: list[dict[str, Any]] = []

    def came() -> bool:
        records = [json.loads(x) for x in str(log).splitlines() if '"ledger.checkpoint"' in x]
        found[:] = [r for r in records if r["n"] >= lines and members.items() <= r.items()]
        return bool(found)

    assert wait_until(came, 30), str(log)
    return found[0]


def test_a_log_witnesses_what_was_written_before_a_kill_and_after(tmp_path: Path) -> None:
    """Over a rotation, a SIGKILL and a new boot. Then lines of the first boot are cut from what was
    not rotated, and with them the whole second one.
    """
    audit = tmp_path / "audit.jsonl"
    with receiving() as upstream:
        keys = {"audit.fsync": "always"}
        with sidecar(upstream.url, tmp_path, patch=EACH_SECOND, **keys) as gate:
            for _ in range(3):
                assert ask(gate.port, post(CLEAN)).status == 200
            os.rename(audit, tmp_path / "audit.jsonl.1")
            gate.process.send_signal(signal.SIGUSR1)
            assert wait_until(audit.exists)
            assert ask(gate.port, post(CLEAN)).status == 200
            saw(gate.log, 9)
            gate.kill()
            first = gate.log.whole()
        with sidecar(upstream.url, tmp_path) as gate:
            assert ask(gate.port, post(CLEAN)).status == 200
            assert gate.stop() == 0
            (tmp_path / "gate.log").write_text(first + gate.log.whole())
    kept = Kept(tmp_path, tmp_path / "gate.log")
    status, found = kept.verify()
    assert (status, found["boots"], found["against"]["boots"]) == (0, 2, 2)
    stop = read_ledger(audit)[-1]
    last = [json.loads(x) for x in kept.log.read_text().splitlines() if "checkpoint" in x][-1]
    assert (last["boot"], last["n"], stop["event"]) == (stop["boot"], stop["n"], "stop")

    audit.write_bytes(audit.read_bytes().splitlines(keepends=True)[0])
    status, found = kept.verify()
    texts = {finding["kind"]: finding["text"] for finding in found["findings"]}
    assert status == 1
    assert "saw 9 lines of it, the ledger has 8: 1 at its end are in no file" in texts["cut"]
    assert "none is here, where lines begin at" in texts["gone"]


def test_each_worker_says_what_it_wrote_and_so_does_the_addon(tmp_path: Path) -> None:
    """Each of its own ledger; one that got no event lived all the same."""
    (tmp_path / "addon").mkdir()
    with receiving() as upstream, mitmdump(upstream.url, tmp_path / "addon") as proxy:
        assert ask(proxy.port, post(CLEAN)).status == 200
        with sidecar(upstream.url, tmp_path, **{"sidecar.workers": "2"}) as gate:
            for worker in ("1", "2"):
                saw(gate.log, 1, worker=worker)
            assert ask(gate.port, post(CLEAN)).status == 200
            assert gate.stop() == 0
            both = gate.log.whole()
        assert proxy.stop() == 0
        (tmp_path / "gate.log").write_text(both + proxy.log.whole())
    kept = Kept(tmp_path, tmp_path / "gate.log")
    status, found = kept.verify("audit.1.jsonl", "audit.2.jsonl", "addon/audit.jsonl")
    assert (status, found["boots"], found["against"]["boots"]) == (0, 3, 3)
    for file in ("audit.1.jsonl", "audit.2.jsonl", "addon/audit.jsonl"):
        path = tmp_path / file
        whole = path.read_bytes()
        path.write_bytes(whole[: whole.rindex(b"\n", 0, -1) + 1])
        status, found = kept.verify("audit.1.jsonl", "audit.2.jsonl", "addon/audit.jsonl")
        path.write_bytes(whole)
        assert [one["kind"] for one in found["findings"] if one["kind"] != "no_stop"] == ["cut"]
        assert found["first_bad"].startswith(file)
