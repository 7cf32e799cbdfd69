"""The hooks: each request becomes a delivery, each answer is set before mitmproxy could forward.

mitmproxy goes on with a request when a hook raises, and when the script is broken or gone. So it is
given a dead upstream, and a refusal is set first and lifted only by an answer of the gate.
"""

import asyncio
import atexit
import logging
import signal
from http import HTTPStatus
from typing import Any

from mitmproxy import ctx, http
from mitmproxy.addonmanager import Loader
from mitmproxy.connection import Client

from hookgate.answer import BARE_FAILURE, Answer
from hookgate.config import ConfigError, load
from hookgate.gate import Delivery, Gate
from hookgate.ledger import LedgerError
from hookgate.log import make_log
from hookgate.policy import Head, Reason, make_head

from .startup import find_problems

_DELIVERY = "hookgate.delivery"
_TICK_SECONDS = 1.0
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_log = logging.getLogger("hookgate")


class HookgateAddon:
    """mitmproxy's side of the gate. Until the gate is open every request is refused."""

    name = "hookgate"

    def __init__(self) -> None:
        self._gate: Gate | None = None
        self._failed = False
        self._timer: asyncio.TimerHandle | None = None
        self._open: dict[str, set[Delivery]] = {}

    # life

    def load(self, loader: Loader) -> None:
        """Declare the options that people set on a command line; the rest is in the file."""
        loader.add_option("hookgate_config", str, "", "hookgate.toml; else as `hookgate serve`.")
        loader.add_option("hookgate_upstream", str, "", "Where clean events go.")
        loader.add_option("hookgate_audit", str, "", "The audit log.")

    def configure(self, updated: set[str]) -> None:  # noqa: ARG002  # mitmproxy's signature
        """Open the gate, once; from then on hold mitmproxy to what it was started with."""
        if self._gate is None and not self._failed:
            self._start()
        elif self._gate is not None:
            self._fail(find_problems(ctx.options, self._gate.policy.max_body))

    def _start(self) -> None:
        options = ctx.options
        given = {
            "upstream.url": options.hookgate_upstream,
            "audit.path": options.hookgate_audit,
        }
        try:
            config = load(options.hookgate_config or None, {k: v for k, v in given.items() if v})
            problems = find_problems(options, config.request.max_body)
            if not problems:
                self._gate = Gate(config, "addon", make_log())
        except ConfigError as error:
            problems = error.problems
        except LedgerError as error:
            problems = [str(error)]
        if self._gate is None:
            self._fail(problems)
            return
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_TICK_SECONDS, self._tick)
        loop.add_signal_handler(signal.SIGUSR1, self._gate.journal.reopen)
        atexit.register(self._close_ledger)

    def _fail(self, problems: list[str]) -> None:
        # mitmdump exits with 1 if an error was logged before it is up; after that, this refuses.
        for problem in problems:
            self._failed = True
            _log.error("hookgate: %s", problem)

    def _tick(self) -> None:
        if self._gate is not None:
            self._gate.tick()
            self._timer = asyncio.get_running_loop().call_later(_TICK_SECONDS, self._tick)

    async def done(self) -> None:
        """Stop the gate when mitmproxy stops; a script that is reloaded keeps it."""
        if self._gate is not None and ctx.master.should_exit.is_set():
            gate, self._gate = self._gate, None
            if self._timer is not None:
                self._timer.cancel()
            await gate.close()

    def _close_ledger(self) -> None:
        if self._gate is not None:
            gate, self._gate = self._gate, None
            gate.close_ledger()

    # requests

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Begin a delivery and screen its head."""
        if flow.response is not None or not flow.live:
            return
        gate = self._gate
        if gate is None:
            return
        delivery = gate.begin(_peer(flow))
        flow.metadata[_DELIVERY] = delivery
        self._open.setdefault(flow.client_conn.id, set()).add(delivery)
        if flow.error is not None:
            # mitmproxy refuses it by itself; the hook only tells.
            delivery.refuse(Reason.MALFORMED_HTTP, detail="mitmproxy cannot frame it")
            return
        answer = delivery.screen(_head(flow))
        if answer is not None:
            # mitmproxy would send 100 Continue for a request that is refused already.
            flow.request.headers.pop("expect", None)
            flow.response = _response(flow, answer)

    async def request(self, flow: http.HTTPFlow) -> None:
        """Judge the body, carry it, and set the answer."""
        if flow.response is not None or flow.error is not None or not flow.live:
            return
        flow.response = _response(flow, BARE_FAILURE)
        delivery = flow.metadata.get(_DELIVERY)
        if self._gate is None or self._failed or not isinstance(delivery, Delivery):
            self._refuse_unbegun(flow, delivery)
            return
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        delivery.deliver(flow.request.raw_content or b"", answered.set_result)
        flow.response = _response(flow, await answered)

    def _refuse_unbegun(self, flow: http.HTTPFlow, delivery: Any) -> None:
        if self._gate is None:
            return
        if not isinstance(delivery, Delivery):
            delivery = self._gate.begin(_peer(flow))
        delivery.refuse(Reason.GATE_ERROR)

    def response(self, flow: http.HTTPFlow) -> None:
        """The answer goes out: nothing is open any more."""
        self._forget(flow)

    def error(self, flow: http.HTTPFlow) -> None:
        """mitmproxy gave the request up: it broke the framing or a bound, or the sender left."""
        delivery = flow.metadata.get(_DELIVERY)
        if isinstance(delivery, Delivery) and not delivery.ended:
            _conclude(delivery, flow.error.msg if flow.error is not None else "")
        self._forget(flow)

    def client_disconnected(self, client: Client) -> None:
        """Conclude what no other hook did, as after a crash of mitmproxy's HTTP layer."""
        for delivery in self._open.pop(client.id, ()):
            delivery.leave()

    def _forget(self, flow: http.HTTPFlow) -> None:
        delivery = flow.metadata.pop(_DELIVERY, None)
        deliveries = self._open.get(flow.client_conn.id)
        if deliveries is not None:
            deliveries.discard(delivery)


