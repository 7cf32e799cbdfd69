"""The hooks: each request becomes a delivery, each answer is set before mitmproxy could forward.

mitmproxy goes on with a request when a hook raises, and when the script is broken or gone. So it is
given a dead upstream, and a refusal is set first and lifted only by an answer of the gate.
"""

import asyncio
import atexit
import functools
import logging
import signal
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec

from mitmproxy import ctx, http
from mitmproxy.addonmanager import Loader, traverse
from mitmproxy.connection import Client
from mitmproxy.tls import TlsData

from hookgate.config.build import load
from hookgate.config.error import ConfigError
from hookgate.gate.answer import BARE_FAILURE, Answer
from hookgate.gate.delivery import Delivery
from hookgate.gate.gate import Gate
from hookgate.ledger.sink import LedgerError
from hookgate.log import make_log
from hookgate.policy import Reason

from .proxylog import ProxyLog
from .startup import find_problems
from .streams import unblock_streams
from .translate import (
    UNFRAMED,
    conclude,
    head_of,
    is_http2_preface,
    is_too_large,
    peer_of,
    response_of,
    say,
)

_DELIVERY = "hookgate.delivery"
_TICK_SECONDS = 1.0
# How often it looks whether the senders of exchanges under way are still there: mitmproxy tells no
# addon before the request hook has returned.
_LOOK_SECONDS = 0.05
_log = logging.getLogger("hookgate")

_P = ParamSpec("_P")
_Hook = Callable[Concatenate["HookgateAddon", _P], None]


