"""Signals, rotation, and the end."""

import signal
import threading
from pathlib import Path

import pytest

from support.events import CLEAN
from support.ledger import assert_balanced, assert_chained, read_ledger
from support.mitmdump import mitmdump
from support.raw import ask, connected, post, wait_until
from support.receiver import OK, receiving


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_mitmdump_stops_with_a_ledger_that_balances(tmp_path: Path, with_signal: int) -> None:
    """Exit status 0 and a `stop`, with an exchange under way and a body still arriving."""
    release = threading.Event()

    def respond(seen: object) -> bytes:
        release.wait(30)
        return OK

    try:
        with (
            receiving(respond) as upstream,
            mitmdump(upstream.url, tmp_path, **{"upstream.timeout": "20s"}) as gate,
            connected(gate.port) as forwarded,
            connected(gate.port) as arriving,
        ):
            forwarded.send(post(CLEAN))
            assert len(upstream.wait_for(1)) == 1
            arriving.send(post(CLEAN)[:-1])
            assert wait_until(lambda: len(gate.records("forward")) == 1)
            assert gate.stop(with_signal) == 0
            release.set()
            assert_chained(gate.audit)
            assert_balanced(gate.audit)
            last = gate.records()[-1]
            assert last["event"] == "stop"
            assert last["received"] in (1, 2)
            assert [r["reason"] for r in gate.records("delivery")][:1] == ["upstream_timeout"]
            assert "gate.fault" not in gate.log.whole()
    finally:
        release.set()


@pytest.mark.parametrize("with_signal", [True, False], ids=["SIGUSR1", "unasked"])
def test_a_rotation_is_followed(tmp_path: Path, with_signal: bool) -> None:
    """After a rename the next lines go to a new file; the chain goes on across both."""
    with receiving() as upstream, mitmdump(upstream.url, tmp_path) as gate:
        assert ask(gate.port, post(CLEAN)).status == 200
        old = tmp_path / "audit.jsonl.1"
        gate.audit.rename(old)
        if with_signal:
            gate.process.send_signal(signal.SIGUSR1)
        assert wait_until(gate.audit.exists)
        assert ask(gate.port, post(CLEAN)).status == 200
        assert gate.stop() == 0
        assert [r["event"] for r in read_ledger(old)] == ["start", "forward", "delivery"]
        assert [r["event"] for r in gate.records()] == ["forward", "delivery", "stop"]
        whole = tmp_path / "whole.jsonl"
        whole.write_bytes(old.read_bytes() + gate.audit.read_bytes())
        assert_chained(whole)
        assert assert_balanced(whole) == {"delivered": 2}
