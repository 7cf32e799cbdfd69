"""The licences that the list of parts names: one for each package, in SPDX's words."""

import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest
from packaging.licenses import canonicalize_license_expression
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LICENCES = tomllib.loads((ROOT / "release/licences.toml").read_text())


def test_each_package_that_is_installed_has_one() -> None:
    """And no other, in order: who adds a package looks at its licence."""
    lines = (ROOT / "requirements/run.txt").read_text().splitlines()
    names = {Requirement(line.removesuffix("\\")).name for line in lines if line[:1].isalnum()}
    assert list(LICENCES) == sorted(names)


@pytest.mark.parametrize("name", LICENCES)
def test_it_is_what_the_package_says(name: str) -> None:
    """Where it says so in SPDX's words, and is installed."""
    assert canonicalize_license_expression(LICENCES[name]) == LICENCES[name]
    try:
        said = metadata(name).get_all("License-Expression", [])
    except PackageNotFoundError:
        return
    assert said in ([], [LICENCES[name]])
