"""Whether the upstream can be connected to."""

import asyncio

from hookgate.settings import UpstreamSettings
from hookgate.upstream.endpoint import Endpoint
from hookgate.upstream.error import UpstreamError
from hookgate.upstream.lookup import Lookup
from hookgate.upstream.reach import reach

FRESH_SECONDS = 2.0
_SECONDS = 2.0


class UpstreamProbe:
    """Connect to the upstream, with TLS where it has it, at most once each `FRESH_SECONDS`."""

    def __init__(self) -> None:
        self._settings: UpstreamSettings | None = None
        self._lookup: Lookup | None = None
        self._fresh_until = 0.0
        self._error: UpstreamError | None = None
        self._turn = asyncio.Lock()

    async def connect(self, settings: UpstreamSettings) -> UpstreamError | None:
        """Return why no connection could be made, now or just before; None where one could."""
        loop = asyncio.get_running_loop()
        async with self._turn:
            if settings != self._settings:
                self._settings, self._lookup = settings, None
                self._fresh_until = 0.0
            if loop.time() >= self._fresh_until:
                self._error = await self._connect(settings)
                self._fresh_until = loop.time() + FRESH_SECONDS
            return self._error

    async def _connect(self, settings: UpstreamSettings) -> UpstreamError | None:
        try:
            if self._lookup is None:
                self._lookup = Lookup(Endpoint.of(settings))
        except ValueError:  # a file of its TLS is gone or broken since the start
            return UpstreamError.TLS_FAILED
        return (await reach(self._lookup, _SECONDS)).error
