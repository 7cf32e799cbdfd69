"""The gate's life inside mitmproxy: opened once, ticked each second, closed at mitmproxy's end."""

import asyncio
import atexit
import logging
import signal
from typing import Any

from mitmproxy import ctx
from mitmproxy.addonmanager import traverse

from hookgate.config.build import load
from hookgate.config.error import ConfigError
from hookgate.config.warnings import log_warnings
from hookgate.gate.gate import Gate
from hookgate.ledger.writing.sink import LedgerError
from hookgate.log import make_log

from .proxylog import ProxyLog
from .startup import find_problems
from .streams import unblock_streams

_TICK_SECONDS = 1.0
_log = logging.getLogger("hookgate")


class Lifecycle:
    """Opens, ticks and closes the gate, and keeps what is wrong with mitmproxy's options.

    `gate` is None until it is open, and once it is closed. While there are `problems`, one line
    each, every request is to be refused.
    """

    def __init__(self) -> None:
        self.gate: Gate | None = None
        self.problems: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        self._proxy_log: ProxyLog | None = None
        self._is_announced = False

    def open(self) -> None:
        """Open the gate that options, file and environment describe; log what prevents it."""
        options = ctx.options
        given = {
            "upstream.url": options.hookgate_upstream,
            "audit.path": options.hookgate_audit,
        }
        try:
            config = load(options.hookgate_config or None, {k: v for k, v in given.items() if v})
            problems = _find_problems(config.request.max_body)
            if config.source.proxy_protocol:
                problems.append("source.proxy_protocol: mitmproxy reads none; leave it out")
            if not problems:
                log = make_log()
                unblock_streams(log)
                log_warnings(config, log)
                self._run(Gate(config, "addon", log))
        except ConfigError as error:
            problems = error.problems
        except LedgerError as error:
            problems = [str(error)]
        self._report(problems)

    def _run(self, gate: Gate) -> None:
        self.gate = gate
        self._proxy_log = ProxyLog(gate)
        self._proxy_log.install()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_TICK_SECONDS, self._tick)
        loop.add_signal_handler(signal.SIGUSR1, gate.journal.reopen)
        atexit.register(self._close_ledger)

    def check_options(self) -> None:
        """Look at mitmproxy's options again; log what became wrong with them."""
        if self.gate is not None:
            self._report(_find_problems(self.gate.policy.max_body))

    def announce(self) -> bool:
        """Log each address and what it stands in front of, once; mitmdump itself logs neither.

        Returns whether it did so now.
        """
        if self.gate is None or self._is_announced:
            return False
        self._is_announced = True
        config = self.gate.config
        for address, port, *_ in _addon("proxyserver").listen_addrs():
            self.gate.log.info(
                "addon.listening",
                address=address,
                port=port,
                upstream=config.upstream.url,
                contracts=[route.contract for route in config.routes],
                policy=self.gate.policy.fingerprint,
                audit=config.audit.path,
                boot=self.gate.boot,
            )
        return True

    def warn_if_not_first(self, addon: object) -> None:
        """Log a warning where another script is listed before this addon."""
        first = _addon("scriptloader").addons[:1]
        before = traverse(first)  # type: ignore[no-untyped-call]  # as in mitmproxy
        if self._is_announced and self.gate is not None and first and addon not in before:
            self.gate.log.warning(
                "addon.not_first",
                why="where a script listed before it raises, mitmproxy does not call hookgate",
                mend="list hookgate's -s first",
            )

    async def close(self) -> None:
        """Stop the ticks, end what is under way and close the ledger."""
        if self.gate is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        if self._proxy_log is not None:
            self._proxy_log.remove()
        gate, self.gate = self.gate, None
        await gate.close()

    def log_fault(self, where: str, error: Exception) -> None:
        """Log an exception without its message, which may hold a sender's value."""
        if self.gate is not None:
            self.gate.log_fault(where, error)

    def _report(self, problems: list[str]) -> None:
        # mitmdump exits with 1 if an error was logged before it is up; after that, this refuses.
        for problem in problems:
            if problem not in self.problems:
                _log.error("hookgate: %s", problem)
        self.problems = problems

    def _tick(self) -> None:
        if self.gate is not None:
            self.gate.tick()
            self._timer = asyncio.get_running_loop().call_later(_TICK_SECONDS, self._tick)

    def _close_ledger(self) -> None:
        if self.gate is not None:
            gate, self.gate = self.gate, None
            gate.close_ledger()


def _find_problems(max_body: int) -> list[str]:
    return find_problems(ctx.options, max_body, _addon("view") is not None)


def _addon(name: str) -> Any:
    return ctx.master.addons.get(name)  # type: ignore[no-untyped-call]  # as in mitmproxy
