"""What the verbs share: options, exit statuses, the consoles, and the configuration."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from hookgate.config.build import load
from hookgate.config.layers import gather
from hookgate.settings import Config

from .errors import FAILED, FINDING, MISUSE, err, fail, plain_errors
from .offering import note_config
from .terminal import Terminal, printable

__all__ = [
    "ASSUMED_UPSTREAM",
    "FAILED",
    "FINDING",
    "MISUSE",
    "AuditOption",
    "ConfigOption",
    "JsonOption",
    "ListenOption",
    "UpstreamOption",
    "err",
    "fail",
    "load_config",
    "out",
    "plain_errors",
    "read_file",
]

# What a new hookgate.toml says; for verbs that send nothing.
ASSUMED_UPSTREAM = "http://127.0.0.1:8080"

out = Terminal()

ConfigOption = Annotated[
    str | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        callback=note_config,
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


def read_file(file: Path) -> bytes:
    """Read a file; print why and exit with 2 where it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")


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
