"""The command's entry: one module a verb."""

import typer

from .serve import serve

app = typer.Typer(
    name="hookgate",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Lets only clean CM.com events through to a webhook endpoint, and records each one.",
)
app.command()(serve)


@app.callback()
def _root() -> None:
    """Keep `hookgate VERB` even while there is one verb."""


def main() -> None:
    """Run the command."""
    app()
