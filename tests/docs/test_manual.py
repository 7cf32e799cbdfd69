"""The manual pages say what `--help` says, and what shows them does not complain."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from hookgate.config.keys import CHANNEL_KEYS, KEYS, ROUTE_KEYS
from hookgate_cli.verbs import app

SPEC = importlib.util.spec_from_file_location(
    "manual", Path(__file__).parents[2] / "docs/manual.py"
)
assert SPEC is not None
assert SPEC.loader is not None
manual: Any = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(manual)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every page, by its name."""
    return {file.name: file for file in manual.write(tmp_path_factory.mktemp("man"))}


def verbs(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    yield name, command
    for each in command.list_commands(None) if hasattr(command, "list_commands") else ():
        yield from verbs(command.get_command(None, each), f"{name}-{each}")


def test_each_verb_has_its_page_and_each_option_is_on_it(pages: dict[str, Path]) -> None:
    """And the configuration has one with every key."""
    found = dict(verbs(get_command(app), "hookgate"))
    assert set(pages) == {f"{name}.1" for name in found} | {"hookgate.toml.5"}
    for name, command in found.items():
        text = pages[f"{name}.1"].read_text().replace("\\-", "-").replace("\\fR\\fI", "")
        for param in command.params:
            typed = [] if getattr(param, "hidden", False) else param.opts
            for option in filter(lambda name: name.startswith("-"), typed):
                assert f"\\fB{option}" in text, (name, option)
    keys = pages["hookgate.toml.5"].read_text()
    for key in [*(key.name for key in KEYS), *ROUTE_KEYS, *CHANNEL_KEYS]:
        assert f"\\fB{key}" in keys, key


@pytest.mark.parametrize(
    "program",
    [["groff", "-man", "-ww", "-z", "-k", "-Tutf8"], ["mandoc", "-T", "lint", "-W", "warning"]],
    ids=lambda program: program[0],
)
def test_what_shows_them_does_not_complain(pages: dict[str, Path], program: list[str]) -> None:
    if shutil.which(program[0]) is None:
        pytest.skip(f"no {program[0]}; apt-get install {program[0]}")
    done = subprocess.run([*program, *pages.values()], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_text_is_shown_as_it_is_whatever_it_holds() -> None:
    """What roff would obey, at the beginning of a line or within."""
    if shutil.which("groff") is None:
        pytest.skip("no groff; apt-get install groff")
    hostile = "'x \\n(.f \\fB.SH\n.SH NAME\n'br\n-- ~/a^b `c` \"d\" .e…"
    page = manual.Page(("hookgate",), 1, hostile, hostile, hostile, {"T": [(hostile, hostile)]})
    shown = subprocess.run(
        ["groff", "-man", "-ww", "-k", "-Tutf8", "-P-c", "-rLL=500n"],
        input=manual.to_roff(page, datetime(2026, 1, 1, tzinfo=UTC)),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stderr == ""
    text = re.sub(r".\x08", "", shown.stdout)
    said = " ".join(hostile.replace("`", "").split())
    assert " ".join(text.split()).count(said) >= 3
