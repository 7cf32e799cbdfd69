"""The seam that both fronts use: one delivery from its first header to its last record.

A front calls `Gate.begin` when a request starts to arrive, then on the `Delivery`

- `screen(head)` once the head is complete: an `Answer` refuses, None asks for the body;
- `deliver(body, done)` once the body is complete: `done(answer)` is called, then or later;
- or `refuse(reason)` for what only a front can see (broken HTTP, a time-out);
- `leave()` when the sender is gone.

None of these raises. Whatever goes wrong inside ends as `gate_error`, recorded, answered 503.
"""

import time
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING

from .answer import BARE_FAILURE, DELIVERED, Answer, make_answer
from .forwarding import relayed_fields, upstream_head
from .ledger.journal import LedgerUnavailableError
from .ledger.record import Ending, Event, Record, delivery_record, read_decided_event
from .policy import Decision, Head, Reason, Standing
from .upstream import Response

if TYPE_CHECKING:
    from .gate import Gate

Done = Callable[[Answer], None]


class Delivery:
    """One request. Ends exactly once, and its record is written before it is answered.

    `request_id` is unique over all boots.
    """

    __slots__ = (
        "_began",
        "_body",
        "_complete_at",
        "_decision",
        "_digest",
        "_done",
        "_ended",
        "_event",
        "_forwarded_at",
        "_gate",
        "_gone",
        "_peer",
        "_received",
        "_seq",
        "_terms",
        "_under_way",
        "_upstream_ms",
        "request_id",
    )

    def __init__(self, gate: "Gate", seq: int, peer: str) -> None:
        self._gate = gate
        self._terms = gate.terms
        self._seq = seq
        self._peer = peer
        self.request_id = f"{gate.boot}-{seq:x}"
        self._began = time.perf_counter()
        self._received = 0
        self._body: bytes | None = None
        self._complete_at = 0.0
        self._decision: Decision | None = None
        self._digest: str | None = None
        self._event: Event | None = None
        self._forwarded_at = 0.0
        self._upstream_ms: float | None = None
        self._done: Done | None = None
        self._under_way = False
        self._ended = False
        self._gone = False

    @property
    def ended(self) -> bool:
        """Whether its record is written; later calls change nothing."""
        return self._ended

    @property
    def max_body(self) -> int:
        """How many bytes of body are read for it at most."""
        return self._terms.policy.max_body

    @property
    def forwarded(self) -> bool:
        """Whether it went upstream: from then on it runs to its end, whoever leaves."""
        return self._forwarded_at > 0

    def screen(self, head: Head) -> Answer | None:
        """Decide on the head; None means the body is wanted."""
        try:
            self._decision = decision = self._terms.policy.screen(head)
            if decision.finding is None:
                self._under_way = True
                self._gate.under_way += 1
                return None
            return self._end(Ending(*decision.finding))
        except Exception as error:  # noqa: BLE001  # fails closed
            return self._fault("screen", error)

    def refuse(
        self, reason: Reason, received: int = 0, detail: str = "", *, answered: bool = True
    ) -> Answer:
        """End it for what the front saw.

        `received` is how many body bytes had arrived. `answered` is False where the front can
        only close the connection.
        """
        self._received = received
        self._gone = self._gone or not answered
        try:
            return self._end(Ending(reason, (detail,) if detail else ()))
        except Exception as error:  # noqa: BLE001  # fails closed
            return self._fault("refuse", error)

    def leave(self, received: int = 0) -> None:
        """The sender left: ends it unless it is on its way upstream."""
        self._gone = True
        if not self._ended and not self.forwarded:
            self.refuse(Reason.CLIENT_GONE, received)

    def deliver(self, body: bytes, done: Done) -> None:
        """Judge the body and send it upstream if it is clean; `done` gets the answer, once."""
        try:
            answer = self._judge_and_send(body, done)
        except Exception as error:  # noqa: BLE001  # fails closed
            answer = self._fault("deliver", error)
        if answer is not None:
            done(answer)

    def _judge_and_send(self, body: bytes, done: Done) -> Answer | None:
        gate, terms = self._gate, self._terms
        self._complete_at = time.perf_counter()
        self._body = body
        self._received = len(body)
        decision = terms.policy.complete(self._screened(), body)
        if decision.finding is not None:
            return self._end(Ending(*decision.finding))
        if decision.origin is None:
            raise RuntimeError("clean without an origin")
        head = upstream_head(decision.head, decision.origin, len(body), self.request_id, terms.host)
        self._event = read_decided_event(decision, terms.privacy)
        try:
            gate.journal.forward(
                {
                    "seq": self._seq,
                    "request_id": self.request_id,
                    "reference": self._event.reference,
                    "sha256": self._sha256(),
                }
            )
        except LedgerUnavailableError:
            return self._end(Ending(Reason.AUDIT_UNAVAILABLE))
        self._done = done
        self._forwarded_at = time.perf_counter()
        terms.upstream.send(head, body, self._finish)
        return None

    def _screened(self) -> Decision:
        if self._decision is None or self._decision.finding is not None or self._ended:
            raise RuntimeError("deliver without a passed screen")
        return self._decision

    def _finish(self, result: Response | Reason) -> None:
        done, self._done = self._done, None
        if done is None:
            return
        delivered = isinstance(result, Response) and 200 <= result.status < 300
        try:
            answer = self._conclude(result, delivered)
        except Exception as error:  # noqa: BLE001  # fails closed, but what arrived has arrived
            answer = self._fault("finish", error, Reason.CLEAN if delivered else Reason.GATE_ERROR)
        done(answer)

    def _conclude(self, result: Response | Reason, delivered: bool) -> Answer:
        self._upstream_ms = _milliseconds(self._forwarded_at)
        if isinstance(result, Reason):
            return self._end(Ending(result))
        if delivered:
            return self._end(Ending(Reason.CLEAN, upstream_status=result.status), DELIVERED)
        return self._end(
            Ending(Reason.UPSTREAM_REJECTED, upstream_status=result.status),
            Answer(result.status, relayed_fields(result.fields), result.body),
        )

    def _end(self, ending: Ending, answer: Answer | None = None) -> Answer:
        """Write the record and return the answer, which is ready before that."""
        if self._ended:
            raise RuntimeError("ended twice")
        gate, policy, foreign = self._gate, self._terms.policy, self._is_foreign()
        if answer is None:
            answer = make_answer(
                ending.reason, ending.details, self.request_id, policy.allow, foreign=foreign
            )
            if self._decision is not None and self._decision.head.method == b"HEAD":
                answer = answer._replace(body=b"")
        record = delivery_record(
            ending,
            self._decision,
            self._event or read_decided_event(self._decision, self._terms.privacy),
            seq=self._seq,
            front=gate.front,
            request_id=self.request_id,
            answered=ending.status is not None and not self._gone,
            peer=self._peer,
            size=self._received,
            sha256=self._sha256(),
            duration_ms=_milliseconds(self._began),
            upstream_ms=self._upstream_ms,
            policy=policy.fingerprint,
        )
        gate.journal.delivery(record, forwarded=self.forwarded, foreign=foreign)
        self._count(ending.reason, record["route"] or "", foreign=foreign)
        return answer

    def _count(self, reason: Reason, route: str = "", *, foreign: bool = False) -> None:
        self._ended = True
        self._gate.under_way -= self._under_way
        self._gate.ended[reason.outcome] += 1
        metrics = self._gate.metrics
        metrics.ended(reason, route, foreign=foreign)
        if self._complete_at:
            upstream = None if self._upstream_ms is None else self._upstream_ms / 1000
            metrics.took(time.perf_counter() - self._complete_at - (upstream or 0.0), upstream)

    def _fault(self, where: str, error: Exception, reason: Reason = Reason.GATE_ERROR) -> Answer:
        """Close after an exception: a record as full as can be made, and a safe answer."""
        gate = self._gate
        gate.log_fault(where, error)
        self._done = None
        answer = DELIVERED if reason is Reason.CLEAN else BARE_FAILURE
        if self._ended:
            return answer
        try:
            return self._end(Ending(reason))
        except Exception as second:  # noqa: BLE001  # fails closed
            gate.log_fault("record", second)
        record: Record = {
            "seq": self._seq,
            "request_id": self.request_id,
            "outcome": reason.outcome.value,
            "reason": reason.code,
            "status": reason.status,
        }
        try:
            gate.journal.delivery(record, forwarded=self.forwarded, foreign=False)
        except Exception as third:  # noqa: BLE001  # fails closed, even without a record
            gate.log_fault("journal", third)
        if not self._ended:
            self._count(reason)
        return answer

    def _is_foreign(self) -> bool:
        """Whether a stranger sent it: neither a full record nor a full answer is owed to one."""
        origin = self._decision.origin if self._decision is not None else None
        if origin is not None:
            return origin.finding is not None
        return self._terms.policy.standing(self._peer) is Standing.FOREIGN

    def _sha256(self) -> str | None:
        if self._digest is None and self._body is not None:
            self._digest = sha256(self._body).hexdigest()
        return self._digest


def _milliseconds(since: float) -> float:
    return round((time.perf_counter() - since) * 1000, 3)
