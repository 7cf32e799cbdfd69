"""The listening side: who may connect, what time does to connections, how it starts and stops."""

import asyncio
import gc
import socket
import ssl
from collections.abc import Callable
from typing import NamedTuple

from hookgate.gate import Gate, Terms
from hookgate.metrics import Snapshot
from hookgate.policy import Standing
from hookgate.settings import Config, SidecarSettings
from hookgate.tls import server_context

from .connection import Connection
from .exposition import process_snapshot
from .heads import MOST, MOST_OF_STRANGERS, KnownHeads
from .listener import Listener, listen
from .writer import AnswerWriter

SWEEP_SECONDS = 0.1
_COLLECT = 20_000, 20, 20
_MOST_LINGERING = 32


class Change(NamedTuple):
    """Another configuration, compiled."""

    terms: Terms
    tls: ssl.SSLContext | None


class Server:
    """One process's connections. Make it inside the event loop that will run it."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.settings = gate.config.sidecar
        self.loop = asyncio.get_running_loop()
        self.writer = AnswerWriter()
        self.heads = KnownHeads(MOST)
        self.heads_of_strangers = KnownHeads(MOST_OF_STRANGERS)
        self._connections: set[Connection] = set()
        self._listener: Listener | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._emptied = asyncio.Event()
        self._draining = False

    async def start(self, sock: socket.socket | None = None) -> tuple[str, int]:
        """Listen, on `sock` if it is given; returns the address, with the port chosen for 0.

        Raises `ListenError`.
        """
        tls = make_tls(self.settings)
        # What is here now stays; without this the collector looked at it again and again, and cost
        # 5 % of a request. Connections and their parsers are what it still has to find.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECT)
        self._listener = Listener(self, sock or listen(*self.settings.listen), tls)
        self._every(SWEEP_SECONDS, self._sweep)
        self._every(1.0, self._tick)
        return self._listener.address

    def prepare(self, config: Config) -> Change:
        """Compile another configuration; nothing changes yet. Raises ValueError."""
        return Change(self.gate.prepare(config), make_tls(config.sidecar))

    def apply(self, change: Change) -> None:
        """Go by it from now on; connections that are open keep their bounds."""
        self.gate.apply(change.terms)
        if change.terms.config.sidecar != self.settings:  # else connections stay in step with it
            self.settings = change.terms.config.sidecar
        self.heads.clear()
        self.heads_of_strangers.clear()
        if self._listener is not None:
            self._listener.tls = change.tls

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
        await self.gate.close_upstreams()
        for connection in tuple(self._connections):
            connection.cut()
        if self._connections:
            await self._emptied.wait()
        for timer in self._timers:
            timer.cancel()
        await self.gate.close()

    def admit(self, connection: Connection) -> bool:
        """Count a new connection; False where there are too many."""
        connection.standing = standing = self.gate.policy.standing(connection.peer)
        counts, settings = self.gate.metrics.connections, self.settings
        if sum(counts.values()) >= settings.max_connections:
            return False
        # Strangers never have them all, whatever the two bounds are.
        foreign_bound = min(settings.max_foreign_connections, settings.max_connections - 1)
        if standing is Standing.FOREIGN and counts[standing] >= foreign_bound:
            return False
        counts[standing] += 1
        self._connections.add(connection)
        return True

    def admit_to_linger(self, connection: Connection) -> bool:
        """Take one beyond the bounds until it has read why it is refused; False if many are."""
        if len(self._connections) >= self.settings.max_connections + _MOST_LINGERING:
            return False
        connection.counted = False
        self._connections.add(connection)
        return True

    def forget(self, connection: Connection) -> None:
        """Uncount a connection that is gone."""
        if connection in self._connections:
            self._connections.remove(connection)
            self.gate.metrics.connections[connection.standing] -= connection.counted
            if self._draining and not self._connections:
                self._emptied.set()

    def snapshot(self) -> Snapshot:
        """What this process counts."""
        return {**self.gate.metrics.snapshot(), **process_snapshot()}

    # what the admin listener asks

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self.gate.config

    async def snapshots(self) -> list[Snapshot]:
        """What this process counts, as the only one."""
        return [self.snapshot()]

    def ready(self) -> list[str]:
        """Why no events should be sent here."""
        problems = ["draining"] if self._draining else []
        if not self.gate.journal.available:
            problems.append("the ledger cannot be written")
        return problems

    def degraded(self) -> list[str]:
        """Nothing: one process serves or does not."""
        return []

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
            try:
                connection.expire(now)
            except Exception as error:  # noqa: BLE001  # the others' deadlines hold all the same
                self.gate.log_fault("expire", error)
                connection.cut()

    def _tick(self) -> None:
        self.gate.tick()
        self.writer.tick()


def make_tls(settings: SidecarSettings) -> ssl.SSLContext | None:
    """The listener's TLS, None where it has none. Raises ValueError."""
    if not settings.tls_cert:
        return None
    return server_context(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
