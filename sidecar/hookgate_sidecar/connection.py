"""One connection from a sender: bytes in, deliveries to the gate, answers out in order."""

import asyncio
from collections import deque
from math import inf
from typing import TYPE_CHECKING

from hookgate.gate.answer import Answer
from hookgate.policy import Reason, Standing

from .admission import Place
from .reader import Reader, Request

if TYPE_CHECKING:
    from .server import Server

# A sender that is refused while it still sends must see the answer, not a reset: what comes is
# read and dropped up to this much, for this long.
LINGER_BYTES = 8 * 1024 * 1024
LINGER_SECONDS = 2.0
# A request that was on its way when the drain began is still taken within this time.
LAST_CALL_SECONDS = 0.25
# What was written goes to the kernel at the end of the loop's turn.
_FLUSH_SECONDS = 0.001

Refusal = tuple[Reason, str]

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(asyncio.Protocol):
    """The server side of one connection.

    It holds its place from when HTTP begins. `deadline` is when to ask it to `expire`, which it may
    do or put off. A `refusal` is all that it will answer.
    """

    def __init__(
        self, server: "Server", place: Place, scheme: bytes, refusal: Refusal | None
    ) -> None:
        self.deadline = inf
        self.place = place
        self.scheme = scheme
        self._refusal = refusal
        self._server = server
        self._settings = server.settings
        self._loop = server.loop
        self._transport: asyncio.Transport | None = None
        self._queue: deque[Request] = deque()
        self._reader = Reader(server, self, self._queue, self._wait_anew)
        self._reading_paused = False
        self._resting = False
        self._writing_paused = False
        self._ended_by_sender = False
        self._draining = server.draining
        self._in_excess = False
        self._stopped = False
        self._answered_any = False
        self._lingering = False
        self._discarded = 0
        self._since = 0.0  # when it began to wait for what it waits for

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a TCP transport
        self.place.holder = self
        self._wait_anew()
        if self._refusal is not None:
            request = self._reader.begin()
            request.refuse(*self._refusal)
            self._write(request)
            self._linger()

    def data_received(self, data: bytes) -> None:
        if self._lingering:
            self._discarded += len(data)
            if self._discarded > LINGER_BYTES:
                self._abort()
            return
        try:
            request = self._reader.repeat(data)
            if request is None:
                self._reader.read(data)
            elif request.answer is None and not (self._writing_paused or self._stopped):
                self._start(request)
                return
            self._pump()
        except Exception as error:  # noqa: BLE001  # fails closed
            self._fault(error)

    def eof_received(self) -> bool:
        if self._lingering or not self._queue or self.scheme == b"https":
            return False  # what ends TLS ends it both ways here
        # A sender may close its side after its last request and still wait for the answer.
        self._ended_by_sender = True
        unfinished = self._reader.give_up()
        if unfinished is not None:
            unfinished.delivery.leave(unfinished.size)
            self._queue.remove(unfinished)
        return bool(self._queue)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        if self._transport is None:
            return  # it was told already
        self._transport = None
        for request in self._queue:
            request.delivery.leave(request.size)
        self._queue.clear()
        self._reader.close()
        self._server.forget(self.place)
        del self.place  # which refers to this, as in `Reader.close`

    def pause_writing(self) -> None:
        self._writing_paused = True
        self._wait_anew()

    def resume_writing(self) -> None:
        self._writing_paused = False
        self._wait_anew()
        self._pump()

    # what the server asks

    def expire(self, now: float) -> None:
        """End what has taken too long by now: the head, the body, keep-alive or lingering."""
        self.deadline = self._since + self._patience()
        if self.deadline > now:
            return
        self.deadline = inf
        if self._lingering or self._writing_paused:
            self._abort()  # also a sender that does not read its answers
        elif (request := self._reader.give_up()) is not None:
            request.refuse(Reason.BODY_TIMEOUT if request.head_complete else Reason.HEAD_TIMEOUT)
            self._pump()
        else:
            self._close()

    def drain(self) -> None:
        """Finish what was begun, then close; soon if nothing was."""
        self._draining = True
        if not self._queue and not self._lingering:
            self._wait_anew()

    def stand_anew(self) -> None:
        """Read on as one of another standing."""
        self._reader.stand(self.place)

    def stop_starting(self) -> None:
        """Only what is on its way upstream is still answered."""
        self._stopped = True

    def give_way(self) -> None:
        """Close now, in favour of others; what was begun is told why, if it reads on."""
        request = self._reader.give_up()
        if self._lingering or self._transport is None or self._transport.get_write_buffer_size():
            self._abort()
            return
        if request is not None:
            request.refuse(Reason.OVERLOADED)
            self._write(request)
        self._close_at_once()

    def cut(self) -> None:
        """Close now: the drain is over."""
        self._abort()

    # what the reader tells

    def count_as(self, standing: Standing) -> None:
        """Be counted by whose request it is, or might be."""
        if not self._server.admission.count_as(self.place, standing):
            self._in_excess = self._draining = True  # answered, and not waited for

    # answering

    def _pump(self) -> None:
        """Answer what can be answered, in order; start the next delivery; read on."""
        queue, reader = self._queue, self._reader
        try:
            while not self._writing_paused:
                if queue and self._transport is not None:
                    request = queue[0]
                    if request.answer is not None:
                        self._finish(request)
                        continue
                    if request.complete and not request.started and not self._stopped:
                        self._start(request)
                    elif request.expects:
                        request.expects = False
                        self._transport.write(_CONTINUE)
                if not reader.unfed or len(queue) > 1:
                    break
                if reader.tired:
                    self._rest()
                    break
                reader.read_on()
            if self._reading_paused != (len(queue) > 1 or self._writing_paused):
                self._apply_backpressure()
        except Exception as error:  # noqa: BLE001  # fails closed
            self._fault(error)

    def _rest(self) -> None:
        """Read on when others had their turn."""
        if not self._resting and self._transport is not None:
            self._resting = True
            if not self._reading_paused:
                self._transport.pause_reading()
            self._loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        self._resting = False
        self._reader.rest()
        if self._transport is not None:
            if not self._reading_paused:
                self._transport.resume_reading()
            self._pump()

    def _start(self, request: Request) -> None:
        request.started = True
        body, request.body = request.body, b""
        whole = body if type(body) is bytes else bytes(body)
        request.delivery.deliver(whole, self._answered)

    def _answered(self, answer: Answer) -> None:
        if self._queue:
            self._queue[0].answer = answer
            self._pump()

    def _finish(self, request: Request) -> None:
        ending = self._draining or self._ended_by_sender or self._reader.done
        closing = not (request.complete and request.keep_alive) or (
            ending and len(self._queue) == 1
        )
        request.keep_alive = not closing
        self._write(request)
        self._answered_any = True
        self._queue.popleft()
        if not closing:
            self._wait_anew()
            return
        for unanswered in self._queue:
            unanswered.delivery.leave(unanswered.size)
        self._queue.clear()
        if self._in_excess:
            self._close_at_once()
        elif self._ended_by_sender or (request.complete and not self._reader.done):
            self._close()
        else:
            self._linger()

    def _write(self, request: Request) -> None:
        if request.answer is None or request.answered or self._transport is None:
            return
        old = request.version == "1.0"
        data = self._server.writer.render(request.answer, request.keep_alive, old)
        request.answered = True
        self._transport.write(data)

    def _apply_backpressure(self) -> None:
        if self._transport is None or self._lingering:
            return
        self._reading_paused = not self._reading_paused
        if self._resting:
            pass  # it is paused until it reads on
        elif self._reading_paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
        self._wait_anew()

    def _wait_anew(self) -> None:
        # What that may take is worked out by `expire`: seldom, where this is for each request.
        self._since = self.deadline = self._loop.time()

    def _patience(self) -> float:
        """How many seconds it may take for what it is at."""
        settings = self._settings
        if self._lingering:
            transport = self._transport
            if transport and transport.is_closing() and transport.get_write_buffer_size():
                return settings.keep_alive  # who reads slowly gets the rest of the answer
            return LINGER_SECONDS
        if self._writing_paused:
            return settings.keep_alive
        if self._reader.receiving is not None and not self._reading_paused:
            in_body = self._reader.receiving.head_complete
            return settings.body_timeout if in_body else settings.head_timeout
        if self._queue:
            return inf  # the upstream has its own deadline
        seconds = settings.keep_alive if self._answered_any else settings.head_timeout
        return min(seconds, LAST_CALL_SECONDS) if self._draining else seconds

    # closing

    def _linger(self) -> None:
        self._lingering = True
        self._reader.give_up()
        self._wait_anew()
        if self._transport is not None:
            if self._reading_paused and not self._resting:
                self._transport.resume_reading()
            self._reading_paused = False
            if self._transport.can_write_eof():
                self._transport.write_eof()

    def _close(self) -> None:
        self._lingering = True
        self._reader.give_up()
        self._wait_anew()
        if self._transport is not None:
            self._transport.close()

    def _close_at_once(self) -> None:
        """Send what is written, and wait for nothing: the place is not its own any more."""
        self._close()
        if self.scheme == b"https":  # else it would wait until the peer ends TLS too
            self._loop.call_later(_FLUSH_SECONDS, self._abort)

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _fault(self, error: Exception) -> None:
        """An exception in this file: what has no answer yet ends as gate_error."""
        self._server.gate.log_fault("connection", error)
        for request in self._queue:
            if not request.delivery.forwarded:
                request.refuse(Reason.GATE_ERROR)
        try:
            if self._queue:
                self._queue[0].keep_alive = False
                self._write(self._queue[0])
            self._close()
        except Exception as second:  # noqa: BLE001  # fails closed
            self._server.gate.log_fault("connection", second)
            self._abort()
