"""What a worker does between its first message and its last."""

import asyncio
import math
import os
import signal
import socket
from typing import Any

import uvloop

from hookgate.gate.gate import Gate
from hookgate.gate.metrics import Snapshot
from hookgate.ledger.writing.sink import LedgerError
from hookgate.log import make_log
from hookgate.unblocked import unblock_stderr

from .channel import LAYOUT, Apply, Channel, LastWord, Look, Prepare, ReloadRefused, Report, Start
from .descriptors import fit
from .exposition import process_snapshot
from .lifecycle import GRACE_SECONDS
from .orphan import keep_alive, outlive
from .server import CompiledChange, Server
from .signals import Signals
from .sockets import ListeningSockets


async def work(control: socket.socket, listening: list[socket.socket]) -> int:
    """Serve until SIGTERM or until the supervisor is gone, then drain; returns the exit status."""
    signals = Signals()
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR2):
        signals.on(number, lambda: None)  # a terminal's go to the supervisor too
    channel = await Channel.over(control)
    try:
        start: Start = await channel.receive()
    except EOFError:
        return 1
    if start.layout != LAYOUT:
        await channel.close_with("it is of a version with other settings: restart the supervisor")
        return 1
    log = make_log(worker=str(start.number))
    unblock_stderr(lambda messages: log.warning("log.dropped", messages=messages))
    try:
        config = fit(start.config)
        gate = Gate(config, "sidecar", log, worker=start.number, replaces=start.replaces)
    except (LedgerError, ValueError) as error:
        await channel.close_with(str(error))
        return 1
    signals.on(signal.SIGUSR1, gate.journal.reopen)
    server = Server(gate)
    try:
        await server.start(ListeningSockets(listening))
    except ValueError as error:
        await server.close()
        await channel.close_with(str(error))
        return 1
    obeying = asyncio.ensure_future(_obey(channel, server))
    obeying.add_done_callback(lambda _: signals.stop.set())
    try:
        await signals.stop.wait()
        await signals.unless_in_a_hurry(server.drain())
    finally:
        obeying.cancel()
        await server.close()
        await channel.close_with(LastWord(_count(server)))
    return 0


async def _obey(channel: Channel, server: Server) -> None:
    """Say that it serves, and answer the supervisor until that is gone."""
    change: CompiledChange | None = None
    reply: Any = None
    living = asyncio.ensure_future(_live())
    try:
        while True:
            await channel.send(reply)
            message = await channel.receive()
            reply = None
            match message:
                case Prepare(config):
                    try:
                        change, reply = server.prepare(config), ()
                    except Exception as error:  # noqa: BLE001  # whatever it is, nothing changes
                        server.gate.log_fault("prepare", error)
                        change, reply = None, (f"worker: {type(error).__name__}",)
                case Apply() if change is not None:
                    server.apply(change)
                case ReloadRefused(problems):
                    server.gate.record_refused_reload(problems)
                case Report():
                    reply = _count(server)
                case Look():
                    reply = _count(server), server.gate.status(os.getpid())
    except (OSError, EOFError):
        outlive(math.ceil(server.settings.drain + GRACE_SECONDS))
    finally:
        living.cancel()


def _count(server: Server) -> Snapshot:
    return {**server.gate.snapshot(), **process_snapshot()}


async def _live() -> None:
    """Undo each second what a SIGCONT from anybody else began."""
    while True:
        keep_alive()
        await asyncio.sleep(1)


def run(control: socket.socket, listening: list[socket.socket]) -> int:
    """Work on an event loop of its own; returns the exit status."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work(control, listening))
