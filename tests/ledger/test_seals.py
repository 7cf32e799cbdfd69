"""A sealed ledger of real workers: killed, rotated, started again, and verified as a whole."""

import json
import signal
from pathlib import Path

from support import forked
from support.events import CLEAN
from support.raw import ask, post, wait_until
from support.receiver import receiving
from support.sidecar import sidecar

SECRET = "0123456789abcdef0123456789abcdef"


def verify(folder: Path, audit: Path) -> tuple[int, list[str]]:
    """The exit status, and the kinds of what was found."""
    found = forked.run(
        ["audit", "verify", "--json", "--seal-key", str(folder / "seal.key")],
        folder,
        {"HOOKGATE_AUDIT__PATH": str(audit)},
    )
    return found.returncode, [finding["kind"] for finding in json.loads(found.stdout)["findings"]]


def test_it_holds_while_it_runs_after_a_rotation_a_kill_and_a_stop(tmp_path: Path) -> None:
    """And once the newest file is gone, it does not."""
    (tmp_path / "seal.key").write_text(SECRET + "\n")
    keys = {"audit.seal_key_file": str(tmp_path / "seal.key")}
    with receiving() as upstream:
        with sidecar(upstream.url, tmp_path, **keys) as gate:
            audit = gate.audit
            for _ in range(3):
                assert ask(gate.port, post(CLEAN)).status == 200
            assert verify(tmp_path, audit) == (0, ["no_stop"])
            audit.rename(audit.with_name(audit.name + ".1"))
            gate.process.send_signal(signal.SIGUSR1)
            assert wait_until(audit.exists)
            assert ask(gate.port, post(CLEAN)).status == 200
            assert wait_until(lambda: verify(tmp_path, audit) == (0, ["no_stop"]))
            gate.process.kill()
            gate.process.wait(30)
        assert verify(tmp_path, audit) == (0, ["no_stop"])
        audit.rename(audit.with_name(audit.name + ".0"))
        with sidecar(upstream.url, tmp_path, **keys) as gate:
            assert gate.audit == audit
            assert ask(gate.port, post(CLEAN)).status == 200
            assert gate.stop() == 0
    assert verify(tmp_path, audit) == (0, ["no_stop"])
    audit.unlink()
    assert verify(tmp_path, audit)[0] == 1
