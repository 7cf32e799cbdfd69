"""A worker as its supervisor sees it: a child process, and what it was asked."""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process, create_subprocess_exec
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, Self

from hookgate.gate.metrics import Snapshot
from hookgate.settings import Config

from .channel import Channel, LastWord, Look, Report

# What it said last may still be on its way when it is gone.
_LAST_WORD_SECONDS = 1.0


class WorkerProcess:
    """Speak with a worker's process. `on_message` is called whenever it says something.

    `config` is what it goes by, `last` what it had counted in the end.
    """

    def __init__(
        self,
        number: int,
        config: Config,
        process: Process,
        channel: Channel,
        on_message: Callable[["WorkerProcess"], None],
    ) -> None:
        self.number = number
        self.config = config
        self.last: Snapshot | None = None
        self.catching_up: asyncio.Task[None] | None = None
        self._process = process
        self._channel = channel
        self._on_message = on_message
        self._owed: deque[asyncio.Future[Any]] = deque()
        self._asked: dict[type[Report | Look], asyncio.Future[Any]] = {}
        self._listening = asyncio.ensure_future(self._listen())

    @classmethod
    async def spawn(
        cls,
        number: int,
        config: Config,
        listening: Sequence[socket.socket],
        on_message: Callable[["WorkerProcess"], None],
    ) -> Self:
        """Start one that may accept on these. Raises OSError where no process can be had."""
        ours, theirs = socket.socketpair()
        with ExitStack() as held:
            # Copies: whoever stops meanwhile closes the listening sockets.
            fds = [held.enter_context(theirs).fileno()]
            fds += [held.enter_context(sock.dup()).fileno() for sock in listening]
            channel = await Channel.over(ours)
            try:
                process = await create_subprocess_exec(
                    sys.executable,
                    *("-P", "-m", "hookgate_sidecar.worker"),
                    # The worker may be of a newer version, which goes by this order.
                    *map(str, (*fds[:2], os.getpid(), *fds[2:])),
                    pass_fds=fds,
                    stdin=DEVNULL,
                )
            except OSError:
                channel.close()
                raise
        return cls(number, config, process, channel, on_message)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def owes(self) -> bool:
        """Tell whether it owes an answer, or listens no more."""
        return bool(self._owed) or self._listening.done()

    def ask(self, message: object) -> "asyncio.Future[Any]":
        """Send a message and return the reply to come, which raises EOFError if it ends first."""
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        reply.add_done_callback(_look_at)
        try:
            if self._listening.done():
                raise BrokenPipeError
            self._channel.post(message)
        except OSError:
            reply.set_exception(EOFError())
        else:
            self._owed.append(reply)
        return reply

    def ask_once(self, message: Report | Look) -> "asyncio.Future[Any]":
        """Send a message, unless it owes the answer already, and return the reply to come."""
        kind = type(message)
        if kind not in self._asked or self._asked[kind].done():
            self._asked[kind] = self.ask(message)
        return self._asked[kind]

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it is there still."""
        if self._process.returncode is None:
            self._process.send_signal(number)

    async def end(self) -> str:
        """Wait until it is gone and its last word was read; returns how it ended, as "signal 9"."""
        status = await self._process.wait()
        await asyncio.wait((self._listening,), timeout=_LAST_WORD_SECONDS)
        self._listening.cancel()
        self._channel.close()
        return f"signal {-status}" if status < 0 else f"status {status}"

    async def _listen(self) -> None:
        try:
            while True:
                message = await self._channel.receive()
                self._on_message(self)
                if isinstance(message, LastWord):
                    self.last = message.snapshot
                elif self._owed:
                    reply = self._owed.popleft()
                    if not reply.done():
                        reply.set_result(message)
        except EOFError:
            pass
        except Exception:  # noqa: BLE001  # whatever it said, it is no worker of ours
            self.signal(signal.SIGKILL)
        finally:
            for reply in self._owed:
                if not reply.done():
                    reply.set_exception(EOFError())
            self._owed.clear()


def _look_at(reply: "asyncio.Future[Any]") -> None:
    if not reply.cancelled():
        reply.exception()  # nobody may wait for it any more
