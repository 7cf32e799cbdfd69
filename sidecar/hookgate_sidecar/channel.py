"""What supervisor and worker say to each other, over a socket pair that only they hold.

The supervisor asks and the worker answers, in order; `LastWord` alone comes unasked.
"""

import asyncio
import pickle
import socket
import struct
from dataclasses import fields, is_dataclass
from hashlib import sha256
from typing import Any, NamedTuple, get_type_hints

from hookgate.gate.metrics import Snapshot
from hookgate.settings import Config

_LENGTH = struct.Struct("!I")


def _layout() -> str:
    """What a pickled configuration is made of: values by place, without their names."""
    sections = get_type_hints(Config).items()
    names = [
        f"{section}.{field.name}"
        for section, kind in sections
        if is_dataclass(kind)
        for field in fields(kind)
    ]
    return sha256(" ".join((*map(str, dict(sections)), *names)).encode()).hexdigest()


LAYOUT = _layout()


class Start(NamedTuple):
    """Tell a worker to start: the first message; the reply is None, or why it cannot serve.

    `replaces` says how the one before it ended. `layout` is the supervisor's: after an update of
    the program it may differ from the worker's, whose settings would then be mixed up.
    """

    config: Config
    number: int
    replaces: str | None
    layout: str = ""


class Prepare(NamedTuple):
    """Compile this configuration; the reply is a tuple of problems."""

    config: Config


class Apply(NamedTuple):
    """Go by the configuration that was prepared last; the reply is None."""


class ReloadRefused(NamedTuple):
    """Record that a reload was refused for these reasons; the reply is None."""

    problems: tuple[str, ...]


class Report(NamedTuple):
    """Report what is counted; the reply is a `Snapshot` of the worker's metrics."""


class Look(NamedTuple):
    """Report what is counted and what else there is to see; the reply is a pair of a `Snapshot` and
    a `GateStatus`.
    """


class LastWord(NamedTuple):
    """Tell what a worker had counted when nothing more could be added: its last message."""

    snapshot: Snapshot


class Channel:
    """Send and receive messages at one end. They are pickled: both ends are this program."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, end: socket.socket) -> "Channel":
        """Make a channel over one end of a socket pair, which it owns."""
        return cls(*await asyncio.open_unix_connection(sock=end))

    def post(self, message: object) -> None:
        """Send without waiting for the other end to read. Raises OSError where it is gone."""
        if self._writer.is_closing():  # uvloop raises RuntimeError
            raise BrokenPipeError
        data = pickle.dumps(message)
        self._writer.write(_LENGTH.pack(len(data)) + data)

    async def send(self, message: object) -> None:
        """Send, and wait while much is unread. Raises OSError where the other end is gone."""
        self.post(message)
        await self._writer.drain()

    async def close_with(self, last: object) -> None:
        """Send a last message, if somebody still listens, and close."""
        try:
            await self.send(last)
        except OSError:
            pass
        self.close()

    async def receive(self) -> Any:
        """Wait for the next message. Raises EOFError where the other end is gone."""
        try:
            (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
            return pickle.loads(await self._reader.readexactly(length))  # noqa: S301  # from ourselves
        except (asyncio.IncompleteReadError, ConnectionError):
            raise EOFError from None

    def close(self) -> None:
        """Close this end: the other one reads its end."""
        self._writer.close()
