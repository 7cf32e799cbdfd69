"""What supervisor and worker say to each other, over a socket pair that only they hold."""

import asyncio
import pickle
import socket
import struct
from typing import Any, NamedTuple

from hookgate.settings import Config

_LENGTH = struct.Struct("!I")


class Start(NamedTuple):
    """The first thing a worker is told. `replaces` says how the one before it ended."""

    config: Config
    number: int
    replaces: str | None


class Prepare(NamedTuple):
    """Compile this configuration; the reply is a tuple of problems."""

    config: Config


class Apply(NamedTuple):
    """Go by what was prepared; the reply is None."""


class Keep(NamedTuple):
    """A reload was refused for these reasons; the reply is None."""

    problems: tuple[str, ...]


class Report(NamedTuple):
    """The reply is a snapshot of the worker's metrics."""


class Channel:
    """One end. Messages are pickled: both ends are this program."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()

    @classmethod
    async def over(cls, end: socket.socket) -> "Channel":
        """A channel over one end of a socket pair."""
        return cls(*await asyncio.open_unix_connection(sock=end))

    async def send(self, message: object) -> None:
        """Raises OSError where the other end is gone."""
        if self._writer.is_closing():  # uvloop raises RuntimeError
            raise BrokenPipeError
        data = pickle.dumps(message)
        self._writer.write(_LENGTH.pack(len(data)) + data)
        await self._writer.drain()

    async def rest(self) -> list[Any]:
        """What the other end said of its own accord before it was gone."""
        said = []
        async with self._turn:
            try:
                while True:
                    said.append(await self.receive())
            except EOFError:
                self.close()
        return said

    async def leave(self, last: object) -> None:
        """Send a last word, if somebody still listens."""
        try:
            await self.send(last)
        except OSError:
            pass
        self.close()

    async def receive(self) -> Any:
        """The next message. Raises EOFError where the other end is gone."""
        try:
            (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
            return pickle.loads(await self._reader.readexactly(length))  # noqa: S301  # from ourselves
        except (asyncio.IncompleteReadError, ConnectionError):
            raise EOFError from None

    async def ask(self, message: object) -> Any:
        """Send and wait for the reply. Raises OSError or EOFError where the other end is gone.

        Whoever stops waiting leaves the turn to the exchange: the next question must not be
        answered with this one's reply.
        """
        await self._turn.acquire()
        exchange = asyncio.ensure_future(self._exchange(message))
        exchange.add_done_callback(self._end_turn)
        return await asyncio.shield(exchange)

    async def _exchange(self, message: object) -> Any:
        await self.send(message)
        return await self.receive()

    def _end_turn(self, exchange: asyncio.Future[Any]) -> None:
        self._turn.release()
        if not exchange.cancelled():
            exchange.exception()  # it may be nobody's any more

    def close(self) -> None:
        """Let go of it."""
        self._writer.close()
