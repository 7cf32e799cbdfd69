"""The ledger's wings: reading knows neither writing nor audit, and these two not each other."""

import ast
from pathlib import Path

import pytest

import hookgate.ledger

ROOM = Path(hookgate.ledger.__file__).parent
# By wing, "" for what is loose in the room: the wings that it may import from, besides its own.
MAY_IMPORT = {
    "": set[str](),
    "reading": {""},
    "writing": {"", "reading"},
    "audit": {"", "reading"},
}


def wing_of(module: str) -> str:
    """The wing of a module of the ledger, by its full name."""
    first = module.removeprefix("hookgate.ledger").lstrip(".").partition(".")[0]
    return first if first in MAY_IMPORT else ""


def imported(file: Path) -> set[str]:
    """The ledger's modules that a file imports; relative imports stay in their own wing."""
    tree = ast.walk(ast.parse(file.read_text()))
    found = [node for node in tree if isinstance(node, ast.ImportFrom)]
    assert all(node.level <= 1 for node in found)
    return {
        f"{node.module}.{name.name}"
        for node in found
        if node.level == 0 and (node.module or "").startswith("hookgate.ledger")
        for name in node.names
    }


@pytest.mark.parametrize("wing", MAY_IMPORT)
def test_a_wing_imports_only_what_is_below_it(wing: str) -> None:
    files = sorted((ROOM / wing).glob("*.py"))
    found = {wing_of(module) for file in files for module in imported(file)}
    assert len(files) > 4
    assert found <= MAY_IMPORT[wing] | {wing}


def test_every_folder_is_a_wing() -> None:
    folders = {path.parent.relative_to(ROOM).as_posix() for path in ROOM.rglob("*.py")}
    assert folders - {"."} == MAY_IMPORT.keys() - {""}
