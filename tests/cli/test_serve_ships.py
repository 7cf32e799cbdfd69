"""`hookgate serve --ship`: a shipper beside the gate, which serves whatever becomes of it."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hookgate.ledger.shipping import Shipping, read_shipping
from support.admin import ON, Admin
from support.events import CLEAN
from support.fleet import Fleet, new_fleet
from support.process import is_there
from support.raw import ask, post, wait_until
from support.receiver import receiving
from support.sidecar import Sidecar, sidecar


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with new_fleet() as made:
        yield made


@pytest.fixture
def keys(fleet: Fleet, tmp_path: Path) -> dict[str, str]:
    """What a gate of the fleet goes by."""
    dsn = tmp_path / "gate.dsn"
    dsn.write_text(fleet.gate())
    dsn.chmod(0o600)
    return {"fleet.name": "amsterdam", "fleet.dsn_file": str(dsn)}


def told(folder: Path) -> Shipping | None:
    return read_shipping(folder / "audit.shipping")


def runs(folder: Path, other_than: int = 0) -> int:
    """The process id of the shipper, once there is one."""
    assert wait_until(lambda: (shipping := told(folder)) is not None and shipping.pid != other_than)
    shipping = told(folder)
    assert shipping is not None
    return shipping.pid


def deliver(gate: Sidecar) -> None:
    assert ask(gate.port, post(CLEAN)).status == 200


def received(fleet: Fleet) -> bytes:
    rows = fleet.sql("SELECT boot FROM hookgate.boot")
    return b"".join(fleet.bytes_of(boot) for (boot,) in rows)


@pytest.mark.slow
def test_a_shipper_runs_beside_and_ends_with_the_gate(
    fleet: Fleet, keys: dict[str, str], tmp_path: Path
) -> None:
    """One that is killed is started anew; the last line is shipped too; /metrics has its lag."""
    with (
        receiving() as upstream,
        sidecar(upstream.url, tmp_path, options="--ship", **ON, **keys) as gate,
    ):
        admin = Admin(gate)
        deliver(gate)
        first = runs(tmp_path)
        os.kill(first, signal.SIGKILL)
        assert gate.wait_for_log("ship.ended")["how"] == "signal 9"
        second = runs(tmp_path, other_than=first)
        deliver(gate)
        assert wait_until(lambda: received(fleet) == gate.audit.read_bytes())
        assert wait_until(lambda: admin.value("hookgate_ship_lines_total") > 0)
        assert admin.value("hookgate_ship_running") == 1
        assert admin.value("hookgate_ship_lag_seconds") < 60
        assert gate.stop() == 0
        assert not is_there(second)
        ended = told(tmp_path)
        assert ended is not None
        assert ended.has_ended
    assert received(fleet) == gate.audit.read_bytes()
    assert fleet.sql("SELECT stopped FROM hookgate.boot") == [(True,)]


@pytest.mark.slow
def test_a_gate_serves_whatever_hinders_its_shipper(
    fleet: Fleet, keys: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First the client of PostgreSQL is broken, then there is no file with a DSN; a reload that
    names it starts the shipper at once. One that is killed takes its shipper along.
    """
    broken = tmp_path / "broken/psycopg"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('the package psycopg is missing')\n")
    monkeypatch.setenv("PYTHONPATH", str(broken.parent))
    toml = tmp_path / "hookgate.toml"
    toml.write_text('[fleet]\nname = "amsterdam"\ndsn_file = "nowhere.dsn"\n')
    with (
        receiving() as upstream,
        sidecar(upstream.url, tmp_path, options="--ship") as gate,
    ):
        assert gate.wait_for_log("ship.ended")["how"] == "status 2"
        assert "psycopg is missing" in gate.log.lines("psycopg")[0]
        deliver(gate)
        (broken / "__init__.py").unlink()
        shutil.rmtree(broken)
        assert "cannot be read" in gate.log.lines("nowhere.dsn", seconds=60)[0]
        deliver(gate)
        toml.write_text(f'[fleet]\nname = "amsterdam"\ndsn_file = "{keys["fleet.dsn_file"]}"\n')
        gate.process.send_signal(signal.SIGHUP)
        gate.wait_for_log("ship.started")
        assert wait_until(lambda: received(fleet) == gate.audit.read_bytes())
        pid = runs(tmp_path)
        gate.kill()
        assert wait_until(lambda: not is_there(pid))
