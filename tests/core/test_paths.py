"""What has a name in the file system: nothing is said of what cannot be seen."""

import ast
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hookgate.paths import is_file, is_folder, is_there

ROOT = Path(__file__).parents[2]
# From Python 3.14 on they say False where they raised before.
SILENT = {"exists", "is_dir", "is_file", "is_fifo", "is_mount", "is_socket"}


@pytest.mark.parametrize(
    ("name", "there", "folder", "file"),
    [
        ("file", True, False, True),
        ("folder", True, True, False),
        ("fifo", True, False, False),
        ("to file", True, False, True),
        ("to folder", True, True, False),
        ("to nothing", False, False, False),
        ("to itself", False, False, False),
        ("nothing", False, False, False),
        ("nothing/in it", False, False, False),
        ("file/in it", False, False, False),
        ("a\0b", False, False, False),
        ("\ud800", False, False, False),
    ],
)
def test_what_has_a_name(tmp_path: Path, name: str, there: bool, folder: bool, file: bool) -> None:
    """Links are followed."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    for target in ("file", "folder", "nothing", "itself"):
        (tmp_path / f"to {target}").symlink_to(f"to {target}" if target == "itself" else target)
    path = tmp_path / name
    assert (is_there(path), is_folder(path), is_file(path)) == (there, folder, file)
    assert (is_there(str(path)), is_folder(str(path)), is_file(str(path))) == (there, folder, file)


@pytest.mark.parametrize("ask", [is_there, is_folder, is_file])
def test_what_cannot_be_seen_is_not_said_to_be_missing(
    ask: Callable[[Path], bool], tmp_path: Path
) -> None:
    """As by `Path.exists` from Python 3.14 on."""
    with pytest.raises(OSError, match="too long"):
        ask(tmp_path / ("x" * 300))


@pytest.mark.parametrize("room", ["addon", "cli", "core", "sidecar"])
def test_no_module_asks_in_another_way(room: str) -> None:
    """It would mean one thing on Python 3.13, and another on 3.14."""
    asked = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.Attribute) and node.attr in SILENT
        if ast.unparse(node.value) != "os.path"  # says False on every Python
    ]
    assert asked == []
