"""mitmproxy's hooks: a request becomes a delivery, answered before mitmproxy could forward it.

mitmproxy goes on with a request when a hook raises, and when the script is broken or gone. So it is
given a dead upstream, and a refusal is set first and lifted only by an answer of the gate.
"""

import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec

from mitmproxy import ctx, http
from mitmproxy.addonmanager import Loader
from mitmproxy.connection import Client
from mitmproxy.tls import TlsData

from hookgate.gate.answer import BARE_FAILURE, Answer
from hookgate.gate.delivery import Delivery
from hookgate.policy import Reason

from .exchange import Exchanges
from .lifecycle import Lifecycle
from .translate import (
    UNFRAMED,
    end_abandoned,
    fill_response,
    head_of,
    is_http2_preface,
    is_too_large,
    peer_of,
    response_of,
)

_DELIVERY = "hookgate.delivery"

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


class HookgateAddon:
    """mitmproxy's side of the gate. Until the gate is open every request is refused."""

    name = "hookgate"

    def __init__(self) -> None:
        self._life = Lifecycle()
        self._open: dict[str, set[Delivery]] = {}
        self._exchanges = Exchanges()
        # What refuses those whose chunks are still to come.
        self._refused: dict[Delivery, Callable[..., Answer | None]] = {}

    def load(self, loader: Loader) -> None:
        """Declare the options that people set on a command line; the rest is in the file."""
        loader.add_option("hookgate_config", str, "", "hookgate.toml; else as `hookgate serve`.")
        loader.add_option("hookgate_upstream", str, "", "Where clean events go.")
        loader.add_option("hookgate_audit", str, "", "The audit log.")

    def configure(self, updated: set[str]) -> None:
        """Open the gate, once; from then on refuse whenever the options are not right."""
        if self._life.gate is not None:
            if "scripts" in updated:
                self._life.warn_if_not_first(self)
            self._life.check_options()
        elif not self._life.problems:
            self._life.open()

    def running(self) -> None:
        """Log where it listens, what it stands in front of, and whether it is listed first."""
        if self._life.announce():
            self._life.warn_if_not_first(self)

    def done(self) -> Coroutine[Any, Any, None] | None:
        """Stop the gate when mitmproxy stops; a script that is loaded again keeps it.

        mitmproxy awaits what is returned when it stops, and refuses to unload a script whose
        `done` is a coroutine function.
        """
        if ctx.master.should_exit.is_set():
            return self._life.close()
        for deliveries in self._open.values():
            for delivery in deliveries:
                self._end_unanswered(delivery)
                if not delivery.ended and not delivery.committed:
                    delivery.refuse(Reason.GATE_ERROR)  # no hook will end it
        self._open.clear()
        return None

    @_guarded
    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Begin a delivery and screen its head; a refusal is set as the response."""
        gate = self._life.gate
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
        if b"transfer-encoding" in head.named and (too_large or gate.refuses(head)):
            # Whether it is answered depends on its chunks: mitmproxy closes at a broken one.
            self._refused[delivery] = judge
        elif (answer := judge()) is not None:
            flow.response = response_of(flow, answer)
        else:
            return
        # mitmproxy would send 100 Continue for a request that is refused already.
        flow.request.headers.pop("expect", None)

    async def request(self, flow: http.HTTPFlow) -> None:
        """Judge the body, forward it where it is clean, and set the response."""
        delivery = flow.metadata.get(_DELIVERY)
        if not isinstance(delivery, Delivery):
            delivery = None
        refused = delivery is not None and delivery.ended and flow.response is not None
        if refused or flow.error is not None or not flow.live:
            return
        answer = BARE_FAILURE
        try:
            flow.response = response = response_of(flow, answer)
            if delivery is None or self._life.problems or self._life.gate is None:
                self._refuse(flow, delivery)
                return
            refuse = self._refused.pop(delivery, None)
            body = flow.request.raw_content or b""
            answer = (refuse and refuse()) or await self._exchanges.run(
                delivery, flow.client_conn, body
            )
            fill_response(response, flow, answer)
            flow.response = response
        except Exception as error:  # noqa: BLE001  # fails closed
            self.log_fault("request", error)
            self._refuse(flow, delivery)
            # What the upstream took is answered as delivered all the same.
            flow.response = http.Response.make(answer.status, b"", {"Connection": "close"})

    def _refuse(self, flow: http.HTTPFlow, delivery: Delivery | None) -> None:
        if delivery is None and self._life.gate is not None:
            delivery = flow.metadata[_DELIVERY] = self._life.gate.begin(peer_of(flow))
        if delivery is not None and not delivery.ended and not delivery.committed:
            delivery.refuse(Reason.GATE_ERROR)

    @_guarded
    def response(self, flow: http.HTTPFlow) -> None:
        """Forget a delivery whose answer goes out; refuse it where another addon answered."""
        delivery = self._forget(flow)
        if delivery is not None:
            self._refused.pop(delivery, None)
            self._refuse(flow, delivery)  # where another addon answered

    @_guarded
    def error(self, flow: http.HTTPFlow) -> None:
        """End a delivery that mitmproxy gave up: broken framing, too large a body, or no sender."""
        delivery = self._forget(flow)
        if delivery is not None and self._life.gate is not None:
            self._end_unanswered(delivery)
            message = flow.error.msg if flow.error is not None else ""
            end_abandoned(delivery, message, self._life.gate.policy.max_body)

    @_guarded
    def client_disconnected(self, client: Client) -> None:
        """End what no other hook ended, as after a crash of mitmproxy's HTTP layer."""
        for delivery in self._open.pop(client.id, ()):
            self._end_unanswered(delivery)
            delivery.leave()

    def _end_unanswered(self, delivery: Delivery) -> None:
        refuse = self._refused.pop(delivery, None)
        if refuse is not None:
            refuse(answered=False)

    @_guarded
    def tls_failed_client(self, data: TlsData) -> None:
        """Record a connection that began like TLS; the gate listens in plain text."""
        client = data.context.client
        if self._life.gate is not None and client.peername:
            delivery = self._life.gate.begin(str(client.peername[0]))
            delivery.refuse(Reason.MALFORMED_HTTP, detail=UNFRAMED, answered=False)

    def _forget(self, flow: http.HTTPFlow) -> Delivery | None:
        if _DELIVERY not in flow.metadata and self._life.gate is not None and not flow.is_replay:
            # A script listed before this one raised: mitmproxy called none of those behind it.
            flow.metadata[_DELIVERY] = self._life.gate.begin(peer_of(flow))
        delivery, flow.metadata[_DELIVERY] = flow.metadata.get(_DELIVERY), None
        self._open.get(flow.client_conn.id, set()).discard(delivery)
        return delivery if isinstance(delivery, Delivery) else None

    def log_fault(self, where: str, error: Exception) -> None:
        """Log an exception without its message, which may hold a sender's value."""
        self._life.log_fault(where, error)
