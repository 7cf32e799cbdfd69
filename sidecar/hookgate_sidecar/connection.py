"""One connection from a sender: bytes in, deliveries to the gate, answers out in order.

`state.py` has the table of its states.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from math import inf

from hookgate.gate.answer import Answer
from hookgate.policy import Reason

from .admission import Place
from .intake import Intake
from .request import Request
from .shared import Shared
from .state import CLOSED, DRAINING, ENDED, EXCESS, LINGERING, OPEN
from .wire import LAST_CALL_SECONDS, Wire
from .writer import CONTINUE


class Connection(asyncio.Protocol):
    """Serve one connection, from when HTTP begins on it; it holds its place from then on.

    `deadline` is when to ask it to `expire`, by the loop's clock, which it may do or put off.
    """

    def __init__(
        self, shared: Shared, place: Place, transport: asyncio.Transport, scheme: bytes
    ) -> None:
        self.deadline = inf
        self._shared = shared
        self._settings = shared.settings
        self._loop = shared.loop
        self._place = place
        self._wire = Wire(transport, shared.loop, tls=scheme == b"https")
        if shared.draining:
            self._wire.advance(DRAINING)
        exceed = partial(self._wire.advance, EXCESS)
        self._intake = Intake(shared, place, scheme, self._restart_deadline, exceed)
        self._reader = self._intake.reader
        self._requests = self._intake.requests
        self._writing_paused = False
        self._idle_limit = self._settings.head_timeout  # until an answer was written
        self._restart_deadline()
        place.holder = self

    def refuse(self, reason: Reason, detail: str) -> None:
        """Answer the first request with this, whatever it is, and no other."""
        request = self._reader.begin()
        request.refuse(reason, detail)
        self._write(request)
        self._end(self._wire.linger)

    # asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        if self._wire.state >= LINGERING:
            self._wire.drop(data)
            return
        try:
            request = self._intake.recall(data)
            if request is None:
                self._intake.read(data)
            elif request.answer is None and not (self._writing_paused or self._shared.stopped):
                request.start(self._answered)
                return
            self._pump()
        except Exception as error:  # noqa: BLE001  # fails closed
            self._fault(error)

    def eof_received(self) -> bool:
        if self._wire.state >= LINGERING or not self._requests or self._wire.tls:
            return False  # what ends TLS ends it both ways here
        self._intake.end()
        if not self._requests:
            return False
        # A sender may close its side after its last request and still wait for the answer.
        self._wire.advance(ENDED)
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        if self._wire.state == CLOSED:
            return  # it was told already
        self._wire.lose()
        self._intake.close()
        self._shared.admission.release(self._place)

    def pause_writing(self) -> None:
        self._writing_paused = True
        self._restart_deadline()

    def resume_writing(self) -> None:
        self._writing_paused = False
        self._restart_deadline()
        self._pump()

    # what the server and the admission ask

    def expire(self, now: float) -> None:
        """End what has taken too long by now: the head, the body, keep-alive or lingering."""
        self.deadline = self._waiting_since + self._time_limit()
        if self.deadline > now:
            return
        self.deadline = inf
        if self._wire.state >= LINGERING or self._writing_paused:
            self._wire.abort()  # also a sender that does not read its answers
        elif (request := self._reader.give_up()) is not None:
            request.refuse(Reason.BODY_TIMEOUT if request.head_complete else Reason.HEAD_TIMEOUT)
            self._pump()
        else:
            self._end(self._wire.close)

    def drain(self) -> None:
        """Finish what was begun, then close; soon if nothing was."""
        self._wire.advance(DRAINING)
        if not self._requests and self._wire.state < LINGERING:
            self._restart_deadline()

    def note_standing(self) -> None:
        """Read on as one of another standing."""
        self._intake.note_standing()

    def give_way(self) -> None:
        """Close now, in favour of others; what was begun is told why, if it reads on."""
        request = self._reader.give_up()
        if self._wire.state >= LINGERING or self._wire.unsent:
            self._wire.abort()
            return
        if request is not None:
            request.refuse(Reason.OVERLOADED)
            self._write(request)
        self._end(self._wire.close_at_once)

    def cut(self) -> None:
        """Close now: the drain is over."""
        self._wire.abort()

    # answering

    def _pump(self) -> None:
        """Answer what can be answered, in order; start the next delivery; read on."""
        wire, requests, reader = self._wire, self._requests, self._reader
        try:
            while not self._writing_paused:
                if requests:
                    request = requests[0]
                    if request.answer is not None:
                        self._finish(request)
                        continue
                    if request.complete and not request.started and not self._shared.stopped:
                        request.start(self._answered)
                    elif request.expects:
                        request.expects = False
                        wire.transport.write(CONTINUE)
                if not reader.unparsed or len(requests) > 1:
                    break
                if reader.exhausted:
                    wire.yield_turn(self._read_on)
                    break
                self._intake.read_on()
            backlog = len(requests) > 1 or self._writing_paused
            if backlog is not wire.backlogged and wire.state < LINGERING:
                wire.hold_back(backlog)
                self._restart_deadline()
        except Exception as error:  # noqa: BLE001  # fails closed
            self._fault(error)

    def _read_on(self) -> None:
        self._reader.begin_turn()
        self._pump()

    def _answered(self, answer: Answer) -> None:
        if self._requests:
            self._requests[0].answer = answer
            self._pump()

    def _finish(self, request: Request) -> None:
        state, requests = self._wire.state, self._requests
        last = len(requests) == 1 and (state > OPEN or self._reader.done)
        closing = last or not (request.complete and request.keep_alive)
        request.keep_alive = not closing
        self._write(request)
        self._idle_limit = self._settings.keep_alive
        requests.popleft()
        if not closing:
            self._restart_deadline()
            return
        self._intake.leave_all()
        if state == EXCESS:
            self._end(self._wire.close_at_once)
        elif state == ENDED or (request.complete and not self._reader.done):
            self._end(self._wire.close)
        else:
            self._end(self._wire.linger)

    def _write(self, request: Request) -> None:
        if request.answer is None or request.answered:
            return
        http10 = request.version == "1.0"
        data = self._shared.writer.render(request.answer, request.keep_alive, http10)
        request.answered = True
        self._wire.transport.write(data)

    # closing

    def _end(self, close: Callable[[], None]) -> None:
        """Read no further request, and have the wire close."""
        self._reader.give_up()
        self._restart_deadline()
        close()

    def _fault(self, error: Exception) -> None:
        """An exception in the sidecar: what has no answer yet ends as gate_error."""
        log_fault = self._shared.gate.log_fault
        log_fault("connection", error)
        for request in self._requests:
            if not request.delivery.committed:
                request.refuse(Reason.GATE_ERROR)
        try:
            if self._requests:
                self._requests[0].keep_alive = False
                self._write(self._requests[0])
            self._end(self._wire.close)
        except Exception as second:  # noqa: BLE001  # fails closed
            log_fault("connection", second)
            self._wire.abort()

    # deadlines

    def _restart_deadline(self) -> None:
        # What that may take is worked out by `expire`: seldom, where this is for each request.
        self._waiting_since = self.deadline = self._loop.time()

    def _time_limit(self) -> float:
        """How many seconds it may take for what it is at."""
        settings, state = self._settings, self._wire.state
        if state >= LINGERING:
            return self._wire.time_limit(settings.keep_alive)
        if self._writing_paused:
            return settings.keep_alive
        receiving = self._reader.receiving
        if receiving is not None and not self._wire.backlogged:
            return settings.body_timeout if receiving.head_complete else settings.head_timeout
        if self._requests:
            return inf  # the upstream has its own deadline
        return self._idle_limit if state == OPEN else min(self._idle_limit, LAST_CALL_SECONDS)
