"""Whether the endpoint can be reached: a connection on which nothing is said."""

import asyncio
import ssl
from typing import NamedTuple

from .dial import Dial, cause, detail
from .endpoint import Endpoint
from .error import UpstreamError
from .lookup import Lookup


class Reached(NamedTuple):
    """What an attempt came to: None and the address, or the cause with the system's word for it."""

    error: UpstreamError | None
    peer: str = ""
    detail: str = ""


class _Silent(asyncio.Protocol):
    """Says nothing; `over` is done when the other side does, or ends it."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.over: asyncio.Future[UpstreamError] = asyncio.get_running_loop().create_future()
        self.detail = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # a TCP or TLS transport

    def data_received(self, data: bytes) -> None:  # noqa: ARG002  # asyncio's signature
        self._end(UpstreamError.NOT_HTTP)

    def connection_lost(self, exc: Exception | None) -> None:
        self.detail = detail(exc)
        self._end(cause(exc))

    def _end(self, error: UpstreamError) -> None:
        if not self.over.done():
            self.over.set_result(error)


async def reach(lookup: Lookup, seconds: float, linger: float = 0.0) -> Reached:
    """Look the name up, connect, shake hands where there is TLS, and close.

    It may take `seconds`, and is held open for `linger` seconds more: there are endpoints that
    first accept and then hang up, and with TLS 1.3 one that wants a certificate says so only then.
    """
    dial = Dial(lookup)
    try:
        async with asyncio.timeout(seconds) as limit:
            connected = await dial.connect(_Silent)
    except (OSError, UnicodeError) as error:
        if limit.expired():
            return Reached(dial.stage.value, dial.peer)
        return Reached(cause(error), dial.peer, detail(error))
    await asyncio.wait((connected.over,), timeout=linger)
    ended = connected.over.result() if connected.over.done() else None
    if connected.transport is not None:
        connected.transport.abort()
    return Reached(ended, dial.peer, connected.detail if ended is not None else "")


async def speaks_tls(endpoint: Endpoint, seconds: float) -> bool:
    """Tell whether a TCP port answers a TLS hello with TLS, within `seconds`."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    reached = await reach(Lookup(endpoint._replace(tls=tls)), seconds)
    # It may refuse our hello, but does so in TLS.
    return reached.error in (None, UpstreamError.TLS_CLIENT) or "ALERT" in reached.detail
