"""What a demo says of a machine on which it cannot run."""

import subprocess
from pathlib import Path

import pytest

from support.namespaces import need
from support.sidecar import HOOKGATE


@pytest.mark.parametrize("options", [[], ["--addon"], ["--fleet"]], ids=" ".join)
def test_a_demo_says_that_loopback_is_down(tmp_path: Path, options: list[str]) -> None:
    """As in a network namespace that nobody has set up, before anything is started."""
    command = [*need("--map-root-user", "--net"), HOOKGATE, "demo", *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "hookgate: 127.0.0.1 cannot be reached: Network is unreachable; bring loopback up, as"
        " root: ip link set lo up\n"
    )
