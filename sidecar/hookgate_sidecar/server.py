"""The listening side: who may connect, what time does to connections, how it starts and stops."""

import asyncio
import gc
import os
import ssl
from collections.abc import Callable
from typing import NamedTuple

from hookgate.gate.compiled import CompiledConfig
from hookgate.gate.gate import Gate
from hookgate.gate.metrics import Snapshot
from hookgate.settings import Config, SidecarSettings
from hookgate.tls import server_context

from .admission import Admission
from .descriptors import fit
from .listener import Listener
from .memory import hold_free_memory, return_free_memory
from .shared import Shared
from .sight import Sight
from .sockets import ListeningSockets, listen

SWEEP_SECONDS = 0.1
RENEW_SECONDS = 86_400.0
_COLLECT = 20_000, 20, 20


class CompiledChange(NamedTuple):
    """Hold another configuration, compiled."""

    compiled: CompiledConfig
    tls: ssl.SSLContext | None


class Server:
    """Serve one process's connections. Make it inside the event loop that will run it."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.loop = asyncio.get_running_loop()
        self._shared = Shared.of(gate)
        self._listener: Listener | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._swept = self.loop.time()
        self._put_off = False

    async def start(self, sockets: ListeningSockets | None = None) -> ListeningSockets:
        """Listen, on `sockets` if they are given; returns them.

        Raises `ListenError`, and ValueError where TLS files cannot be used.
        """
        tls = make_tls(self.settings)
        hold_free_memory()
        # What is here now stays; without this the collector looked at it again and again, and cost
        # 5 % of a request. Connections and their parsers are what it still has to find.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECT)
        if sockets is None:
            settings = self.settings
            sockets = listen("sidecar.listen", settings.listen, settings.socket_mode)
        self._listener = Listener(self._shared, sockets, tls)
        self._every(SWEEP_SECONDS, self._sweep)
        self._every(1.0, self._tick)
        # Of each head that still comes the gate sees again what it looks like.
        self._every(RENEW_SECONDS, self._shared.heads.clear)
        return sockets

    def prepare(self, config: Config) -> CompiledChange:
        """Compile another configuration; nothing changes yet. Raises ValueError."""
        return CompiledChange(self.gate.prepare(fit(config)), make_tls(config.sidecar))

    def apply(self, change: CompiledChange) -> None:
        """Go by a change from now on.

        Open connections keep their bounds; whose sender stands otherwise now is counted anew.
        """
        self.gate.apply(change.compiled)
        shared, settings = self._shared, change.compiled.config.sidecar
        if settings != shared.settings:  # else connections stay in step with it
            shared.settings = settings
            shared.admission.go_by(settings)
        shared.admission.judge_anew()
        shared.heads.renew(change.compiled.config)
        shared.foreign_heads.renew(change.compiled.config)
        if self._listener is not None:
            self._listener.tls = change.tls

    async def drain(self) -> None:
        """Stop listening, and let what was begun end within `sidecar.drain` seconds."""
        admission = self._stop_listening()
        for place in tuple(admission.places):
            place.holder.drain()
        try:
            async with asyncio.timeout(self.settings.drain):
                await admission.wait_until_empty()
        except TimeoutError:
            pass

    async def close(self) -> None:
        """Cut every connection that is left; every delivery still gets its record."""
        admission = self._stop_listening()
        self._shared.stopped = True  # only what is on its way upstream is still answered
        await self.gate.close_upstreams()
        for place in tuple(admission.places):
            place.holder.cut()
        await admission.wait_until_empty()
        for timer in self._timers:
            timer.cancel()
        await self.gate.close()

    def _stop_listening(self) -> Admission:
        self._shared.draining = True
        if self._listener is not None:
            self._listener.close()
        return self._shared.admission

    @property
    def settings(self) -> SidecarSettings:
        """The settings in force."""
        return self._shared.settings

    # what the admin listener asks

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self.gate.config

    async def snapshots(self) -> list[Snapshot]:
        """Return what this process counts, as the only one, and what the kernel says of it."""
        # The admin listener, which asks, has imported it: 20 ms that other gates need not wait for.
        from .exposition import process_snapshot  # noqa: PLC0415

        return [self.gate.snapshot(), process_snapshot()]

    async def look(self) -> Sight:
        """Return all that there is to see of this process."""
        return Sight(await self.snapshots(), [self.gate.status(os.getpid())])

    def ready(self) -> list[str]:
        """Say why no events should be sent here."""
        problems = ["draining"] if self._shared.draining else []
        if not self.gate.journal.available:
            problems.append("the ledger cannot be written")
        return problems

    def degraded(self) -> list[str]:
        """Say nothing: one process serves or does not."""
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
        stood_still, self._swept = now - self._swept > 2 * SWEEP_SECONDS, now
        self._put_off = stood_still and not self._put_off
        if self._put_off:
            return  # what came meanwhile is read first
        for holder in [p.holder for p in self._shared.admission.places if p.holder.deadline <= now]:
            try:
                holder.expire(now)
            except Exception as error:  # noqa: BLE001  # the others' deadlines hold all the same
                self.gate.log_fault("expire", error)
                holder.cut()

    def _tick(self) -> None:
        self.gate.tick()
        self._shared.writer.tick()
        return_free_memory()


def make_tls(settings: SidecarSettings) -> ssl.SSLContext | None:
    """Make the listener's TLS, None where it has none. Raises ValueError of its files."""
    if not settings.tls_cert:
        return None
    return server_context(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
