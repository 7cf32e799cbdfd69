"""`hookgate serve`: the sidecar."""

from typing import Annotated

import typer

from . import serving
from .common import AuditOption, ConfigOption, ListenOption, UpstreamOption


def serve(
    config: ConfigOption = None,
    upstream: UpstreamOption = None,
    listen: ListenOption = None,
    audit: AuditOption = None,
    observe: Annotated[
        bool,
        typer.Option(
            "--observe",
            help="Forward what the checks find fault with and record it as observed; strangers, "
            "broken HTTP, large and compressed bodies are still refused.",
        ),
    ] = False,
    ship: Annotated[
        bool,
        typer.Option(
            "--ship",
            help="Run hookgate ship beside it, which sends the ledger to the store of its fleet.",
        ),
    ] = False,
) -> None:
    """Stand in front of an endpoint and let only clean events through.

    Exits 0 after SIGTERM, 1 where it cannot listen or write its ledger, and 2 for a mistake in the
    configuration.

    Examples:

      hookgate serve --upstream http://127.0.0.1:8080 --listen 127.0.0.1:8081

      hookgate serve --config /etc/hookgate/hookgate.toml

      hookgate serve --observe

      hookgate serve --ship
    """
    serving.serve(config, upstream, listen, audit, observe, ship)
