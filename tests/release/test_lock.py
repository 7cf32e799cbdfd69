"""The lock holds what pyproject.toml asks for, of the public index alone; pip gets the same."""

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = tomllib.loads((ROOT / "uv.lock").read_text())
FILES = sorted((ROOT / "requirements").glob("*.txt"))
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]

Asked = tuple[str, str, frozenset[str]]


def asked(*requirements: str) -> Iterator[Asked]:
    """Name, versions and extras of each; what is in them stands for hookgate's own extras."""
    for parsed in map(Requirement, requirements):
        if parsed.name == PROJECT["project"]["name"]:
            yield from asked(*(text for extra in parsed.extras for text in EXTRAS[extra]))
        else:
            name = canonicalize_name(parsed.name)
            yield name, str(parsed.specifier), frozenset(parsed.extras)


def locked(entry: dict[str, Any]) -> Iterator[Asked]:
    """The same of an entry of the lock."""
    extras = entry.get("extras", [])
    return asked(f"{entry['name']}[{','.join(extras)}]{entry.get('specifier', '')}")


def with_files() -> list[dict[str, Any]]:
    """The lock's packages, but for hookgate itself."""
    return [package for package in LOCK["package"] if "editable" not in package["source"]]


def files(package: dict[str, Any]) -> list[dict[str, str]]:
    return [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]


def test_every_package_is_of_the_public_index_and_every_file_has_its_hash() -> None:
    """No mirror, no folder and no other host, by whatever a machine is configured to use."""
    for package in with_files():
        assert package["source"] == {"registry": "https://pypi.org/simple"}, package["name"]
        assert files(package), package["name"]
        for file in files(package):
            assert file["url"].startswith("https://files.pythonhosted.org/packages/")
            assert re.fullmatch(r"sha256:[0-9a-f]{64}", file["hash"])


@pytest.mark.parametrize("file", [ROOT / "uv.lock", *FILES], ids=lambda file: file.name)
def test_no_other_place_is_named(file: Path) -> None:
    """In no value, comment or option."""
    text = file.read_text()
    assert set(re.findall(r"\w+://[^/\"\s]*", text)) <= {
        "https://files.pythonhosted.org",
        "https://pypi.org",
    }
    assert not re.search(r"file:|(?m:^|[\s\"=])(?:/|\.\.?/|~/)\w|^-", text)


def test_pyproject_and_lock_ask_for_the_same() -> None:
    """`make lock` brings a lock that is behind up to date."""
    (own,) = (package for package in LOCK["package"] if "editable" in package["source"])
    found: dict[str, set[Asked]] = {}
    for entry in own["metadata"]["requires-dist"]:
        extra = re.search(r"extra == '([^']+)'", entry.get("marker", ""))
        found.setdefault(extra[1] if extra else "", set()).update(locked(entry))
    for group, entries in own["metadata"]["requires-dev"].items():
        found[group] = {ask for entry in entries for ask in locked(entry)}
    project = PROJECT["project"]
    texts = {"": project["dependencies"], **EXTRAS, **PROJECT["dependency-groups"]}
    assert found == {name: set(asked(*each)) for name, each in texts.items()}
    assert set(own["metadata"]["provides-extras"]) == set(EXTRAS)
    assert LOCK["requires-python"] == project["requires-python"]


def test_nothing_was_set_when_it_was_made_but_what_pyproject_sets() -> None:
    """No versions before a release, no lowest ones, none that are newer or older than it says."""
    days = PROJECT["tool"]["uv"]["exclude-newer"].removesuffix(" days")
    assert LOCK["options"]["exclude-newer-span"] == f"P{days}D"
    assert LOCK["options"].keys() <= {
        *("exclude-newer", "exclude-newer-span", "exclude-newer-package")
    }


def test_what_is_set_for_uv_does_not_reach_it(tmp_path: Path) -> None:
    """But for how the index is reached."""
    shutil.copytree(ROOT / "release", tmp_path / "release")
    (tmp_path / "requirements").mkdir()
    (tmp_path / "uv").write_text(f"#!/bin/sh\nenv >>'{tmp_path}/environment'\n")
    (tmp_path / "uv").chmod(0o755)
    hostile = ("INDEX", "EXCLUDE_NEWER", "FROZEN", "PRERELEASE", "CONFIG_FILE", "NO_GROUP")
    own = {f"UV_{name}": "x" for name in (*hostile, "CACHE_DIR", "HTTP_TIMEOUT")}
    environment = {**os.environ, **own, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run([tmp_path / "release/lock.sh"], env=environment, check=True)
    found = re.findall(r"(?m)^(UV_\w+|XDG_CONFIG_HOME)=", (tmp_path / "environment").read_text())
    assert {*found} == {
        *("UV_CACHE_DIR", "UV_HTTP_TIMEOUT", "UV_DEFAULT_INDEX", "UV_NO_SYSTEM_CONFIG"),
        *("UV_PYTHON_DOWNLOADS", "XDG_CONFIG_HOME"),
    }
