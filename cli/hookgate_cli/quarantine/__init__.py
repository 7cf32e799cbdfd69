"""`hookgate quarantine`: what is kept, and how it is given back or erased."""

import typer

from .listing import list_items
from .purge import purge
from .replay import replay
from .show import show
from .stats import stats

app = typer.Typer(
    no_args_is_help=True, help="What was kept of what was refused, and how it is given back."
)
app.command("list")(list_items)
for verb in (show, replay, purge, stats):
    app.command()(verb)
