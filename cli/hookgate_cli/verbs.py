"""The command's verbs, and the options that it has without one."""

from typing import Annotated

import typer

from hookgate import __version__

from .verb_group import verbs_of

VERBS = (
    *("init", "doctor", "serve", "watch", "top", "live", "mitmdump", "demo", "check", "send"),
    *("audit", "anchor", "quarantine", "ship", "fleet", "ranges", "nginx", "config", "keys"),
    "schema",
)

app = typer.Typer(
    name="hookgate",
    cls=verbs_of("hookgate_cli", VERBS),
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
