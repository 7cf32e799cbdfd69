"""What `--fleet` asks for, and where the store is."""

import os
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from hookgate.config.layers import gather
from hookgate_cli.common import fail

from .moments import read_time
from .options import FleetOptions

# More names are sooner looked for in every line.
MOST_BY_NAME = 2000
# libpq's own, which say where a store is.
_LIBPQ = ("PGHOST", "PGHOSTADDR", "PGSERVICE")


class Asked(NamedTuple):
    """What of a fleet is read. Times are in seconds since 1970; `dsn_file` is None for libpq's own
    variables.
    """

    dsn_file: Path | None
    gates: tuple[str, ...] | None
    since: float | None
    until: float | None


def asked_of_fleet(
    options: FleetOptions,
    files: Sequence[Path] | None,
    config: str | None,
    since: str | float | None = None,
    until: str | float | None = None,
) -> Asked | None:
    """Return what is asked of a fleet, None without `--fleet`.

    Exits with 2 for what does not go together, and where no store is named.
    """
    is_asked, gates, dsn_file = options
    if not is_asked:
        _refuse({"--gate": gates, "--dsn-file": dsn_file, "--since": since, "--until": until})
        return None
    if files:
        fail(f"{files[0]} is a file, and --fleet reads the store: name one of the two")
    if find_spec("psycopg") is None:
        fail("the package psycopg is missing: pip install 'hookgate[fleet]'")
    now = time.time()
    moments = read_time(since, now), read_time(until, now)
    return Asked(dsn_file or _configured(config), tuple(gates) if gates else None, *moments)


def _refuse(given: dict[str, object]) -> None:
    for name, value in given.items():
        # A number is that of a verb which knows times of files, too.
        if value and not isinstance(value, float):
            fail(f"{name} goes with --fleet, which is not given")


def _configured(config: str | None) -> Path | None:
    sources = gather(config)
    if sources.unread:
        fail(sources.problems)
    if named := str(sources.keys["fleet.dsn_file"].value):
        return Path(named)
    if not any(name in os.environ for name in _LIBPQ):
        fail(
            "--fleet needs a store: name the file with a reader's DSN by --dsn-file, or write it"
            " into fleet.dsn_file; hookgate fleet init --reader NAME makes one"
        )
    return None
