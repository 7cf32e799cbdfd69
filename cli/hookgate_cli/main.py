"""The command's entry: one module a verb."""

from typing import Annotated

import typer

from hookgate import __version__

from . import audit, config, nginx, schema
from .check import check
from .demo import demo
from .mitmdump import mitmdump
from .send import send
from .serve import serve

app = typer.Typer(
    name="hookgate",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (serve, mitmdump, demo, check, send):
    app.command()(verb)
app.add_typer(audit.app, name="audit")
app.add_typer(nginx.app, name="nginx")
app.add_typer(config.app, name="config")
app.add_typer(schema.app, name="schema")


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


def main(arguments: list[str] | None = None) -> None:
    """Run the command; `arguments` are the process's own unless given."""
    app(arguments)
