"""Looking up the upstream's name, without an event loop's thread pool.

A name server that does not answer holds a thread for ten seconds or more (resolv.conf(5)), one of
a broken resolver library for ever. The pools of uvloop and asyncio have few threads, share them
with everything else, and are waited for when the process ends.
"""

import asyncio
import errno
import os
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

# A numeric host and a port.
Address = tuple[str, int]
T = TypeVar("T")

# A look-up that takes longer is asked again beside it.
_PATIENCE_SECONDS = 15.0
# As many may hang; what hangs for ever is a resolver that a restart of it does not wake.
_MOST_THREADS = 4


class Lookup:
    """Looks up one host. All who ask while a look-up is under way share it; nothing is kept."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._loop = asyncio.get_running_loop()
        self._begun = 0.0
        self._latest: asyncio.Future[list[Address]] | None = None
        self._threads = 0
        try:
            self._known: list[Address] = self._ask(socket.AI_NUMERICHOST)
        except (OSError, UnicodeError):
            self._known = []  # it is a name

    async def connect(self, attempt: Callable[[str, int], Awaitable[T]]) -> T:
        """What `attempt` makes of the first address that takes a connection.

        Raises OSError: that of the look-up, of TLS or of the last address; and UnicodeError for a
        host that can be no name.
        """
        addresses = await self._addresses()
        for host, port in addresses[:-1]:
            try:
                return await attempt(host, port)
            except ssl.SSLError:
                raise  # it was reached
            except OSError:
                pass
        host, port = addresses[-1]
        return await attempt(host, port)

    async def _addresses(self) -> list[Address]:
        if self._known:
            return self._known
        now = self._loop.time()
        latest = self._latest
        if latest is None or latest.done() or self._should_ask_again(now):
            latest = self._latest = self._start()
            self._begun = now
        return await asyncio.shield(latest)

    def _should_ask_again(self, now: float) -> bool:
        return now - self._begun > _PATIENCE_SECONDS and self._threads < _MOST_THREADS

    def _start(self) -> "asyncio.Future[list[Address]]":
        answer: asyncio.Future[list[Address]] = self._loop.create_future()
        answer.add_done_callback(_look_at)
        # A daemon: the end of the process does not wait for it.
        thread = threading.Thread(target=self._run, args=(answer,), name="lookup", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None
        self._threads += 1
        return answer

    def _run(self, answer: "asyncio.Future[list[Address]]") -> None:
        found: list[Address] = []
        error: Exception | None = None
        try:
            found = self._ask(0)
        except Exception as raised:  # noqa: BLE001  # told to whoever waits
            error = raised
        try:
            self._loop.call_soon_threadsafe(self._conclude, answer, found, error)
        except RuntimeError:
            pass  # the loop is closed: nobody waits any more

    def _conclude(
        self,
        answer: "asyncio.Future[list[Address]]",
        found: list[Address],
        error: Exception | None,
    ) -> None:
        self._threads -= 1
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(found)

    def _ask(self, flags: int) -> list[Address]:
        found = socket.getaddrinfo(
            self._host, self._port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=flags
        )
        return [(str(address[0]), self._port) for *_, address in found]


def _look_at(answer: "asyncio.Future[list[Address]]") -> None:
    if not answer.cancelled():
        answer.exception()  # nobody may wait for it any more
