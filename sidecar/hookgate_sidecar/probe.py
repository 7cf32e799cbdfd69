"""Whether the upstream can be connected to."""

import asyncio

from hookgate.endpoint import Endpoint
from hookgate.settings import UpstreamSettings

FRESH_SECONDS = 2.0
_SECONDS = 2.0


class UpstreamProbe:
    """Connects, with TLS where the upstream has it, at most once each `FRESH_SECONDS`."""

    def __init__(self) -> None:
        self._settings: UpstreamSettings | None = None
        self._endpoint: Endpoint | None = None
        self._fresh_until = 0.0
        self._connects = False
        self._turn = asyncio.Lock()

    async def connects(self, settings: UpstreamSettings) -> bool:
        """Whether a connection could be made, now or just before."""
        loop = asyncio.get_running_loop()
        async with self._turn:
            if settings != self._settings:
                self._settings, self._endpoint = settings, None
                self._fresh_until = 0.0
            if loop.time() >= self._fresh_until:
                self._connects = await self._connect(settings)
                self._fresh_until = loop.time() + FRESH_SECONDS
            return self._connects

    async def _connect(self, settings: UpstreamSettings) -> bool:
        try:
            if self._endpoint is None:
                self._endpoint = Endpoint.of(settings)
            async with asyncio.timeout(_SECONDS):
                transport = await self._endpoint.connect(asyncio.Protocol)
        except (OSError, ValueError):  # TLS, look-up and time-out errors are OSErrors
            return False
        transport.abort()
        return True
