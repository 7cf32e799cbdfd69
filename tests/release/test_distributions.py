"""Wheel and sdist: the same bytes wherever they are built, and nothing stray in them."""

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from hookgate import __version__

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WHEEL = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
PAGE = "man1/hookgate.1"


def tracked() -> list[str]:
    """What git knows of, and is there."""
    if not (ROOT / ".git").exists():
        pytest.skip("these sources are of no clone")
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    names = done.stdout.decode().strip("\0").split("\0")
    return [name for name in names if (ROOT / name).is_file()]


def build(folder: Path, umask: int, timezone: str) -> dict[str, bytes]:
    """Both distributions' bytes, of a copy of the sources with a page of the manual."""
    tree = folder / "tree"
    previous = os.umask(umask)
    try:
        for name in [*tracked(), f"build/man/{PAGE}"]:
            target = tree / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if name.startswith("build/"):
                target.write_text(".TH HOOKGATE 1\n")
            else:
                shutil.copyfile(ROOT / name, target)
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-d", folder / "dist"],
            cwd=tree,
            env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000", "TZ": timezone},
            stdout=subprocess.DEVNULL,
            check=True,
        )
    finally:
        os.umask(previous)
    return {file.name: file.read_bytes() for file in (folder / "dist").iterdir()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("one")
    build(folder, 0o022, "UTC")
    return folder / "dist"


def test_they_are_the_same_bytes_wherever_they_are_built(built: Path, tmp_path: Path) -> None:
    """In another folder, at another time, in another time zone and with another umask."""
    first = {file.name: file.read_bytes() for file in built.iterdir()}
    names = {f"hookgate-{__version__}-py3-none-any.whl", f"hookgate-{__version__}.tar.gz"}
    assert first.keys() == names
    assert build(tmp_path, 0o077, "Pacific/Kiritimati") == first


def test_the_wheel_holds_the_packages_the_manual_and_nothing_else(built: Path) -> None:
    """Every package says that it is typed, and the licence is in it."""
    info = f"hookgate-{__version__}.dist-info"
    expected = {f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")}
    expected |= {f"{info}/licenses/LICENSE", f"hookgate-{__version__}.data/data/share/man/{PAGE}"}
    places = {package: Path(package).name for package in WHEEL["packages"]}
    for source, target in (places | WHEEL["force-include"]).items():
        below = [name for name in tracked() if name.startswith(f"{source}/")]
        expected |= {f"{target}/{name.removeprefix(f'{source}/')}" for name in below}
    (file,) = built.glob("*.whl")
    with zipfile.ZipFile(file) as wheel:
        assert set(wheel.namelist()) == expected
        typed = {name for name in expected if name.endswith("/py.typed")}
        assert typed == {f"{name}/py.typed" for name in places.values()}


def test_the_sdist_holds_what_the_repository_holds(built: Path) -> None:
    """Each file as it is, so that everything can be built and tested from it."""
    (file,) = built.glob("*.tar.gz")
    top = f"hookgate-{__version__}"
    with tarfile.open(file) as sdist:
        found = {entry.name for entry in sdist.getmembers() if not entry.isdir()}
        assert found == {f"{top}/{name}" for name in [*tracked(), f"build/man/{PAGE}", "PKG-INFO"]}
        for name in ("uv.lock", "core/hookgate/__init__.py"):
            held = sdist.extractfile(f"{top}/{name}")
            assert held is not None
            assert held.read() == (ROOT / name).read_bytes()
