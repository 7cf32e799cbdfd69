"""What pip installs by requirements/ is what the lock says, on each Python and machine."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FILES = sorted((ROOT / "requirements").glob("*.txt"))
PYTHONS = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["project"]["classifiers"]))
MACHINES = ["x86_64", "aarch64"]
PACKAGES = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
(OWN,) = (package for package in PACKAGES if "editable" in package["source"])
OTHERS = {(each["name"], each["version"]): each for each in PACKAGES if each is not OWN}

Named = tuple[str, str]


def of(python: str, machine: str) -> dict[str, str]:
    """What markers ask about, there."""
    return {
        "python_full_version": f"{python}.9",
        "python_version": python,
        "sys_platform": "linux",
        "platform_machine": machine,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }


def lines(file: Path) -> list[Requirement]:
    """Each line of a file, with its marker and without its hashes."""
    text = re.findall(r"^[a-z].*(?= \\$)", file.read_text(), re.MULTILINE)
    return [Requirement(line) for line in text]


def named(line: Requirement) -> Named:
    return line.name, str(line.specifier).removeprefix("==")


def installed(file: Path, there: dict[str, str]) -> set[Named]:
    return {named(line) for line in lines(file) if line.marker and line.marker.evaluate(there)}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_line_has_the_hashes_of_all_files_and_no_other(file: Path) -> None:
    text = file.read_text().replace("\\\n", " ")
    found = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(found) == len(lines(file)) > 0
    for line, read in zip(found, lines(file), strict=True):
        package = OTHERS[named(read)]
        files = [*package.get("wheels", []), *filter(None, [package.get("sdist")])]
        assert set(re.findall(r"--hash=(\S+)", line)) == {each["hash"] for each in files}, line


class Chosen:
    """What the options in a file's first line choose of the lock, for one Python and machine."""

    def __init__(self, file: Path, there: dict[str, str]) -> None:
        said = file.read_text().partition("\n")[0].partition("uv.lock: ")[2]
        self.options = re.findall(r"--(extra|group|only-group) (\S+)", said)
        self._there = there
        self.found: dict[Named, set[str]] = {}
        names = [("extra" if kind == "extra" else "group", name) for kind, name in self.options]
        names += [("extra", "addon")] * (("extra", "dev") in names)
        self._conflicting = {f"{kind}-8-hookgate-{name}" for kind, name in names}
        if not any(kind == "only-group" for kind, _ in self.options):
            self._follow(OWN["dependencies"])
        for kind, name in self.options:
            table = "optional-dependencies" if kind == "extra" else "dev-dependencies"
            self._follow(OWN[table][name])

    def _wanted(self, marker: str) -> bool:
        def holds(match: re.Match[str]) -> str:
            chosen = (match[2] in self._conflicting) == (match[1] == "==")
            return "python_version >= '3'" if chosen else "python_version < '3'"

        marker = re.sub(r"extra (==|!=) '([^']+)'", holds, marker)
        return not marker or Marker(marker).evaluate(self._there)

    def _follow(self, entries: list[dict[str, Any]]) -> None:
        for entry in entries:
            if not self._wanted(entry.get("marker", "")):
                continue
            extras = set(entry.get("extra", []))
            if entry["name"] == OWN["name"]:
                package, new = OWN, extras
            else:
                (package,) = (
                    each
                    for name, each in OTHERS.items()
                    if name[0] == entry["name"] and entry.get("version", name[1]) == name[1]
                )
                name = package["name"], package["version"]
                if name not in self.found:
                    self.found[name] = set()
                    self._follow(package.get("dependencies", []))
                new = extras - self.found[name]
                self.found[name] |= extras
            for extra in new:
                self._follow(package["optional-dependencies"].get(extra, []))


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_all_that_is_needed_is_there_and_nothing_else(
    file: Path, python: str, machine: str
) -> None:
    """For pip, which is told to follow nothing by itself."""
    there = of(python, machine)
    assert installed(file, there) == Chosen(file, there).found.keys()


def extras(texts: list[str]) -> set[str]:
    """The extras of hookgate's own that are asked for."""
    (own,) = (each for each in map(Requirement, texts) if each.name == PROJECT["project"]["name"])
    return own.extras


def test_what_runs_hookgate_has_every_extra() -> None:
    """One that is new gets into release/lock.sh."""
    of_all = set(PROJECT["project"]["optional-dependencies"]) - {"dev"}
    assert extras(PROJECT["project"]["optional-dependencies"]["dev"]) == of_all
    assert {name for _, name in Chosen(ROOT / "requirements/run.txt", of("3.13", "")).options} == (
        of_all
    )


def tags(python: str, machine: str) -> set[Tag]:
    """What pip takes there, with a glibc as old as 2.17 or as new as 2.36."""
    version = tuple(map(int, python.split(".")))
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(36, 4, -1)]
    platforms += [f"manylinux{year}_{machine}" for year in (2014, 2010, 1)]
    return {
        *cpython_tags(version, platforms=platforms),
        *compatible_tags(version, platforms=platforms),
    }


def wheels(package: dict[str, Any]) -> Iterator[frozenset[Tag]]:
    for wheel in package.get("wheels", []):
        yield parse_wheel_filename(wheel["url"].rsplit("/", 1)[1])[3]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("python", PYTHONS)
def test_a_wheel_of_everything_is_there(python: str, machine: str) -> None:
    """For each Python that is promised; a compiler is needed nowhere."""
    usable, there = tags(python, machine), of(python, machine)
    needed = set.union(*(installed(file, there) for file in FILES))
    lacking = {name for name in needed if not any(each & usable for each in wheels(OTHERS[name]))}
    # Python alone builds it.
    assert {name for name, _ in lacking} == ({"pyperclip"} if python == "3.11" else set())
