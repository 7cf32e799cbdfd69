"""The one HTTP client that both fronts send with: pooled connections, one deadline, no retries."""

import asyncio
from math import inf

from hookgate.bounded_cache import BoundedCache
from hookgate.policy import Reason
from hookgate.settings import UpstreamSettings

from .connection import ResponseHandler, UpstreamConnection
from .dial import Dial, failure
from .endpoint import Endpoint
from .error import Failure, UpstreamError
from .lookup import Lookup
from .response import Response
from .waiting import WaitingRequest, WaitingRequests

# Common servers close an idle connection after 5 s (Node.js, uvicorn) or more; closing first
# means that none is picked which is about to go.
IDLE_SECONDS = 4.0
# A connection is not used again when it is as old; so the endpoint's name is looked up anew. Those
# that were made together end seconds apart, lest they are all made anew together.
MAX_AGE_SECONDS = 30.0
AGES_APART = 8
# Until sockets have been read: a timer that is set by one runs no earlier.
_READ_SECONDS = 0.01
# An upstream says the same again and again: whole answers that were read before are not parsed.
_MOST_KNOWN = 64


class UpstreamPool:
    """The connections to one upstream. Must be used from the event loop it is made in.

    Raises ValueError where TLS files cannot be used.
    """

    def __init__(self, settings: UpstreamSettings) -> None:
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._lookup = Lookup(Endpoint.of(settings))
        self._idle: list[UpstreamConnection] = []
        self._waiting = WaitingRequests()
        # Due no later than the first deadline: it serves all, where a timer set and cancelled for
        # each exchange cost 4 us.
        self._timer: asyncio.TimerHandle | None = None
        self._connecting: dict[asyncio.Task[None], Dial] = {}
        self._connected: set[UpstreamConnection] = set()
        self._reaper: asyncio.TimerHandle | None = None
        self._retired = False
        self._made = 0
        # Whole answers after which the connection stayed open, and what they meant.
        self.known = BoundedCache[bytes, Response](_MOST_KNOWN)

    @property
    def busy(self) -> bool:
        """Whether an exchange is under way."""
        return bool(self._waiting) or any(c.deadline < inf for c in self._connected)

    def retire(self) -> None:
        """Keep no connection from now on; what is under way goes on to its end."""
        self._retired = True
        self._close_idle()

    def send(self, request: bytes, handler: ResponseHandler) -> None:
        """Send a request; `handler.on_response` is called later with what came of it.

        The deadline covers waiting for a connection, connecting and the exchange.
        """
        now = self._loop.time()
        deadline = now + self._settings.timeout
        if self._timer is None:
            self._timer = self._loop.call_at(deadline, self._expire_overdue)
        oldest = now - IDLE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if connection.idle_since >= oldest and connection.is_usable():
                connection.begin(request, handler, deadline)
                return
            connection.close()
        self._waiting.append(WaitingRequest(request, handler, deadline))
        self._connect_if_needed()

    async def close(self) -> None:
        """Cut everything off; exchanges under way end as timed out."""
        for task in tuple(self._connecting):
            task.cancel()
        self._expire(inf, UpstreamError.CUT_OFF)
        for timer in (self._timer, self._reaper):
            if timer is not None:
                timer.cancel()
        if self._connecting:
            await asyncio.wait(self._connecting)

    def _close_idle(self) -> None:
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    @property
    def _open(self) -> int:
        return len(self._connecting) + len(self._connected)

    def _connect_if_needed(self) -> None:
        """Start a connection for each request that waits without one, while there is room."""
        for waiting in self._waiting:
            if self._open >= self._settings.max_connections:
                return
            if waiting.attempt is None:
                dial = Dial(self._lookup)
                waiting.attempt = task = self._loop.create_task(self._connect(dial))
                self._connecting[task] = dial
                task.add_done_callback(self._attempt_over)

    async def _connect(self, dial: Dial) -> None:
        connection = UpstreamConnection(self, self._settings.max_response)
        try:
            await dial.connect(lambda: connection)
        except (OSError, UnicodeError) as error:  # TLS, look-up and time-out errors are OSErrors
            self._give_up(failure(Reason.UPSTREAM_UNREACHABLE, error))
            return
        except asyncio.CancelledError:
            # uvloop closes a transport that was just made without telling its protocol.
            connection.close()
            self._forget(connection)
            raise
        if connection.is_usable():
            waiting = self._waiting.of(asyncio.current_task())
            if waiting is not None:
                waiting.attempt = None
            if self._waiting:
                self._serve_next(connection)
            else:
                self.release(connection)
        else:
            # It was reset as soon as it was accepted, or speaks before it is asked.
            failed = connection.failure_unused()
            connection.close()
            self._give_up(failed)

    def _attempt_over(self, attempt: asyncio.Task[None]) -> None:
        del self._connecting[attempt]
        self._connect_if_needed()

    def _give_up(self, failed: Failure) -> None:
        waiting = self._waiting.of(asyncio.current_task())
        if waiting is not None:
            self._waiting.remove(waiting)
            waiting.handler.on_response(failed)

    def release(self, connection: UpstreamConnection) -> None:
        """Take a connection back, for its next exchange."""
        if self._waiting or self._retired or connection.outlived:
            if self._waiting and not connection.outlived and connection.is_usable():
                self._serve_next(connection)
            else:
                connection.close()
            return
        connection.idle_since = self._loop.time()
        self._idle.append(connection)
        if self._reaper is None:
            self._reaper = self._loop.call_later(1.0, self._reap)

    def _serve_next(self, connection: UpstreamConnection) -> None:
        # Who waits longest; whom the connection was made for may need another.
        first = self._waiting.take_first()
        connection.attempt = first.attempt
        connection.begin(first.request, first.handler, first.deadline)

    def gained(self, connection: UpstreamConnection) -> None:
        """Note that a connection is made."""
        self._made += 1
        age = MAX_AGE_SECONDS - self._made % AGES_APART
        connection.aging = self._loop.call_later(age, self._outlive, connection)
        self._connected.add(connection)

    def _outlive(self, connection: UpstreamConnection) -> None:
        """Use it no more; an exchange that is under way goes on to its end."""
        connection.outlived = True
        if connection in self._idle:
            self._idle.remove(connection)
            connection.close()

    def lost(self, connection: UpstreamConnection) -> None:
        """Note that a connection is gone."""
        self._forget(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._connect_if_needed()

    def _forget(self, connection: UpstreamConnection) -> None:
        self._connected.discard(connection)
        if connection.aging is not None:
            connection.aging.cancel()

    def _expire_overdue(self) -> None:
        now = self._loop.time()
        if self._first_deadline() <= now:
            # This process may have been held up: what came in time is read before it is given up.
            self._timer = self._loop.call_later(_READ_SECONDS, self._expire_unanswered, now)
        else:
            self._wait_for_deadline()

    def _expire_unanswered(self, now: float) -> None:
        self._expire(now)
        self._wait_for_deadline()

    def _first_deadline(self) -> float:
        deadlines = [c.deadline for c in self._connected] + [w.deadline for w in self._waiting]
        return min(deadlines, default=inf)

    def _wait_for_deadline(self) -> None:
        first = self._first_deadline()
        self._timer = self._loop.call_at(first, self._expire_overdue) if first < inf else None

    def _expire(self, now: float, error: UpstreamError | None = None) -> None:
        """End what should have ended before this, with this cause or with what it waited for."""
        for waiting in [w for w in self._waiting if w.deadline <= now]:
            self._waiting.remove(waiting)
            waited = error or self._waits_for(waiting)
            if waiting.attempt is not None:
                waiting.attempt.cancel()
            waiting.handler.on_response(Failure(Reason.UPSTREAM_TIMEOUT, waited))
        for connection in [c for c in self._connected if c.deadline <= now]:
            waited = error or UpstreamError.TIMEOUT_ANSWER
            connection.end(Failure(Reason.UPSTREAM_TIMEOUT, waited))

    def _waits_for(self, waiting: WaitingRequest) -> UpstreamError:
        """Its own attempt, or else any: that those are slow is why there is no room."""
        dials = self._connecting
        dial = dials.get(waiting.attempt) if waiting.attempt else next(iter(dials.values()), None)
        return dial.stage.value if dial is not None else UpstreamError.TIMEOUT_POOL

    def _reap(self) -> None:
        oldest = self._loop.time() - IDLE_SECONDS
        for connection in [c for c in self._idle if c.idle_since < oldest]:
            self._idle.remove(connection)
            connection.close()
        self._reaper = self._loop.call_later(1.0, self._reap) if self._idle else None
