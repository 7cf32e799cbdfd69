"""A gate says with which libraries it judges, and another version is another policy."""

from importlib.metadata import version
from pathlib import Path

import pytest

from hookgate import __version__
from support.ledger import Record
from support.receiver import receiving
from support.sidecar import sidecar

# As an installer would leave it; what is imported stays the same.
METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 999.0.0\n"


def start_with(folder: Path, patch: str = "") -> Record:
    """The `start` of a gate that ran for a moment."""
    folder.mkdir()
    with receiving() as upstream, sidecar(upstream.url, folder, patch=patch) as gate:
        (start,) = gate.records("start")
    return start


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """The `start` with what is installed."""
    return start_with(tmp_path_factory.mktemp("plain") / "gate")


def test_the_start_names_each_library_that_can_change_a_verdict(plain: Record) -> None:
    """With the version that is installed."""
    said = plain["libraries"]
    assert said[0] == f"hookgate {__version__}"
    names = ("httptools", "jiter", "jsonschema-rs", "netaddr", "orjson")
    assert said[2:] == [f"{name} {version(name)}" for name in names]


@pytest.mark.parametrize("name", ["httptools", "jiter", "jsonschema_rs", "orjson", "requests"])
def test_a_new_version_of_one_changes_the_policy(name: str, plain: Record, tmp_path: Path) -> None:
    """Not that of a library by which nothing is judged."""
    info = tmp_path / "site" / f"{name}-999.0.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(METADATA.format(name=name))
    patch = f"import sys\nsys.path.insert(0, {str(info.parent)!r})"
    newer = start_with(tmp_path / "newer", patch)
    assert (newer["policy"] != plain["policy"]) == (name != "requests")
    assert (f"{name.replace('_', '-')} 999.0.0" in newer["libraries"]) == (name != "requests")
