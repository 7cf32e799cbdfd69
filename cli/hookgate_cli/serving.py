"""The sidecar as a command: from its options to its exit."""

import asyncio
import os
import sys

import uvloop

from hookgate.config.reload import ReloadableConfig
from hookgate.config.warnings import log_warnings
from hookgate.log import make_log
from hookgate.policy import OBSERVABLE
from hookgate.settings import Mode
from hookgate_sidecar.run import serve as run_sidecar

from .errors import plain_errors


def serve(
    config: str | None = None,
    upstream: str | None = None,
    listen: str | None = None,
    audit: str | None = None,
    observe: bool = False,
    ship: bool = False,
) -> None:
    """Serve until a signal ends it; print what cannot be done, and exit, as `plain_errors` does."""
    given = {"upstream.url": upstream, "sidecar.listen": listen, "audit.path": audit}
    overrides = {key: value for key, value in given.items() if value is not None}
    if observe:
        overrides |= {f"checks.{name}": Mode.OBSERVE.value for name in OBSERVABLE}
    with plain_errors():
        live = ReloadableConfig(config, overrides)
        log = make_log()
        log_warnings(live.current, log)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run_sidecar(live, log, _shipping(config, audit) if ship else ()))


def _shipping(config: str | None, audit: str | None) -> list[str]:
    """The command that ships the ledger of this gate; with what it is given on its own line."""
    command = [sys.executable, "-P", "-m", "hookgate_cli", "ship", "--beside", str(os.getpid())]
    command += ["--config", config] if config is not None else []
    return command + (["--audit", audit] if audit is not None else [])
