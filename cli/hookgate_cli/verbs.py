"""The verbs as typer shows and reads them: each is a module, imported when it is asked for."""

import re
from importlib import import_module
from types import SimpleNamespace
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup
from typer.main import get_command

from hookgate import __version__

# Rich keeps the line ends of a docstring, which are another width's.
_WITHIN_A_PARAGRAPH = re.compile(r"(?<!\n)\n(?=[^ \n])")
VERBS = (
    *("init", "doctor", "serve", "watch", "top", "live", "mitmdump", "demo", "check", "send"),
    *("audit", "anchor", "quarantine", "ship", "fleet", "ranges", "nginx", "config", "keys"),
    "schema",
)


class _Verbs(TyperGroup):
    """Verbs, imported one by one: reading a ledger must not wait for what only serving needs."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  # one signature
        return list(VERBS)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Offer the names alone: with their help every verb would be imported."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        names = (name for name in VERBS if name.startswith(incomplete))
        return [SimpleNamespace(value=name, help=None, type="plain") for name in names]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002  # one signature
        if cmd_name not in VERBS:
            return None
        try:
            module = import_module(f".{cmd_name}", __package__)
        except ImportError as error:
            return _broken(cmd_name, error)
        verb = getattr(module, "app", None)
        if verb is None:
            verb = typer.Typer(add_completion=False)
            verb.command(cmd_name)(getattr(module, cmd_name))
        command = get_command(verb)
        command.name = cmd_name
        _prepare_help(command)
        return command


def _prepare_help(command: Any) -> None:
    """Let rich show help texts as they are meant: with `[audit]`, and filled to the terminal."""
    for owner in (command, *command.params):
        if getattr(owner, "help", None):
            owner.help = escape(_WITHIN_A_PARAGRAPH.sub(" ", owner.help))
    for name in getattr(command, "commands", {}):
        _prepare_help(command.commands[name])


def _broken(name: str, error: ImportError) -> Any:
    """Make a verb whose libraries are missing or broken: it raises `error`, and help lists it."""

    def run() -> None:
        raise error

    verb = typer.Typer(add_completion=False)
    takes_anything = {"allow_extra_args": True, "ignore_unknown_options": True}
    verb.command(name, help=f"Cannot be used: {error}", context_settings=takes_anything)(run)
    return get_command(verb)


app = typer.Typer(
    name="hookgate",
    cls=_Verbs,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hookgate {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[  # its callback does the work
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="And exit.")
    ] = False,
) -> None:
    """Lets only clean CM.com events through to a webhook endpoint, and records each one."""
