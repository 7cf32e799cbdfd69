"""What the verbs share: options, the console, and how a mistake is told."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from hookgate.config import ConfigError, load
from hookgate.ledger.sink import LedgerError
from hookgate.settings import Config
from hookgate.sources import gather
from hookgate_sidecar.errors import ListenError

# What init systems go by: a start that FAILED may succeed later, MISUSE has to be mended first.
FINDING = FAILED = 1
MISUSE = 2
# What a new hookgate.toml says; for verbs that send nothing.
ASSUMED_UPSTREAM = "http://127.0.0.1:8080"

# A table in a log or a pipe need not fit a terminal of 80 columns.
# What is printed may hold a name with colons around it, which is no emoji.
out = Console(width=None if sys.stdout.isatty() else 120, emoji=False)
err = Console(stderr=True, emoji=False)

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


def visible(text: object) -> str:
    """Text from a file, an event or a record, for a terminal: what does not print as its escape.

    That is control characters, C1 and DEL too, marks that turn the direction or have no width, line
    separators and surrogates (the general categories C and Z, but for the space).
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in str(text)
    )


def print_json(value: object, indent: int | None = None) -> None:
    """Print a value as JSON of printable ASCII."""
    text = json.dumps(value, indent=indent).replace("\x7f", "\\u007f")
    sys.stdout.write(text + "\n")


def fail(message: str, status: int = MISUSE) -> NoReturn:
    """Say what is wrong on stderr, plainly, and exit with 2 unless told otherwise."""
    for line in message.split("\n"):
        err.print(f"hookgate: {visible(line)}", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(status)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn the errors that a user can mend into lines without a traceback."""
    try:
        yield
    except ConfigError as error:
        fail(str(error))
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
        return load(file, given)
    raise AssertionError("unreachable")
