"""Groups of verbs as typer shows and reads them: each verb is a module, imported when asked for."""

import re
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import typer
from rich.markup import escape
from typer.core import TyperGroup
from typer.main import get_command

# Rich keeps the line ends of a docstring, which are another width's.
_WITHIN_A_PARAGRAPH = re.compile(r"(?<!\n)\n(?=[^ \n])")


def verbs_of(package: str, names: tuple[str, ...]) -> type[TyperGroup]:
    """Make the class of a group whose verbs are modules of `package`, named as they are.

    Such a module has its verbs as `app`, or a function of its own name.
    """
    return type("Verbs", (_Verbs,), {"package": package, "names": names})


def verb_group(package: str, names: tuple[str, ...], about: str) -> typer.Typer:
    """Make a group of verbs, as `verbs_of` has them; without one it shows its help."""
    return typer.Typer(
        cls=verbs_of(package, names),
        callback=lambda: None,  # or typer would take it for empty
        help=about,
        no_args_is_help=True,
        add_completion=False,
    )


class _Offered(NamedTuple):
    """A name that a shell is offered. Zsh and fish show its help, bash does not ask for it."""

    value: str
    find_help: Callable[[str], str | None]
    type: str = "plain"

    @property
    def help(self) -> str | None:
        return self.find_help(self.value)


class _Verbs(TyperGroup):
    """Verbs, imported one by one: reading a ledger must not wait for what only serving needs."""

    package: str
    names: tuple[str, ...]

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  # one signature
        return list(self.names)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Offer the names, of hookgate's own verbs without help: each would be imported for it."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)

        def find_help(name: str) -> str | None:
            return self.get_command(ctx, name).get_short_help_str() if ctx.parent else None

        return [_Offered(name, find_help) for name in self.names if name.startswith(incomplete)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002  # one signature
        if cmd_name not in self.names:
            return None
        try:
            module = import_module(f"{self.package}.{cmd_name}")
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
