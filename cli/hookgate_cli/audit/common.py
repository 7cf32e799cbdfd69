"""What the audit verbs share: which files they read, and how a long read shows."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

from hookgate.config import gather
from hookgate.ledger.reader import Line, find_files, in_order, read
from hookgate_cli.common import err, fail

# Below this a read ends before a bar could be looked at.
_LONG_READ = 32 << 20

FilesArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[FILE]...",
        help="Ledgers, gzipped ones too; else audit.path with its rotated and workers' files.",
    ),
]


def find_ledgers(files: list[Path] | None, config: str | None) -> list[Path]:
    """The files to read, oldest first; says what is missing and exits with 2 otherwise."""
    if files:
        found = files
    else:
        path = str(gather(config).keys["audit.path"].value)
        found = find_files(Path(path))
        if not found:
            fail(f'audit.path = "{path}" is not there; name the ledger, or --config')
    try:
        return in_order(found)
    except OSError as error:
        fail(f"{error.filename} cannot be read: {error.strerror}")


@contextmanager
def reading(files: list[Path]) -> Iterator[Iterator[Line]]:
    """The lines of the files, with a progress bar on a terminal where that takes long."""
    total = sum(file.stat().st_size for file in files)
    if total < _LONG_READ or not sys.stderr.isatty():
        yield read(files)
        return
    columns = (BarColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("reading", total=total)
        yield read(files, lambda size: progress.update(task, advance=size))
