"""What the Makefile installs, and how: seen by a Python that only tells what it is asked for."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# As `python` of an environment that it made, it is the same.
PYTHON = """#!/bin/sh
case "$*" in
  *version_info*) exit {unfit} ;;
  --version) echo Python 3.10.1 ;;
  "-m venv "*) [ ! -e no-venv ] && mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  *"import ensurepip"*) [ ! -e no-ensurepip ] ;;
  *"-m pip"*)
    echo "$PIP_USER $PIP_CONSTRAINT $*" >>asked
    case "$*" in *--no-index*) [ -e fetched ] || {{ echo "a wheel is damaged"; exit 1; }} ;;
      *" download "*) [ ! -e no-network ] && touch fetched ;;
    esac ;;
esac
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "a tree's folder"
    folder.mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    return folder


def make(tree: Path, goal: str, unfit: int = 0) -> subprocess.CompletedProcess[str]:
    """Call it with settings of pip that would install elsewhere, and other versions."""
    (tree / "python").write_text(PYTHON.format(unfit=unfit))
    (tree / "python").chmod(0o755)
    own = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environment = {**own, "PIP_USER": "1", "PIP_CONSTRAINT": "constraints.txt"}
    return subprocess.run(
        ["make", goal, "PYTHON=./python"], cwd=tree, env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip


def test_what_is_missing_is_fetched_once_and_held_to_its_hashes(tree: Path) -> None:
    """Into the environment, in the versions of the lock, whatever pip is set to."""
    assert make(tree, ".venv/.installed").returncode == 0
    asked = (tree / "asked").read_text().splitlines()
    assert [" download " in line for line in asked] == [False, True, False, False, False]
    assert {tuple(line.split()[:2]) for line in asked} == {("0", "/dev/null")}
    assert all("--require-hashes --no-deps" in line for line in asked[:4])


def test_what_cannot_be_fetched_is_said_with_what_is_wrong_here(tree: Path) -> None:
    """A file that is damaged, on a machine without a network."""
    (tree / "no-network").touch()
    done = make(tree, ".venv/.installed")
    assert done.returncode != 0
    assert ".wheels alone is not enough: a wheel is damaged" in done.stderr


@pytest.mark.parametrize("goal", [".venv/.installed", ".venv-release/.ready"])
def test_a_python_that_is_too_old_is_refused_before_anything_is_made(tree: Path, goal: str) -> None:
    done = make(tree, goal, unfit=1)
    assert done.returncode != 0
    assert "hookgate needs Python 3.11 to 3.14; ./python is Python 3.10.1." in done.stdout
    assert not [*tree.glob(".venv*")]


@pytest.mark.parametrize("lacking", [True, False])
def test_a_package_is_named_only_where_it_is_what_is_missing(tree: Path, lacking: bool) -> None:
    """And not on a disk that is full or read-only."""
    (tree / "no-venv").touch()
    if lacking:
        (tree / "no-ensurepip").touch()
    done = make(tree, ".venv/.installed")
    assert done.returncode != 0
    assert ("apt-get install python3-venv" in done.stdout) is lacking


def test_an_environment_of_another_python_is_not_taken_for_the_one_that_is_named(
    tree: Path,
) -> None:
    """It would be used as it is. Two of one minor version are alike."""
    for path, version in (("python", "3.13"), (".venv/bin/python", "3.11")):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(f"#!/bin/sh\necho {version}\n")
        (tree / path).chmod(0o755)
    command = ["make", "-n", "demo", "PYTHON=./python"]
    refused = subprocess.run(command, cwd=tree, capture_output=True, text=True)
    assert refused.returncode == 2
    mend = "make PYTHON=./python VENV=.venv-3.13 demo"
    assert f".venv is not of Python 3.13: name a folder for it, {mend}." in refused.stderr
    done = subprocess.run(["sh", "-c", mend + " -n"], cwd=tree, capture_output=True, text=True)
    assert "Installing hookgate into .venv-3.13" in done.stdout
    (tree / ".venv/bin/python").write_text("#!/bin/sh\necho 3.13\n")
    assert subprocess.run(command, cwd=tree, capture_output=True).returncode == 0
