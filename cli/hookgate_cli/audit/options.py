"""The options that several audit verbs share: which ledgers, and the keys that seal them."""

from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from hookgate_cli.offering import note_ledgers, note_seal_keys

_PANEL = "Many gates (docs/fleet.md)"

FilesArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="FILE",
        callback=note_ledgers,
        help="Ledgers, compressed ones too, or - for standard input; else audit.path with its"
        " rotated and workers' files.",
    ),
]

LogOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--log",
        metavar="FILE",
        callback=note_ledgers,
        help="A ledger, or - for standard input, as often as needed; else audit.path with its"
        " rotated and workers' files.",
    ),
]

SealKeyOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--seal-key",
        metavar="FILE",
        callback=note_seal_keys,
        help="Keys that seal lines, one a line, as often as needed; else audit.seal_key_file.",
    ),
]

FleetOption = Annotated[
    bool,
    typer.Option(
        "--fleet",
        help="All gates of the fleet, from its store: that of --dsn-file, else of fleet.dsn_file.",
        rich_help_panel=_PANEL,
    ),
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
StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--dsn-file",
        metavar="FILE",
        help="The file with a reader's DSN, as hookgate fleet init --reader writes it.",
        rich_help_panel=_PANEL,
    ),
]
FleetSinceOption = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="TIME",
        help="Of the fleet only segments with lines from then on: 2h (ago), today, 2026-11-22.",
        rich_help_panel=_PANEL,
    ),
]
FleetUntilOption = Annotated[
    str | None,
    typer.Option(
        "--until",
        metavar="TIME",
        help="Of the fleet only segments with lines before then, likewise.",
        rich_help_panel=_PANEL,
    ),
]


class FleetOptions(NamedTuple):
    """Whether the store of a fleet is read, and what of it."""

    fleet: FleetOption = False
    gate: GateOption = None
    dsn_file: StoreOption = None
