"""`hookgate serve`: the sidecar."""

import asyncio
from typing import Annotated

import typer
import uvloop

from hookgate.config.reload import ReloadableConfig
from hookgate.log import make_log
from hookgate.policy import OBSERVABLE
from hookgate.settings import Mode
from hookgate_sidecar.run import serve as run_sidecar

from .common import (
    AuditOption,
    ConfigOption,
    ListenOption,
    UpstreamOption,
    plain_errors,
)


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
) -> None:
    """Stand in front of an endpoint and let only clean events through.

    Exits 0 after SIGTERM, 1 where it cannot listen or write its ledger, and 2 for a mistake in the
    configuration.

    Examples:

      hookgate serve --upstream http://127.0.0.1:8080 --listen 127.0.0.1:8081

      hookgate serve --config /etc/hookgate/hookgate.toml

      hookgate serve --observe
    """
    given = {"upstream.url": upstream, "sidecar.listen": listen, "audit.path": audit}
    overrides = {key: value for key, value in given.items() if value is not None}
    if observe:
        overrides |= {f"checks.{name}": Mode.OBSERVE.value for name in OBSERVABLE}
    with plain_errors():
        live = ReloadableConfig(config, overrides)
        log = make_log()
        for warning in live.current.warnings:
            log.warning("config.warning", problem=warning)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run_sidecar(live, log))
