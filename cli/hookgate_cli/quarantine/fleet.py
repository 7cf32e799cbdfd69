"""The options by which a verb goes by what all gates of a fleet keep, in its store."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hookgate_cli.common import fail

if TYPE_CHECKING:
    from hookgate.fleet.kept import KeptItems

_PANEL = "What the gates of a fleet keep (docs/fleet.md)"

FleetOption = Annotated[
    bool,
    typer.Option("--fleet", help="What all gates keep, in their store.", rich_help_panel=_PANEL),
]
GateOption = Annotated[
    str | None,
    typer.Option("--gate", metavar="NAME", help="What this one keeps.", rich_help_panel=_PANEL),
]
DsnOption = Annotated[
    Path | None,
    typer.Option(
        "--dsn-file",
        metavar="FILE",
        help="A file that holds the store's DSN; else libpq's variables: PGHOST, PGUSER...",
        rich_help_panel=_PANEL,
    ),
]


@contextmanager
def opened_items(gate: str | None, dsn_file: Path | None) -> "Iterator[KeptItems]":
    """Log in to the store, for the block. Exits with 2 where the package is missing, with 1 where
    the store cannot be used.
    """
    if find_spec("psycopg") is None:
        fail("the package psycopg is missing; install it: pip install 'hookgate[fleet]'")
    from hookgate.fleet.kept import KeptItems  # noqa: PLC0415  # the package may be missing
    from hookgate_cli.fleet.login import read_dsn, store_errors  # noqa: PLC0415

    dsn = read_dsn(dsn_file)
    with store_errors(dsn_file):
        items = KeptItems.connect(dsn, gate)
    try:
        yield items
    finally:
        items.close()


def refuse_without_fleet(*given: object) -> None:
    """Exit with 2 where options were given that only `--fleet` takes."""
    if any(one is not None for one in given):
        fail("--gate and --dsn-file are for --fleet; give that too")
