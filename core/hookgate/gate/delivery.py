"""The seam that both fronts use: one delivery from its first header to its last record.

A front calls `Gate.begin` when a request starts to arrive, then on the `Delivery`

- `screen(head)` once the head is complete: an `Answer` refuses, None asks for the body;
  or `apply_screening(screened)` where the same head was screened before;
- `deliver(body, done)` once the body is complete: `done(answer)` is called later;
- or `refuse(reason)` for what only a front can see (broken HTTP, a time-out);
- `leave()` when the sender is gone.

What the quarantine keeps is asked for its body though its head is refused.

None of these raises. Whatever goes wrong inside ends as `gate_error`, recorded, answered 503.
"""

from collections.abc import Sequence
from time import perf_counter

from hookgate.ledger.record import Ending
from hookgate.policy import Head, Reason
from hookgate.quarantine.keeper import NotKept

from .answer import Answer
from .closing import end, end_faulted
from .judging import screen_head
from .state import DeliveryState, Done, Screened

# What a front says of a body that does not come whole, and that is no finding on the request.
_LEAVES_HEAD_REFUSED = frozenset((Reason.OVERLOADED, Reason.BODY_TIMEOUT, Reason.CLIENT_GONE))


class Delivery(DeliveryState):
    """One request. Ends exactly once, and its record is written before it is answered.

    For fronts beside the calls: `request_id`, `size`, `held`, `ended`, `foreign`, `committed`, and
    `screened`, for `apply_screening` once `screen` was called. Calls after its end change nothing.
    """

    __slots__ = ()

    @property
    def max_body(self) -> int:
        """How many bytes of body are read for it at most."""
        return self.compiled.policy.max_body

    def screen(self, head: Head, *, answered: bool = True) -> Answer | None:
        """Decide on the head; None means the body is wanted.

        `answered` is False where the front can only close the connection.
        """
        self.gone = self.gone or not answered
        try:
            return self.apply_screening(screen_head(self, head))
        except Exception as error:  # noqa: BLE001  # fails closed
            return end_faulted(self, "screen", error)

    def apply_screening(self, screened: Screened, values: Sequence[bytes] = ()) -> Answer | None:
        """Decide as for a head that was screened before, by the configuration that is in force.

        A front may do so where all that `make_head` is given is the same, but for `values` in the
        places of `screened.varying`.
        """
        self.screened = screened
        self.values = values
        self.decision = decision = screened.decision
        if decision.finding is None or screened.keeps:
            self.under_way = True
            self.desk.counts.under_way += 1
            return None
        try:
            return end(self, Ending(*decision.finding))
        except Exception as error:  # noqa: BLE001  # fails closed
            return end_faulted(self, "screen", error)

    def refuse(
        self, reason: Reason, received: int = 0, detail: str = "", *, answered: bool = True
    ) -> Answer:
        """End it for what the front saw.

        `received` is how many bytes of body had arrived. `answered` is False where the front can
        only close the connection.
        """
        self.size = received
        self.gone = self.gone or not answered
        try:
            return end(self, self._ending(reason, detail))
        except Exception as error:  # noqa: BLE001  # fails closed
            return end_faulted(self, "refuse", error)

    def _ending(self, reason: Reason, detail: str) -> Ending:
        """Return how it ends; where its head was refused, and its body only kept, as refused."""
        finding = self.decision.finding if self.decision is not None else None
        if finding is None or reason not in _LEAVES_HEAD_REFUSED:
            return Ending(reason, (detail,) if detail else ())
        self.record = self.begin_record()
        self.record["not_kept"] = NotKept.INCOMPLETE
        return Ending(*finding)

    def leave(self, received: int = 0) -> None:
        """End it as the sender left, unless it is upstream or being kept: then note that it did.

        `received` is how many bytes of body had arrived.
        """
        self.gone = True
        if not self.ended and not self.committed:
            self.refuse(Reason.CLIENT_GONE, received)

    def deliver(self, body: bytes, done: Done) -> None:
        """Judge the body and send it upstream if it is clean; `done` gets the answer, once."""
        self.complete_at = perf_counter()
        self.body = body
        self.size = len(body)
        self.done = done
        self.desk.turn.judge(self)
