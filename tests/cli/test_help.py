"""What help shows is what was written."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from hookgate_cli.verbs import app
from support.calling import Call


def texts(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Each verb and what it has to show, its own help first."""
    written = [command.help or ""]
    written += [getattr(param, "help", "") for param in command.params]
    yield path, [(text or "").replace("\\[", "[") for text in written]
    for name in command.list_commands(None) if hasattr(command, "list_commands") else ():
        yield from texts(command.get_command(None, name), (*path, name))


BRACKETS = {
    path: found
    for path, written in texts(get_command(app))
    if (found := [part for text in written for part in re.findall(r"\[[^ \]]+\]", text)])
}


def test_some_verbs_have_brackets_to_show() -> None:
    """Names of extras, at least."""
    assert {("mitmdump",), ("audit", "report")} <= BRACKETS.keys()


def test_help_is_filled_to_the_terminal() -> None:
    """Its prose has no line ends of another width, and an example stands in a line of 80."""
    for path, (shown, *_) in texts(get_command(app)):
        assert not re.search(r"[^\n]\n[^\n ]", shown), path
        assert all(len(line) < 78 for line in shown.split("\n") if line.startswith("  ")), path


@pytest.mark.parametrize("path", BRACKETS, ids=" ".join)
def test_brackets_are_shown(call: Call, path: tuple[str, ...]) -> None:
    """They are no markup: a command with an extra's name is one to copy."""
    shown = " ".join(call(*path, "--help").out.split())
    assert all(part in shown for part in BRACKETS[path])
    assert "\\[" not in shown
