"""`hookgate serve`: the sidecar."""

import asyncio

import uvloop

from hookgate.log import make_log
from hookgate_sidecar import serve as run_sidecar

from .common import (
    AuditOption,
    ConfigOption,
    ListenOption,
    UpstreamOption,
    load_config,
    plain_errors,
)


def serve(
    config: ConfigOption = None,
    upstream: UpstreamOption = None,
    listen: ListenOption = None,
    audit: AuditOption = None,
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
