"""Whether the upstream can be connected to."""

import asyncio
import ssl

from hookgate.lookup import Lookup
from hookgate.settings import UpstreamSettings
from hookgate.upstream import endpoint

FRESH_SECONDS = 2.0
_SECONDS = 2.0


class UpstreamProbe:
    """Connects, with TLS where the upstream has it, at most once each `FRESH_SECONDS`."""

    def __init__(self) -> None:
        self._settings: UpstreamSettings | None = None
        self._host = ""
        self._tls: ssl.SSLContext | None = None
        self._lookup: Lookup | None = None
        self._fresh_until = 0.0
        self._connects = False
        self._turn = asyncio.Lock()

    async def connects(self, settings: UpstreamSettings) -> bool:
        """Whether a connection could be made, now or just before."""
        loop = asyncio.get_running_loop()
        async with self._turn:
            if settings != self._settings:
                self._settings, self._lookup = settings, None
                self._fresh_until = 0.0
            if loop.time() >= self._fresh_until:
                self._connects = await self._connect(settings)
                self._fresh_until = loop.time() + FRESH_SECONDS
            return self._connects

    async def _connect(self, settings: UpstreamSettings) -> bool:
        try:
            if self._lookup is None:
                self._host, port, self._tls = endpoint(settings)
                self._lookup = Lookup(self._host, port)
            async with asyncio.timeout(_SECONDS):
                _, writer = await self._lookup.connect(self._open)
        except (OSError, ValueError):  # TLS, look-up and time-out errors are OSErrors
            return False
        writer.transport.abort()
        return True

    async def _open(
        self, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        name = self._host if self._tls is not None else None
        return await asyncio.open_connection(host, port, ssl=self._tls, server_hostname=name)
