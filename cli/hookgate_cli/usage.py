"""Mistakes on the command line, in a line each: what is wrong, and the nearest right word."""

import re
from typing import Any

import typer

from hookgate.wording import offer

# The base of what typer raises for these; it has no public name.
MisuseError: type[Exception] = typer.BadParameter.__bases__[0]
_NO_VERB = re.compile(r"No such command '(.*?)'")


def mistake(error: Any) -> list[str]:
    """Return what to say of a MisuseError: one line, or none where help was shown instead."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return []
    context = error.ctx
    verb = context.command_path.partition(" ")[2] if context is not None else ""
    where = f"{verb}: " if verb else ""
    message = error.format_message().rstrip(".")
    if hasattr(error, "possibilities"):
        names = [name for param in context.command.get_params(context) for name in param.opts]
        known = sorted(name for name in names if name.startswith("-"))
        return [f"{where}there is no option {error.option_name}; {offer(error.option_name, known)}"]
    if (unknown := _NO_VERB.match(message)) is not None:
        name = unknown[1]
        return [
            f"{where}there is no verb {name}; {offer(name, context.command.list_commands(context))}"
        ]
    asked = f"; hookgate {verb} --help says what it takes" if verb else ""
    return [f"{where}{message[:1].lower()}{message[1:].replace('Value error, ', '')}{asked}"]
