"""One connection's requests as they come in: each head judged once, by its bytes or by a parser."""

from collections import deque
from collections.abc import Callable, Sequence

from hookgate.gate.delivery import Delivery
from hookgate.policy import Head, Reason, Standing, declared_length

from .admission import Place
from .head_cache import EMPTY_LINE, MAX_HEAD_BYTES
from .reader import Reader
from .request import Request, Sender
from .shared import Shared


class Intake:
    """Take a sender's bytes in, and screen its heads; `requests` are those without their answer.

    `on_progress` is called as the reader's, `on_excess` where whose request it is leaves no place
    for the connection.
    """

    def __init__(
        self,
        shared: Shared,
        place: Place,
        scheme: bytes,
        on_progress: Callable[[], None],
        on_excess: Callable[[], None],
    ) -> None:
        self.requests: deque[Request] = deque()
        self._shared = shared
        self._gate = shared.gate
        self._settings = shared.settings
        self._place = place
        self._on_excess = on_excess
        self._peer, self._proxied_for = place.peer, place.proxied_for
        self._sender = Sender(place.peer, place.proxied_for, scheme)
        self._longest = min(MAX_HEAD_BYTES, shared.settings.max_head) - len(EMPTY_LINE)
        self.reader = Reader(shared, self._sender, self.requests, on_progress, self._screen)
        self.note_standing()

    def note_standing(self) -> None:
        """Go by the standing that the connection has before HTTP."""
        standing, shared = self._place.before_http, self._shared
        self._heads = shared.foreign_heads if standing is Standing.FOREIGN else shared.heads
        # Each head names its client.
        self._proxied = standing is Standing.TRUSTED

    def recall(self, data: bytes) -> Request | None:
        """Begin a whole request with a known head; None, and nothing done, where `data` is none.

        Raises whatever a bug raises.
        """
        reader = self.reader
        if (
            self.requests
            or reader.receiving is not None
            or reader.framing_bytes
            or reader.unparsed
            or reader.done
        ):
            return None
        head, empty_line, body = data.partition(EMPTY_LINE)
        values: Sequence[bytes] = ()
        known = self._heads.get((self._sender, head))
        if known is None and empty_line and len(head) <= self._longest:
            known, values = self._heads.find(self._sender, head)
        if known is None or len(body) != known.length or not empty_line:
            return None
        gate, settings, screened = self._gate, self._settings, known.screened
        if (
            screened.compiled is not gate.desk.compiled
            or settings is not self._shared.settings
            or gate.counts.under_way >= settings.max_in_flight
            or gate.counts.buffered + 2 * known.length > settings.max_buffered
        ):
            return None
        delivery = gate.begin(self._peer, self._proxied_for)
        version = screened.decision.head.version
        request = Request(delivery, version, body, known.length, True)
        self.requests.append(request)
        request.answer = delivery.apply_screening(screened, values)
        if request.answer is None:
            delivery.held = known.length
            gate.counts.buffered += known.length
        if self._proxied:
            self._count_by_client(delivery)
        return request

    def read(self, data: bytes) -> None:
        """Parse what came, and learn the head of a whole request. Raises whatever a bug raises."""
        reader, requests = self.reader, self.requests
        between = not (
            requests or reader.receiving or reader.framing_bytes or reader.unparsed or reader.done
        )
        reader.read(data)
        if (
            between
            and len(requests) == 1
            and reader.receiving is None
            and not reader.done
            and self._settings is self._shared.settings
        ):
            self._heads.learn(self._sender, data, requests[0])
        if self._proxied:
            self._count_unnamed()

    def read_on(self) -> None:
        """Take in what the reader has put back. Raises whatever a bug raises."""
        self.reader.read_on()
        if self._proxied:
            self._count_unnamed()

    def end(self) -> None:
        """End the request that is not complete: no more of it will come."""
        unfinished = self.reader.give_up()
        if unfinished is not None:
            unfinished.delivery.leave(unfinished.size)
            self.requests.remove(unfinished)

    def close(self) -> None:
        """End what has no answer: the sender is gone."""
        self.leave_all()
        self.reader.close()
        del self._on_excess  # as in `Reader.close`

    def leave_all(self) -> None:
        """End what has no answer, unless it is on its way upstream."""
        for request in self.requests:
            request.delivery.leave(request.size)
        self.requests.clear()

    def _screen(self, request: Request, head: Head) -> None:
        """Judge a head, and refuse what there is no room for."""
        request.answer = request.delivery.screen(head)
        if self._proxied:
            self._count_by_client(request.delivery)
        gate, settings = self._gate, self._settings
        # No body may be larger than what it leaves free: however many large ones are held, there is
        # room for an event.
        if request.answer is None and (
            gate.counts.under_way > settings.max_in_flight
            or gate.counts.buffered + 2 * (declared_length(head) or 0) > settings.max_buffered
        ):
            request.refuse(Reason.OVERLOADED)

    def _count_by_client(self, delivery: Delivery) -> None:
        self._count_as(Standing.FOREIGN if delivery.foreign else Standing.ALLOWED)

    def _count_unnamed(self) -> None:
        """Count it as nobody's while a head comes in: whose it is will be there."""
        receiving = self.reader.receiving
        if receiving is not None and not receiving.head_complete:
            self._count_as(Standing.TRUSTED)

    def _count_as(self, standing: Standing) -> None:
        if not self._shared.admission.count_as(self._place, standing):
            self._on_excess()
