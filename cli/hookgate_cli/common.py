"""What the verbs share: exit statuses, the consoles, and the configuration."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from hookgate.config.build import load
from hookgate.config.error import ConfigError
from hookgate.config.layers import gather
from hookgate.ledger.writing.sink import LedgerError
from hookgate.settings import Config
from hookgate_sidecar.errors import ListenError

from .terminal import Terminal, printable

# What init systems go by: a start that FAILED may succeed later, MISUSE has to be mended first.
FINDING = FAILED = 1
MISUSE = 2
# What a new hookgate.toml says; for verbs that send nothing.
ASSUMED_UPSTREAM = "http://127.0.0.1:8080"

# A table in a log or a pipe need not fit a terminal of 80 columns.
out = Terminal(width=None if sys.stdout.isatty() else 120)
err = Terminal(stderr=True)


def fail(message: str | Sequence[str], status: int = MISUSE) -> NoReturn:
    """Print each message on a line of stderr, and exit with `status`.

    What a message quotes is escaped, so that it cannot begin a line.
    """
    for line in (message,) if isinstance(message, str) else message:
        err.print(printable(f"hookgate: {line}"), soft_wrap=True)
    sys.exit(status)


def read_file(file: Path) -> bytes:
    """Read a file; print why and exit with 2 where it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")


@contextmanager
def plain_errors() -> Iterator[None]:
    """Print errors that a user can mend without a traceback, and exit.

    The status is 2 for a ConfigError, 1 for a ledger or an address that cannot be used, and for a
    reader that has closed the pipe.
    """
    try:
        yield
    except ConfigError as error:
        fail(error.problems)
    except (LedgerError, ListenError) as error:
        fail(str(error), FAILED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(FINDING)


def load_config(
    file: str | None, overrides: Mapping[str, Any] | None = None, *, offline: bool = False
) -> Config:
    """Load the configuration and print its warnings; print every problem and exit with 2.

    `overrides` are values by "section.key"; None counts for nothing. `offline` is for verbs that
    send nothing: they work without `upstream.url`.
    """
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    if offline and not gather(file).keys["upstream.url"].value:
        given["upstream.url"] = ASSUMED_UPSTREAM
    with plain_errors():
        config = load(file, given)
        for warning in config.warnings:
            err.print(printable(f"hookgate: warning: {warning}"), soft_wrap=True)
        return config
    raise AssertionError("unreachable")
