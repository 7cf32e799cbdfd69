"""The upstream client by itself, played with inside an event loop of the test's choice."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from hookgate.policy import Reason
from hookgate.settings import UpstreamSettings
from hookgate.upstream.error import Failure
from hookgate.upstream.pool import UpstreamPool
from hookgate.upstream.response import Response

T = TypeVar("T")
Result = Response | Reason
BODY = b"{}"
HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"

# A deadline that no exchange meets on a busy machine either, and one to be waited for.
SETTINGS = UpstreamSettings(
    url="",
    host="preserve",
    timeout=10.0,
    max_connections=4,
    max_response=64 * 1024,
    ca_file="",
    client_cert="",
    client_key="",
    sign_key_file="",
    sign_keys=(),
)
HURRIED = replace(SETTINGS, timeout=0.6)
# Seconds that nobody needs who does not wait for the deadline.
AT_ONCE = SETTINGS.timeout / 2


@dataclass
class Handler:
    """Whom an upstream tells what came of a request: passes on an answer or a failure's reason."""

    then: Callable[[Result], None]
    failures: list[Failure] = field(default_factory=list)
    relays: bool = False

    def on_response(self, came: Response | Failure, /) -> None:
        """What the upstream calls."""
        if isinstance(came, Failure):
            self.failures.append(came)
            self.then(came.reason)
        else:
            self.then(came)


class Sender:
    """Sends through one `UpstreamPool` and notes every call of `on_response`, and the failures."""

    def __init__(self, upstream: UpstreamPool) -> None:
        self.upstream = upstream
        self.results: list[Result] = []
        self.failures: list[Failure] = []

    def begin(self, body: bytes = BODY, *, relays: bool = False) -> asyncio.Future[Result]:
        """Send; the future fails where `on_response` is called twice."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        head = HEAD.replace(b"Length: 2", b"Length: %d" % len(body))

        def finish(result: Result) -> None:
            self.results.append(result)
            future.set_result(result)

        self.upstream.send(head + body, Handler(finish, self.failures, relays))
        return future


def run(
    runner: asyncio.Runner,
    url: str,
    play: Callable[[Sender], Awaitable[T]],
    settings: UpstreamSettings = SETTINGS,
) -> T:
    """Play with a sender to this URL; the client must close and leave nothing open."""

    async def main() -> T:
        upstream = UpstreamPool(replace(settings, url=url))
        try:
            return await play(Sender(upstream))
        finally:
            await upstream.close()
            for _ in range(100):
                if upstream._open:
                    await asyncio.sleep(0.01)
            assert upstream._open == 0
            assert not upstream.busy

    return runner.run(main())


async def once(sender: Sender) -> Result:
    """One exchange's result."""
    return await sender.begin()


@contextmanager
def timed(low: float, high: float) -> Iterator[None]:
    """The block takes at least `low` and less than `high` seconds.

    uvloop counts whole milliseconds and looks at the clock once a turn.
    """
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    assert low - 0.01 <= took < high
