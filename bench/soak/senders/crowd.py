"""Plays hostile kinds, each at its pace, in a process of its own.

    python -m bench.soak.senders.crowd PORT SECONDS KIND...

It has a lower priority than the gate, so that the gate and not its load is measured. Prints as JSON
what each kind began, what it held back because too many were open, and what came back.
"""

import asyncio
import os
import re
import socket
import sys
from collections import Counter
from contextlib import suppress
from typing import Any

import uvloop
from bench.soak.process import await_begin, print_result
from bench.soak.senders import KINDS
from bench.soak.senders.kind import Kind

NICE = 10
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
_MOST_READ = 1 << 20


class Player:
    """Player of one kind at its pace, and what came back."""

    def __init__(self, kind: Kind, port: int) -> None:
        self._kind = kind
        self._port = port
        self._open: set[asyncio.Task[None]] = set()
        self.begun = self.held_back = 0
        self.came_back: Counter[str] = Counter()

    async def play(self) -> None:
        """Begin connections until cancelled."""
        kind, loop = self._kind, asyncio.get_running_loop()
        pause, due = kind.burst / kind.a_second, loop.time()
        while True:
            for _ in range(kind.burst):
                if len(self._open) >= kind.at_once:
                    self.held_back += 1
                    continue
                self.begun += 1
                task = loop.create_task(self._run())
                self._open.add(task)
                task.add_done_callback(self._open.discard)
            due = max(due + pause, loop.time() - 1)  # what was missed by more is not made up for
            await asyncio.sleep(due - loop.time())

    async def end(self) -> None:
        """Abort every connection that is open."""
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _run(self) -> None:
        kind, data, how = self._kind, bytearray(), "closed"
        try:
            reader, writer = await self._connect()
        except OSError:
            self.came_back["no connection"] += 1
            return
        try:
            async with asyncio.timeout(kind.seconds):
                reading = asyncio.ensure_future(_read(reader, data, kind))
                try:
                    await self._send(writer, reading)
                    if kind.leaves:
                        how = "left"
                    else:
                        await reading
                finally:
                    reading.cancel()
        except TimeoutError:
            how = "held"
        except OSError:
            how = "reset"
        except asyncio.CancelledError:
            how = "held"
            raise
        finally:
            writer.transport.abort()
            statuses = [status.decode() for status in _STATUS.findall(data)]
            self.came_back.update(statuses or [how])

    async def _send(self, writer: asyncio.StreamWriter, reading: asyncio.Future[None]) -> None:
        # An answer may have come before; uvloop says so by a RuntimeError.
        with suppress(ConnectionError, RuntimeError):
            for step in self._kind.script():
                if reading.done():
                    return
                if isinstance(step, bytes):
                    writer.write(step)
                    await writer.drain()
                else:
                    await asyncio.sleep(step)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        sock = socket.socket()
        sock.setblocking(False)
        try:
            if not self._kind.reads:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.bind((self._kind.source, 0))
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self._port))
            return await asyncio.open_connection(sock=sock, limit=65536)
        except BaseException:
            sock.close()
            raise


async def _read(reader: asyncio.StreamReader, data: bytearray, kind: Kind) -> None:
    """Read until the connection ends or has given all answers; for ever where `reads` is off."""
    if not kind.reads:
        await asyncio.Event().wait()
    while data.count(b"HTTP/1.") < kind.answers and (piece := await reader.read(65536)):
        if len(data) < _MOST_READ:
            data += piece


async def play(port: int, seconds: float, names: list[str]) -> dict[str, Any]:
    """Play all of these kinds at once for `seconds`; return what came of each."""
    players = {name: Player(KINDS[name], port) for name in names}
    playing = [asyncio.create_task(player.play()) for player in players.values()]
    await asyncio.sleep(seconds)
    for task in playing:
        task.cancel()
    await asyncio.gather(*(player.end() for player in players.values()))
    return {
        name: {
            "begun": player.begun,
            "held_back": player.held_back,
            "came_back": dict(player.came_back.most_common()),
        }
        for name, player in players.items()
    }


if __name__ == "__main__":
    os.nice(NICE)
    await_begin()
    print_result(uvloop.run(play(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])))
