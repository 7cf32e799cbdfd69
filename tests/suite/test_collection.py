"""Every process collects the same tests under the same names, so that workers can share them."""

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_another_process_collects_the_same(request: pytest.FixtureRequest) -> None:
    """In the same order, with another hash seed: no name holds what is a process's own."""
    ours = [item.nodeid for item in request.session.items]
    seed = "1" if os.environ.get("PYTHONHASHSEED") == "2" else "2"
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
    theirs = by_file(done.stdout.splitlines())
    for file, names in by_file(ours).items():
        wanted = set(names)
        assert [name for name in theirs[file] if name in wanted] == names


def by_file(names: Iterable[str]) -> dict[str, list[str]]:
    """The tests of each file; the order of files is that of the command line."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        found[name.partition("::")[0]].append(name)
    return found
