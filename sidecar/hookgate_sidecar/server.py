"""The listening side: who may connect, what time does to connections, how it starts and stops."""

import asyncio
from collections.abc import Callable

from hookgate.gate import Gate
from hookgate.policy import Standing

from .connection import Connection
from .writer import AnswerWriter

SWEEP_SECONDS = 0.1
_BACKLOG = 1024


class ListenError(Exception):
    """The listening address cannot be had; the message names it."""


class Server:
    """One process's connections. Make it inside the event loop that will run it."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.settings = gate.config.sidecar
        self.loop = asyncio.get_running_loop()
        self.writer = AnswerWriter()
        self._connections: set[Connection] = set()
        self._foreign = 0
        self._listener: asyncio.Server | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._emptied = asyncio.Event()
        self._draining = False

    async def start(self) -> tuple[str, int]:
        """Listen; returns the address, with the port that the system chose for 0.

        Raises `ListenError`.
        """
        host, port = self.settings.listen
        try:
            self._listener = await self.loop.create_server(
                lambda: Connection(self), host, port, backlog=_BACKLOG
            )
        except OSError as error:
            raise ListenError(
                f"sidecar.listen = {host}:{port} cannot be had: {error.strerror or error}"
            ) from None
        self._every(SWEEP_SECONDS, self._sweep)
        self._every(1.0, self._tick)
        name = self._listener.sockets[0].getsockname()
        return name[0], name[1]

    async def drain(self) -> None:
        """Stop listening, let what was begun end, within `sidecar.drain`."""
        self._draining = True
        if self._listener is not None:
            self._listener.close()
        for connection in tuple(self._connections):
            connection.drain()
        if self._connections:
            try:
                async with asyncio.timeout(self.settings.drain):
                    await self._emptied.wait()
            except TimeoutError:
                pass

    async def close(self) -> None:
        """Cut what is left; every delivery still gets its record."""
        self._draining = True
        for connection in self._connections:
            connection.begin_nothing_more()
        await self.gate.upstream.close()
        for connection in tuple(self._connections):
            connection.cut()
        if self._connections:
            await self._emptied.wait()
        for timer in self._timers:
            timer.cancel()
        await self.gate.close()

    def admit(self, connection: Connection) -> bool:
        """Count a new connection; False where there are too many."""
        connection.foreign = self.gate.policy.standing(connection.peer) is Standing.FOREIGN
        self._connections.add(connection)
        self._foreign += connection.foreign
        settings = self.settings
        # Strangers never have them all, whatever the two bounds are.
        foreign_bound = min(settings.max_foreign_connections, settings.max_connections - 1)
        return len(self._connections) <= settings.max_connections and (
            not connection.foreign or self._foreign <= foreign_bound
        )

    def forget(self, connection: Connection) -> None:
        """Uncount a connection that is gone."""
        if connection in self._connections:
            self._connections.remove(connection)
            self._foreign -= connection.foreign
            if self._draining and not self._connections:
                self._emptied.set()

    def _every(self, seconds: float, act: Callable[[], None]) -> None:
        place = len(self._timers)

        def run() -> None:
            self._timers[place] = self.loop.call_later(seconds, run)
            act()

        self._timers.append(self.loop.call_later(seconds, run))

    def _sweep(self) -> None:
        # One sweep over all connections costs less than a timer set and cancelled per request.
        now = self.loop.time()
        for connection in [c for c in self._connections if c.deadline <= now]:
            connection.deadline = float("inf")
            try:
                connection.expire()
            except Exception as error:  # noqa: BLE001  # the others' deadlines hold all the same
                self.gate.log_fault("expire", error)
                connection.cut()

    def _tick(self) -> None:
        self.gate.tick()
        self.writer.tick()
