"""The options by which a verb goes by what all gates of a fleet keep, in its store."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from hookgate.quarantine.encryption import Identities
from hookgate.quarantine.replay.plan import Asked
from hookgate.settings import Config
from hookgate_cli.audit.configured import Keys
from hookgate_cli.common import err, fail

from .selection import Selection

if TYPE_CHECKING:
    from hookgate.fleet.kept import KeptItems

    from .fleet_planning import FleetPlanner

_PANEL = "What the gates of a fleet keep (docs/fleet.md)"

FleetOption = Annotated[
    bool,
    typer.Option("--fleet", help="What all gates keep, in their store.", rich_help_panel=_PANEL),
]
GateOption = Annotated[
    list[str] | None,
    typer.Option(
        "--gate",
        metavar="NAME",
        help="Of the fleet only this gate, as often as needed.",
        rich_help_panel=_PANEL,
    ),
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


class FleetOptions(NamedTuple):
    """What was given of these."""

    fleet: FleetOption = False
    gate: GateOption = None
    dsn_file: DsnOption = None

    @property
    def where(self) -> str:
        """The store in words."""
        return f"the store for {', '.join(self.gate)}" if self.gate else "the store"


@contextmanager
def opened_items(options: FleetOptions) -> "Iterator[KeptItems | None]":
    """Log in to the store, for the block; None without `--fleet`. Exits with 2 where the package is
    missing, with 1 where the store cannot be used.
    """
    _, gates, dsn_file = options
    if not options.fleet:
        if gates or dsn_file is not None:
            fail("--gate and --dsn-file are for --fleet; give that too")
        yield None
        return
    if find_spec("psycopg") is None:
        fail("the package psycopg is missing; install it: pip install 'hookgate[fleet]'")
    from hookgate.fleet.kept import KeptItems  # noqa: PLC0415  # the package may be missing
    from hookgate_cli.fleet.login import read_dsn, store_errors  # noqa: PLC0415

    dsn = read_dsn(dsn_file)
    with store_errors(dsn_file):
        items = KeptItems.connect(dsn, gates or None)
    try:
        _check_gates(gates or (), items)
        yield items
    finally:
        items.close()


def _check_gates(gates: Sequence[str], items: "KeptItems") -> None:
    """Exit with 2 for a gate that there is not: "it keeps nothing" would be misread."""
    names = items.gates() if gates else []
    for name in gates:
        if name not in names:
            known = ", ".join(names) or "it has none"
            fail(f'--gate "{name}" is none of the fleet\'s: {known}')


def make_planner(
    items: "KeptItems",
    selection: Selection,
    identities: Identities,
    asked: Asked,
    config: Config,
    keys: Keys,
) -> "FleetPlanner":
    """Make what plans a replay. Exits with 2 where no key proves what gates say."""
    from .fleet_planning import FleetPlanner  # noqa: PLC0415  # the package may be missing

    if not keys:
        fail(
            "replay --fleet needs the keys that seal the gates' lines, which alone tell them from"
            " those of whoever has a gate's password: audit.seal_key_file on each gate, and here"
            " --seal-key FILE for each"
        )
    if not config.fleet.name:
        err.print(
            "hookgate: warning: fleet.name is not set here: no hookgate ship brings to the store"
            " what this replay records",
            soft_wrap=True,
        )
    items.again = asked.unknown
    return FleetPlanner(items, selection, identities, asked, config, keys)
