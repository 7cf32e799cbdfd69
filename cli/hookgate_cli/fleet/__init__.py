"""`hookgate fleet`: the store of many gates' ledgers."""

from importlib.util import find_spec

import typer

if find_spec("psycopg") is None:
    raise ImportError("the package psycopg is missing: pip install 'hookgate[fleet]'")

from .expire import expire
from .init import init
from .status import status

app = typer.Typer(
    no_args_is_help=True, help="The ledgers of many gates in one PostgreSQL: docs/fleet.md."
)
for verb in (init, status, expire):
    app.command()(verb)
