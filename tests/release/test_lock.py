"""The lock holds what pyproject.toml asks for, of the public index alone; pip gets the same."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import canonicalize_name, parse_wheel_filename

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = tomllib.loads((ROOT / "uv.lock").read_text())
FILES = sorted((ROOT / "requirements").glob("*.txt"))
PYTHONS = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["project"]["classifiers"]))
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


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_pip_reads_what_the_lock_holds(file: Path) -> None:
    """Each line is a version of the lock with the hashes of its files, all of them and no other."""
    of_lock = {
        (package["name"], package["version"]): {each["hash"] for each in files(package)}
        for package in with_files()
    }
    text = file.read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines
    for line in lines:
        name, version = re.match(r"([a-z0-9.-]+)==(\S+) ", line).groups()  # type: ignore[union-attr]
        assert set(re.findall(r"--hash=(\S+)", line)) == of_lock[name, version], name


def of_hookgate(texts: list[str]) -> set[str]:
    """The extras of hookgate's own that are asked for."""
    (own,) = (each for each in map(Requirement, texts) if each.name == PROJECT["project"]["name"])
    return own.extras


@pytest.mark.parametrize(
    ("name", "extras"),
    [
        ("run", of_hookgate(EXTRAS["dev"])),
        ("dev", {"dev"}),
        ("image", of_hookgate(PROJECT["dependency-groups"]["image"])),
    ],
)
def test_what_pip_reads_is_complete(name: str, extras: set[str]) -> None:
    """An extra that is new gets into release/lock.sh."""
    text = (ROOT / f"requirements/{name}.txt").read_text()
    there = set(re.findall(r"^([a-z0-9.-]+)==", text, re.MULTILINE))
    texts = [*PROJECT["project"]["dependencies"], f"hookgate[{','.join(extras)}]"]
    assert {ask[0] for ask in asked(*texts)} <= there


def tags(python: str, machine: str) -> set[Tag]:
    """What pip takes there, with a glibc as old as 2.17 or as new as 2.36."""
    version = tuple(map(int, python.split(".")))
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(36, 4, -1)]
    platforms += [f"manylinux{year}_{machine}" for year in (2014, 2010, 1)]
    return {
        *cpython_tags(version, platforms=platforms),
        *compatible_tags(version, platforms=platforms),
    }


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("python", PYTHONS)
def test_a_wheel_of_everything_is_there(python: str, machine: str) -> None:
    """For each Python that is promised; a compiler is needed nowhere."""
    there = {
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
        "platform_machine": machine,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    wheels = {
        (package["name"], package["version"]): [
            parse_wheel_filename(each["url"].rsplit("/", 1)[1])[3]
            for each in package.get("wheels", [])
        ]
        for package in with_files()
    }
    usable = tags(python, machine)
    lacking = set()
    for line in re.findall(
        r"^[a-z].*==.*(?= \\$)", (ROOT / "requirements/dev.txt").read_text(), re.MULTILINE
    ):
        wanted = Requirement(line)
        assert wanted.marker
        if wanted.marker.evaluate(there):
            (version,) = wanted.specifier
            if not any(each & usable for each in wheels[wanted.name, version.version]):
                lacking.add(wanted.name)
    assert lacking == ({"pyperclip"} if python == "3.11" else set())  # Python alone builds it
