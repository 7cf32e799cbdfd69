"""The script is broken, deleted and mended under a running mitmdump: nothing passes meanwhile."""

import os
import threading
from pathlib import Path

import pytest

from support.events import CLEAN
from support.ledger import assert_balanced, assert_chained
from support.mitmdump import DEAD_END, SCRIPT, Mitmdump, Running, mitmdump
from support.raw import ask, connected, post, wait_until
from support.receiver import OK, receiving

# mitmproxy looks for a newer file once a second.
SECONDS = 10


def save(gate: Mitmdump, text: str) -> None:
    """Save the script, as an editor would, with a newer time than before."""
    before = gate.script.stat().st_mtime_ns
    gate.script.write_text(text)
    os.utime(gate.script, ns=(before + 10**9, before + 10**9))


def is_in_charge(gate: Mitmdump) -> bool:
    """Whether mitmproxy has the addon among those it calls."""
    return bool(gate.run_inside("result = ctx.master.addons.get('hookgate') is not None"))


@pytest.mark.parametrize(
    "text",
    ["def (:\n", "raise RuntimeError\n", "import no_such_module\n", "", "addons = []\n"],
    ids=["syntax error", "exception", "import error", "empty", "no addon"],
)
def test_nothing_passes_while_the_script_is_broken(running: Running, text: str) -> None:
    """Requests get 502 from the dead upstream; with the script mended the same boot goes on."""
    gate, traces = running.gate, running.traces()
    assert ask(gate.port, post(CLEAN)).status == 200
    save(gate, text)
    assert wait_until(lambda: not is_in_charge(gate), SECONDS)
    assert [ask(gate.port, post(CLEAN)).status for _ in range(3)] == [502] * 3
    assert len(traces.seen) == 1
    save(gate, SCRIPT)
    assert wait_until(lambda: is_in_charge(gate), SECONDS)
    assert ask(gate.port, post(CLEAN)).status == 200
    assert len(traces.seen) == 2
    assert set(gate.opened()) == {DEAD_END}
    before, after = traces.deliveries(2)
    assert after["seq"] == before["seq"] + 1
    assert len(gate.records("start")) == 1


def test_nothing_passes_while_the_script_is_deleted(tmp_path: Path) -> None:
    """mitmproxy forgets a deleted script; set again as an option, it goes on with the same boot."""
    with receiving() as upstream, mitmdump(upstream.url, tmp_path) as gate:
        assert ask(gate.port, post(CLEAN)).status == 200
        gate.script.unlink()
        assert wait_until(lambda: not is_in_charge(gate), SECONDS)
        assert [ask(gate.port, post(CLEAN)).status for _ in range(3)] == [502] * 3
        assert len(upstream.seen) == 1
        gate.script.write_text(SCRIPT)
        gate.run_inside(
            f"ctx.options.update(scripts=[{str(gate.script)!r}, *ctx.options.scripts]); result = 1"
        )
        assert wait_until(lambda: is_in_charge(gate), SECONDS)
        assert ask(gate.port, post(CLEAN)).status == 200
        assert gate.stop() == 0
        assert_chained(gate.audit)
        assert assert_balanced(gate.audit) == {"delivered": 2}
        assert [r["seq"] for r in gate.records("delivery")] == [1, 2]


def test_a_deleted_script_still_leaves_a_whole_ledger(tmp_path: Path) -> None:
    """mitmproxy stops without asking the addon; the ledger ends with its `stop` all the same."""
    with receiving() as upstream, mitmdump(upstream.url, tmp_path) as gate:
        assert ask(gate.port, post(CLEAN)).status == 200
        gate.script.unlink()
        assert wait_until(lambda: not is_in_charge(gate), SECONDS)
        assert gate.stop() == 0
        assert assert_balanced(gate.audit) == {"delivered": 1}
        assert gate.records()[-1]["event"] == "stop"


def test_what_is_under_way_when_the_script_breaks_is_concluded(tmp_path: Path) -> None:
    """An exchange runs to its end; a body still arriving is given up as `gate_error`."""
    release = threading.Event()

    def respond(_: object) -> bytes:
        release.wait(30)
        return OK

    with (
        receiving(respond) as upstream,
        mitmdump(upstream.url, tmp_path, **{"upstream.timeout": "20s"}) as gate,
        connected(gate.port) as forwarded,
        connected(gate.port) as arriving,
    ):
        forwarded.send(post(CLEAN))
        arriving.send(post(CLEAN)[:-1])
        assert len(upstream.wait_for(1)) == 1
        save(gate, "def (:\n")
        assert wait_until(lambda: not is_in_charge(gate), SECONDS)
        arriving.send(CLEAN[-1:])
        assert arriving.read().status == 502
        release.set()
        assert forwarded.read().status == 200
        assert len(upstream.seen) == 1
        assert gate.stop() == 0
        assert assert_balanced(gate.audit) == {"failed": 1, "delivered": 1}
        assert {r["reason"] for r in gate.records("delivery")} == {"gate_error", "clean"}


def test_saving_an_intact_script_changes_nothing(tmp_path: Path) -> None:
    """It is loaded again as often as it is saved, and the gate behind it stays."""
    with receiving() as upstream, mitmdump(upstream.url, tmp_path) as gate:
        name = f"scriptmanager:{gate.script}"
        for count in (1, 2):
            save(gate, f"{SCRIPT}\nSAVED = {count}\n")
            loaded = f"result = getattr(ctx.master.addons.get({name!r}).ns, 'SAVED', 0)"
            while gate.run_inside(loaded) != count:
                # One that arrives between the old script and the new one is refused, and retried.
                assert ask(gate.port, post(CLEAN)).status in (200, 502, 503)
        assert ask(gate.port, post(CLEAN)).status == 200
        assert gate.stop() == 0
        assert assert_balanced(gate.audit)["delivered"] == len(upstream.seen)
        assert [r["event"] for r in gate.records()].count("start") == 1
