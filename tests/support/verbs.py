"""The command's verbs, as typer has them."""

from typing import Any

from typer.main import get_command

from hookgate_cli.verbs import app


def verbs_below(group: str = "") -> list[str]:
    """The verbs of a group; without one, hookgate's own."""
    found: Any = get_command(app)
    if group:
        found = found.get_command(None, group)
    names: list[str] = found.list_commands(None)
    return names
