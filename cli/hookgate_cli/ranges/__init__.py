"""`hookgate ranges`: whether the allowed ranges are still those of the provider."""

import typer

from .check import check

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Whether the allowed ranges are still CM.com's.",
)


@app.callback()
def _ranges() -> None:
    """Keeps `check` a verb of its own."""


app.command()(check)
