"""`hookgate serve`: the sidecar."""

import asyncio
from typing import Annotated

import typer
import uvloop

from hookgate.log import make_log
from hookgate_sidecar import serve as run_sidecar

from .common import ConfigOption, load_config, plain_errors


def serve(
    config: ConfigOption = None,
    upstream: Annotated[
        str | None, typer.Option(metavar="URL", help="Where clean events go.")
    ] = None,
    listen: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where to listen.")
    ] = None,
    audit: Annotated[
        str | None, typer.Option(metavar="FILE", help='The audit log; "-" is stdout.')
    ] = None,
) -> None:
    """Stand in front of an endpoint and let only clean events through.

    Examples:

      hookgate serve --upstream http://127.0.0.1:8080 --listen 127.0.0.1:8081

      hookgate serve --config /etc/hookgate/hookgate.toml
    """
    settings = load_config(
        config, {"upstream.url": upstream, "sidecar.listen": listen, "audit.path": audit}
    )
    with (
        plain_errors(),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(run_sidecar(settings, make_log()))
