"""How the verbs log in: a DSN is in a file or in libpq's variables, never in a message."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from hookgate.config.key_files import read_private
from hookgate.files import FileError
from hookgate.fleet.error import StoreError
from hookgate_cli.common import FAILED, err, fail
from hookgate_cli.terminal import printable

DsnOption = Annotated[
    Path | None,
    typer.Option(
        "--dsn-file",
        metavar="FILE",
        help="A file that holds a DSN; else libpq's variables: PGHOST, PGUSER, PGPASSFILE...",
    ),
]


def read_dsn(file: Path | None) -> str:
    """Read a DSN; "" where no file is named. Exits with 2 where it cannot be used."""
    if file is None:
        return ""
    try:
        dsn, warning = load_dsn(file)
    except StoreError as error:
        fail(str(error))
    if warning:
        err.print(printable(f"hookgate: warning: {file} {warning}"), soft_wrap=True)
    return dsn


def load_dsn(file: Path) -> tuple[str, str]:
    """Read a DSN, and a warning where everybody can. Raises `StoreError`."""
    try:
        data, warning = read_private(str(file))
        dsn = data.decode().strip()
    except FileError as error:
        raise StoreError(f"{file} {error}") from None
    except UnicodeDecodeError:
        raise StoreError(f"{file} is no text") from None
    if not dsn:
        raise StoreError(
            f"{file} is empty; write a DSN there, like host=db.example.com dbname=hookgate"
        )
    return dsn, warning


@contextmanager
def store_errors(file: Path | None) -> Iterator[None]:
    """Print why the store cannot be used, and exit with 1."""
    if file is not None:
        where = f"the DSN in {file}"
    elif any(name in os.environ for name in ("PGHOST", "PGHOSTADDR", "PGSERVICE")):
        where = "PG* in the environment"
    else:
        where = "neither --dsn-file nor PGHOST is given, so this machine's socket"
    try:
        yield
    except StoreError as error:
        fail(f"{error} (by {where})", FAILED)
