"""Looking up the upstream's name, without an event loop's thread pool.

A name server that does not answer holds a thread for ten seconds or more (resolv.conf(5)), one of
a broken resolver library for ever. The pools of uvloop and asyncio have few threads, share them
with everything else, and are waited for when the process ends.
"""

import asyncio
import errno
import os
import socket
import threading

from .endpoint import Endpoint

# What socket.connect() takes, and its family.
Address = tuple[
    socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
]

# A look-up that takes longer is asked again beside it.
_PATIENCE_SECONDS = 15.0
# As many may hang; what hangs for ever is a resolver that a restart of it does not wake.
_MOST_THREADS = 4


class Lookup:
    """The look-ups of one endpoint's host. All who ask while one is under way share it; nothing is
    kept.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._loop = asyncio.get_running_loop()
        self._begun = 0.0
        self._latest: asyncio.Future[list[Address]] | None = None
        self._threads = 0
        try:
            self._known: list[Address] = self._ask(socket.AI_NUMERICHOST)
        except (OSError, UnicodeError):
            self._known = []  # it is a name

    async def addresses(self) -> list[Address]:
        """Look up all addresses of the name.

        Raises OSError, and UnicodeError for what can be no name.
        """
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
            self.endpoint.host,
            self.endpoint.port,
            type=socket.SOCK_STREAM,
            proto=socket.IPPROTO_TCP,
            flags=flags,
        )
        return list(dict.fromkeys((family, address) for family, *_, address in found))


def _look_at(answer: "asyncio.Future[list[Address]]") -> None:
    if not answer.cancelled():
        answer.exception()  # nobody may wait for it any more
