"""The options that several verbs have."""

from typing import Annotated

import typer

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
