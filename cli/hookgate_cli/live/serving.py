"""The page's server: uvicorn on sockets of ours, until a signal ends it."""

import asyncio
import json
import logging
import signal
import socket
import ssl
from collections.abc import Collection

import orjson
import structlog
from uvicorn import Config, Server

from hookgate_cli.poller import Poller
from hookgate_sidecar.sockets import ListeningSockets

from .connection import LONGEST_HEAD, REQUEST_SECONDS, Connection
from .guard import HEADERS, Guard
from .pages import Pages
from .readers import Readers
from .sessions import Sessions

_TELL_SECONDS = 1.0
_DRAIN_SECONDS = 2
# Of what is written the kernel holds no more for a reader that does not read.
_SEND_BUFFER = 32 << 10


def serve(
    sockets: ListeningSockets,
    token: bytes,
    poller: Poller,
    *,
    names: Collection[str],
    tls: ssl.SSLContext | None,
    log: structlog.BoundLogger,
) -> None:
    """Serve what is to be seen until SIGTERM or SIGINT. `names` are those that the page goes by."""
    readers = Readers(lambda: _describe(poller))
    pages = Pages(Sessions(token), readers, log, str(sockets))
    config = Config(
        Guard(pages.app(), names),
        http=Connection,
        ws="none",
        loop="uvloop",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        headers=HEADERS,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
        h11_max_incomplete_event_size=LONGEST_HEAD,
    )
    # Else whoever connects has it write a line for each request that is none.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    config.load()
    config.ssl = tls
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises again what ended it.
        signal.signal(number, lambda *_: None)
    for sock in sockets.sockets:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    scheme = "http" if tls is None else "https"
    log.info("live.listening", address=sockets.address, port=sockets.port, scheme=scheme)
    server = _Server(config, poller, readers)
    server.run(sockets.sockets)
    if server.fault is not None:
        raise server.fault


class _Server(Server):
    """uvicorn's, which has the gates asked, and tells the readers each second."""

    def __init__(self, config: Config, poller: Poller, readers: Readers) -> None:
        super().__init__(config)
        self._poller, self._readers = poller, readers
        self.fault: BaseException | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen. uvicorn's own gives a TLS handshake a minute."""
        loop, tls = asyncio.get_running_loop(), self.config.ssl
        seconds = REQUEST_SECONDS if tls is not None else None

        def accept() -> Connection:
            return Connection(self.config, self.server_state, {}, loop)

        self.servers = [
            await loop.create_server(accept, sock=sock, ssl=tls, ssl_handshake_timeout=seconds)
            for sock in sockets or ()
        ]
        self.started = True

    async def main_loop(self) -> None:
        """Serve until a signal comes."""
        self._poller.start()
        task = asyncio.create_task(self._tell())
        task.add_done_callback(self._on_end)
        await super().main_loop()
        task.cancel()
        self._poller.close()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let the readers go, and end."""
        self._readers.close()
        await super().shutdown(sockets)

    def _on_end(self, task: "asyncio.Task[None]") -> None:
        """End with a fault: figures that nobody renews must not stand there as if they were new."""
        if not task.cancelled() and task.exception() is not None:
            self.fault, self.should_exit = task.exception(), True

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(_TELL_SECONDS)
            self._readers.tell()


def _describe(poller: Poller) -> bytes:
    """Make the state of now as JSON."""
    picture = poller.picture()
    try:
        return orjson.dumps(picture)
    except orjson.JSONEncodeError:  # a lone surrogate in what a sender wrote
        return json.dumps(picture).encode()
