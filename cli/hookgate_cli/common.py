"""What the verbs share: options, the console, and how a mistake is told."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer

from hookgate.config.build import load
from hookgate.config.error import ConfigError
from hookgate.config.layers import gather
from hookgate.ledger.sink import LedgerError
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

ConfigOption = Annotated[
    str | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="hookgate.toml; else $HOOKGATE_CONFIG, else ./hookgate.toml, else defaults.",
    ),
]
UpstreamOption = Annotated[
    str | None, typer.Option("--upstream", metavar="URL", help="Where clean events go.")
]
ListenOption = Annotated[
    str | None, typer.Option("--listen", metavar="HOST:PORT", help="Where to listen.")
]
AuditOption = Annotated[
    str | None, typer.Option("--audit", metavar="FILE", help='The audit log; "-" is stdout.')
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def fail(message: str | Sequence[str], status: int = MISUSE) -> NoReturn:
    """Say what is wrong on stderr, a line for each message, and exit with 2 unless told otherwise.

    What a message quotes cannot begin a line.
    """
    for line in (message,) if isinstance(message, str) else message:
        err.print(printable(f"hookgate: {line}"), soft_wrap=True)
    raise typer.Exit(status)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn the errors that a user can mend into lines without a traceback."""
    try:
        yield
    except ConfigError as error:
        fail(error.problems)
    except (LedgerError, ListenError) as error:
        fail(str(error), FAILED)
    except BrokenPipeError:
        sys.stderr.close()
        raise typer.Exit(FINDING) from None


def load_config(
    file: str | None, overrides: Mapping[str, Any] | None = None, *, offline: bool = False
) -> Config:
    """The configuration, with every problem printed where there is any.

    `offline` is for verbs that send nothing: they work without an upstream.
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
