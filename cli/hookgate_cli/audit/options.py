"""The options that several audit verbs share: which ledgers, and the keys that seal them."""

from pathlib import Path
from typing import Annotated

import typer

FilesArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="FILE",
        help="Ledgers, compressed ones too, or - for standard input; else audit.path with its"
        " rotated and workers' files.",
    ),
]

LogOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--log",
        metavar="FILE",
        help="A ledger, or - for standard input, as often as needed; else audit.path with its"
        " rotated and workers' files.",
    ),
]

SealKeyOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--seal-key",
        metavar="FILE",
        help="Keys that seal lines, one a line, as often as needed; else audit.seal_key_file.",
    ),
]
