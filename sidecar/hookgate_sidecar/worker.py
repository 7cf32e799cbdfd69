"""One of several processes that serve the same socket; started by the supervisor alone."""

import asyncio
import signal
import socket
import sys
from typing import Any

import uvloop

from hookgate.gate import Gate
from hookgate.ledger.sink import LedgerError
from hookgate.log import make_log

from .channel import Apply, Channel, Keep, Prepare, Report, Start
from .run import Signals, drain
from .server import Change, Server


async def work(control: socket.socket, listener: socket.socket) -> int:
    """Serve until SIGTERM or until the supervisor is gone, then drain; returns the exit status."""
    channel = await Channel.over(control)
    start: Start = await channel.receive()
    log = make_log(worker=str(start.number))
    try:
        gate = Gate(start.config, "sidecar", log, worker=start.number, replaces=start.replaces)
    except LedgerError as error:
        await channel.send(str(error))
        return 1
    server = Server(gate)
    signals = Signals()
    signals.on(signal.SIGUSR1, gate.journal.reopen)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR2):
        signals.on(number, lambda: None)  # a terminal's go to the supervisor too
    try:
        await server.start(listener)
        await channel.send(None)
        orders = asyncio.create_task(_obey(channel, server))
        orders.add_done_callback(lambda _: signals.stop.set())
        await signals.stop.wait()
        orders.cancel()
        await drain(server, signals)
    finally:
        await server.close()
        await channel.leave(server.snapshot())
    return 0


async def _obey(channel: Channel, server: Server) -> None:
    """Answer the supervisor until it is gone."""
    change: Change | None = None
    while True:
        try:
            message = await channel.receive()
        except EOFError:
            return
        reply: Any = None
        match message:
            case Prepare(config):
                try:
                    change, reply = server.prepare(config), ()
                except Exception as error:  # noqa: BLE001  # whatever it is, nothing changes
                    server.gate.log_fault("prepare", error)
                    reply = (f"worker: {type(error).__name__}",)
            case Apply() if change is not None:
                server.apply(change)
            case Keep(problems):
                server.gate.keep(problems)
            case Report():
                reply = server.snapshot()
        await channel.send(reply)


def main() -> None:
    """Run with the numbers of the inherited descriptors: the channel's, the listener's."""
    control, listener = (socket.socket(fileno=int(fd)) for fd in sys.argv[1:3])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        status = runner.run(work(control, listener))
    sys.exit(status)


if __name__ == "__main__":
    main()