def _guarded(hook: _Hook[_P]) -> _Hook[_P]:
    """Log what a hook raises by its type and place; mitmproxy would print its message."""

    @functools.wraps(hook)
    def guarded(addon: "HookgateAddon", /, *args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            hook(addon, *args, **kwargs)
        except Exception as error:  # noqa: BLE001  # fails closed: `request` refuses
            addon.log_fault(hook.__name__, error)

    return guarded


def _find_problems(max_body: int) -> list[str]:
    return find_problems(ctx.options, max_body, _addon("view") is not None)


def _addon(name: str) -> Any:
    return ctx.master.addons.get(name)  # type: ignore[no-untyped-call]  # as in mitmproxy


class HookgateAddon:
    """mitmproxy's side of the gate. Until the gate is open every request is refused."""

    name = "hookgate"

    def __init__(self) -> None:
        self._gate: Gate | None = None
        self._problems: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        self._proxy_log: ProxyLog | None = None
        self._open: dict[str, set[Delivery]] = {}
        self._under_way: dict[Delivery, Client] = {}
        # What refuses those whose chunks are still to come.
        self._refused: dict[Delivery, Callable[..., Answer | None]] = {}
        self._look: asyncio.TimerHandle | None = None
        self._is_told = False

    # life

    def load(self, loader: Loader) -> None:
        """Declare the options that people set on a command line; the rest is in the file."""
        loader.add_option("hookgate_config", str, "", "hookgate.toml; else as `hookgate serve`.")
        loader.add_option("hookgate_upstream", str, "", "Where clean events go.")
        loader.add_option("hookgate_audit", str, "", "The audit log.")

    def configure(self, updated: set[str]) -> None:
        """Open the gate, once; from then on refuse whenever the options are not right."""
        if self._gate is not None:
            if self._is_told and "scripts" in updated:
                self._tell_order()
            self._report(_find_problems(self._gate.policy.max_body))
        elif not self._problems:
            self._start()

    def _start(self) -> None:
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
                for warning in config.warnings:
                    log.warning("config.warning", problem=warning)
                self._open_gate(Gate(config, "addon", log))
        except ConfigError as error:
            problems = error.problems
        except LedgerError as error:
            problems = [str(error)]
        self._report(problems)

    def _open_gate(self, gate: Gate) -> None:
        self._gate = gate
        self._proxy_log = ProxyLog(gate)
        self._proxy_log.install()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_TICK_SECONDS, self._tick)
        loop.add_signal_handler(signal.SIGUSR1, gate.journal.reopen)
        atexit.register(self._close_ledger)

    def running(self) -> None:
        """Say where it listens and what it stands in front of; mitmdump says nothing."""
        if self._gate is None or self._is_told:
            return
        self._is_told = True
        config = self._gate.config
        log = self._gate.log
        for address, port, *_ in _addon("proxyserver").listen_addrs():
            log.info(
                "addon.listening",
                address=address,
                port=port,
                upstream=config.upstream.url,
                contracts=[route.contract for route in config.routes],
                policy=self._gate.policy.fingerprint,
                audit=config.audit.path,
                boot=self._gate.boot,
            )
        self._tell_order()

    def _tell_order(self) -> None:
        first = _addon("scriptloader").addons[:1]
        before = traverse(first)  # type: ignore[no-untyped-call]  # as in mitmproxy
        if self._gate is not None and first and self not in before:
            self._gate.log.warning(
                "addon.not_first",
                why="where a script listed before it raises, mitmproxy does not call hookgate",
                mend="list hookgate's -s first",
            )

    def _report(self, problems: list[str]) -> None:
        # mitmdump exits with 1 if an error was logged before it is up; after that, this refuses.
        for problem in problems:
            if problem not in self._problems:
                _log.error("hookgate: %s", problem)
        self._problems = problems

    def _tick(self) -> None:
        if self._gate is not None:
            self._gate.tick()
            self._timer = asyncio.get_running_loop().call_later(_TICK_SECONDS, self._tick)

    def done(self) -> Coroutine[Any, Any, None] | None:
        """Stop the gate when mitmproxy stops; a script that is loaded again keeps it.

        mitmproxy awaits what is returned when it stops, and refuses to unload a script whose
        `done` is a coroutine function.
        """
        if ctx.master.should_exit.is_set():
            return self._stop()
        for deliveries in self._open.values():
            for delivery in deliveries:
                self._end_unanswered(delivery)
                if not delivery.ended and not delivery.forwarded:
                    delivery.refuse(Reason.GATE_ERROR)  # no hook will conclude it
        self._open.clear()
        return None

    async def _stop(self) -> None:
        if self._gate is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        if self._proxy_log is not None:
            self._proxy_log.remove()
        gate, self._gate = self._gate, None
        await gate.close()

    def _close_ledger(self) -> None:
        if self._gate is not None:
            gate, self._gate = self._gate, None
            gate.close_ledger()

    # requests

    @_guarded
    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Begin a delivery and screen its head."""
        gate = self._gate
        if gate is None or not flow.live:
            return
        flow.request.stream = False
        delivery = gate.begin(peer_of(flow))
        flow.metadata[_DELIVERY] = delivery
        self._open.setdefault(flow.client_conn.id, set()).add(delivery)
        if flow.error is not None:
            # mitmproxy refuses it by itself; the hook only tells.
            delivery.refuse(Reason.MALFORMED_HTTP, detail=UNFRAMED)
            return
        if is_http2_preface(flow.request):
            delivery.refuse(Reason.MALFORMED_HTTP, detail=UNFRAMED, answered=False)
            flow.kill()  # type: ignore[no-untyped-call]  # as in mitmproxy
            return
        head = head_of(flow)
        # mitmproxy would take Connection away with an offer of h2c, and its `close` too.
        flow.request.headers.pop("upgrade", None)
        judge: Callable[..., Answer | None] = functools.partial(delivery.screen, head)
        too_large = is_too_large(head, gate.config.sidecar)
        if too_large:
            judge = functools.partial(delivery.refuse, Reason.HEAD_TOO_LARGE)
        if b"transfer-encoding" in head.named and (
            too_large or gate.policy.screen(head).finding is not None
        ):
            # Whether it is answered depends on its chunks: mitmproxy closes at a broken one.
            self._refused[delivery] = judge
        elif (answer := judge()) is not None:
            flow.response = response_of(flow, answer)
        else:
            return
        # mitmproxy would send 100 Continue for a request that is refused already.
        flow.request.headers.pop("expect", None)

    async def request(self, flow: http.HTTPFlow) -> None:
        """Judge the body, carry it, and set the answer."""
        delivery = flow.metadata.get(_DELIVERY)
        if not isinstance(delivery, Delivery):
            delivery = None
        refused = delivery is not None and delivery.ended and flow.response is not None
        if refused or flow.error is not None or not flow.live:
            return
        answer = BARE_FAILURE
        try:
            flow.response = response = response_of(flow, answer)
            if delivery is None or self._problems or self._gate is None:
                self._refuse(flow, delivery)
                return
            refuse = self._refused.pop(delivery, None)
            answer = (refuse and refuse()) or await self._exchange(flow, delivery)
            say(response, flow, answer)
            flow.response = response
        except Exception as error:  # noqa: BLE001  # fails closed
            self.log_fault("request", error)
            self._refuse(flow, delivery)
            # What the upstream took is answered as delivered all the same.
            flow.response = http.Response.make(answer.status, b"", {"Connection": "close"})

    async def _exchange(self, flow: http.HTTPFlow, delivery: Delivery) -> Answer:
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Answer] = loop.create_future()
        self._under_way[delivery] = flow.client_conn
        if self._look is None:
            self._look = loop.call_later(_LOOK_SECONDS, self._leave_with_senders)
        try:
            delivery.deliver(flow.request.raw_content or b"", answered.set_result)
            return await answered
        finally:
            del self._under_way[delivery]

    def _leave_with_senders(self) -> None:
        for delivery, client in tuple(self._under_way.items()):
            if not client.connected:
                delivery.leave()
        loop = asyncio.get_running_loop()
        self._look = (
            loop.call_later(_LOOK_SECONDS, self._leave_with_senders) if self._under_way else None
        )

    def _refuse(self, flow: http.HTTPFlow, delivery: Delivery | None) -> None:
        if delivery is None and self._gate is not None:
            delivery = flow.metadata[_DELIVERY] = self._gate.begin(peer_of(flow))
        if delivery is not None and not delivery.ended and not delivery.forwarded:
            delivery.refuse(Reason.GATE_ERROR)

    @_guarded
    def response(self, flow: http.HTTPFlow) -> None:
        """The answer goes out: nothing is open any more."""
        delivery = self._forget(flow)
        if delivery is not None:
            self._refused.pop(delivery, None)
            self._refuse(flow, delivery)  # where another addon answered

    @_guarded
    def error(self, flow: http.HTTPFlow) -> None:
        """mitmproxy gave the request up: it broke the framing or a bound, or the sender left."""
        delivery = self._forget(flow)
        if delivery is not None and self._gate is not None:
            self._end_unanswered(delivery)
            message = flow.error.msg if flow.error is not None else ""
            conclude(delivery, message, self._gate.policy.max_body)

    @_guarded
    def client_disconnected(self, client: Client) -> None:
        """Conclude what no other hook did, as after a crash of mitmproxy's HTTP layer."""
        for delivery in self._open.pop(client.id, ()):
            self._end_unanswered(delivery)
            delivery.leave()

    def _end_unanswered(self, delivery: Delivery) -> None:
        refuse = self._refused.pop(delivery, None)
        if refuse is not None:
            refuse(answered=False)

    @_guarded
    def tls_failed_client(self, data: TlsData) -> None:
        """Bytes that began like TLS and are none."""
        client = data.context.client
        if self._gate is not None and client.peername:
            delivery = self._gate.begin(str(client.peername[0]))
            delivery.refuse(Reason.MALFORMED_HTTP, detail=UNFRAMED, answered=False)

    def _forget(self, flow: http.HTTPFlow) -> Delivery | None:
        if _DELIVERY not in flow.metadata and self._gate is not None and not flow.is_replay:
            # A script listed before this one raised: mitmproxy called none of those behind it.
            flow.metadata[_DELIVERY] = self._gate.begin(peer_of(flow))
        delivery, flow.metadata[_DELIVERY] = flow.metadata.get(_DELIVERY), None
        self._open.get(flow.client_conn.id, set()).discard(delivery)
        return delivery if isinstance(delivery, Delivery) else None

    def log_fault(self, where: str, error: Exception) -> None:
        """Log an exception without its message, which may hold a sender's value."""
        if self._gate is not None:
            self._gate.log_fault(where, error)
