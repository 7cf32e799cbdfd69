"""What the doctor offers on a machine that systemd does not run."""

from pathlib import Path

import pytest

from support.calling import Call
from support.doctor import SetUp
from support.ports import free_ports
from support.sidecar import sidecar

UNIT = Path(__file__).parents[3] / "sidecar/deploy/hookgate.service"


@pytest.fixture(autouse=True)
def _without_systemd(setup: SetUp, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the unit of the gate installed all the same, as in an image of a machine."""
    monkeypatch.setattr("hookgate_cli.offering._RUNNING", Path("/no/systemd"))
    (setup.units / "hookgate.service").write_text(UNIT.read_text())


def test_a_unit_that_nothing_starts_makes_no_folder(setup: SetUp) -> None:
    """It is beside the configuration as init wrote it; the command makes what the unit would."""
    folder = setup.folder / "logs"
    (setup.units / "hookgate.service").unlink()
    unit = f"[Service]\nUser=root\nReadWritePaths={folder}\n"
    (setup.folder / "hookgate.service").write_text(unit)
    setup.write()
    text = setup.file.read_text().replace(f"{setup.folder}/audit", f"{folder}/audit")
    setup.file.write_text(text)
    assert "install -d" in setup.mended("ledger")["commands"][0]


def test_a_gate_by_hand_is_never_to_be_restarted_by_systemd(setup: SetUp, call: Call) -> None:
    """Neither one that runs by an older configuration, nor one that has ended."""
    port, admin = free_ports(2)
    listen = f'sidecar.listen = "127.0.0.1:{port}"\n'
    setup.write(listen)
    with sidecar("http://127.0.0.1:9", setup.folder, options=f"--config {setup.file}"):
        pass
    setup.write(f'{listen}sidecar.admin = "127.0.0.1:{admin}"\n')
    told = call("doctor", "-c", str(setup.file), "--units", str(setup.units)).out
    assert "systemctl" not in told
    assert "journalctl" not in told
    assert "timedatectl" not in told