def _conclude(delivery: Delivery, message: str) -> None:
    if "body_size_limit" in message:
        delivery.refuse(Reason.BODY_TOO_LARGE)
    elif "protocol error" in message or "refusing" in message:
        delivery.refuse(Reason.MALFORMED_HTTP, detail="mitmproxy cannot frame it")
    else:
        delivery.leave()


def _peer(flow: http.HTTPFlow) -> str:
    return str(flow.client_conn.peername[0]) if flow.client_conn.peername else ""


def _head(flow: http.HTTPFlow) -> Head:
    data = flow.request.data
    target = data.path
    if data.authority:
        # Absolute form: mitmproxy has taken it apart.
        target = data.scheme + b"://" + data.authority + data.path
    fields = [(name, value.strip(b" \t")) for name, value in data.headers.fields]
    version = data.http_version.decode("ascii", "replace").removeprefix("HTTP/")
    return make_head(_peer(flow), data.method, target, fields, version)


def _response(flow: http.HTTPFlow, answer: Answer) -> http.Response:
    fields = [*answer.fields, (b"Content-Length", b"%d" % len(answer.body))]
    if "transfer-encoding" in flow.request.headers:
        # h11 0.14, which mitmproxy 11 carries, accepts a malformed chunk ending; what follows it
        # is never parsed if the connection ends here.
        fields.append((b"Connection", b"close"))
    return http.Response(
        http_version=b"HTTP/1.1",
        status_code=answer.status,
        reason=_PHRASES.get(answer.status, "").encode(),
        headers=http.Headers(fields),
        content=answer.body,
        trailers=None,
        timestamp_start=0.0,
        timestamp_end=None,
    )
