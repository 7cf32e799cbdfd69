"""hookgate is installed from a wheelhouse where there is no network, and its demo runs there."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
WHEELHOUSE = ROOT / "dist/wheelhouse"
# Loopback is all that there is; `ip` turns it on.
UNSHARED = ["unshare", "--map-root-user", "--net", "sh", "-euc", 'ip link set lo up; "$@"', "sh"]


def run(*command: str | Path, cwd: Path, under: list[str] = UNSHARED) -> str:
    done = subprocess.run([*under, *command], cwd=cwd, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_machine_without_a_network_runs_the_demo(tmp_path: Path) -> None:
    """With the extras that are asked for, each file held to its sum first."""
    run("make", "wheelhouse", f"VENV={Path(sys.executable).parents[1]}", cwd=ROOT, under=[])
    assert "socket" in run(
        sys.executable,
        "-c",
        "import socket, contextlib\n"
        "try: socket.create_connection(('192.0.2.1', 80), 5)\n"
        "except OSError as error: print('no socket leads out:', error)",
        cwd=tmp_path,
    )
    run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=WHEELHOUSE)
    (wheel,) = WHEELHOUSE.glob("hookgate-*.whl")
    assert any(name.endswith("/hookgate.1") for name in ZipFile(wheel).namelist())
    run(sys.executable, "-m", "venv", "venv", cwd=tmp_path)
    pip = (tmp_path / "venv/bin/python", "-m", "pip", "--isolated", "install", "--no-index")
    asked = "hookgate[addon,audit,fleet,live,proof,quarantine]"
    run(*pip, "--find-links", WHEELHOUSE, asked, cwd=tmp_path)
    told = run(tmp_path / "venv/bin/hookgate", "demo", cwd=tmp_path)
    assert "ended as they should, 0 did not." in told
