"""Every process collects the same tests under the same names, so that workers can share them.

pytest-xdist ends a run whose workers collect differently, and each of them has a hash seed of its
own: so every `make test` holds it too.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def collected(seed: str) -> list[str]:
    """The names that a process with this hash seed collects, in their order."""
    left_out = ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"],
        env={k: v for k, v in os.environ.items() if k not in left_out} | {"PYTHONHASHSEED": seed},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if "::" in line]


@pytest.mark.soak
def test_another_process_collects_the_same() -> None:
    """In the same order, with another hash seed: no name holds what is a process's own."""
    assert collected("1") == collected("2") != []
