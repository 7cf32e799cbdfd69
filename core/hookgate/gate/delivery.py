"""The seam that both fronts use: one delivery from its first header to its last record.

A front calls `Gate.begin` when a request starts to arrive, then on the `Delivery`

- `screen(head)` once the head is complete: an `Answer` refuses, None asks for the body;
  or `repeat(screened)` where the same head was screened before;
- `deliver(body, done)` once the body is complete: `done(answer)` is called later;
- or `refuse(reason)` for what only a front can see (broken HTTP, a time-out);
- `leave()` when the sender is gone.

None of these raises. Whatever goes wrong inside ends as `gate_error`, recorded, answered 503.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from hookgate.digest import new_sha256
from hookgate.ledger.record import (
    Ending,
    Record,
    begin_record,
    end_record,
    forward_record,
    head_fields,
)
from hookgate.policy import Decision, Head, Origin, Reason
from hookgate.upstream.error import Failure
from hookgate.upstream.forwarding import relayed_fields, upstream_head, upstream_request
from hookgate.upstream.response import Response

from .answer import BARE_FAILURE, DELIVERED, Answer, make_answer

if TYPE_CHECKING:
    from .gate import Gate, Terms

Done = Callable[[Answer], None]

_CLEAN = Reason.CLEAN  # a look-up on the class takes 0.1 us
_DELIVERED = {status: Ending(_CLEAN, (), status) for status in range(200, 300)}


@dataclass(frozen=True, slots=True)
class Screened:
    """What `screen` made of a head by these terms; of one that passed, also what follows from it.

    It serves for every request with the same head from the same sender.
    """

    terms: "Terms"
    decision: Decision
    upstream_head: bytes | None = None
    outline: Record | None = None


class Delivery:
    """One request. Ends exactly once, and its record is written before it is answered.

    `request_id` is unique over all boots. `screened` is for `repeat`, once `screen` was called.
    `size` is how many bytes of body came; `held` how many of them the front counted in the gate's
    `buffered`, which its end takes off. `ended` says that its record is made; later calls change
    nothing.
    """

    __slots__ = (
        "_answer",
        "_began",
        "_body",
        "_complete_at",
        "_decision",
        "_digest",
        "_done",
        "_forwarded_at",
        "_gate",
        "_gone",
        "_peer",
        "_proxied_for",
        "_record",
        "_seq",
        "_terms",
        "_under_way",
        "_upstream_took",
        "ended",
        "held",
        "request_id",
        "screened",
        "size",
    )

    def __init__(self, gate: "Gate", seq: int, peer: str, proxied_for: str | None) -> None:
        self._gate = gate
        self._terms = gate.terms
        self._seq = seq
        self._peer = peer
        self._proxied_for = proxied_for
        self.request_id = f"{gate.boot}-{seq}"
        self.screened: Screened | None = None
        self._began = perf_counter()
        self.held = 0
        self.size = 0
        self._body: bytes | None = None
        self._complete_at = 0.0
        self._decision: Decision | None = None
        self._digest: str | None = None
        self._record: Record | None = None
        self._forwarded_at = 0.0
        self._upstream_took: float | None = None
        self._done: Done | None = None
        self._answer = BARE_FAILURE
        self._under_way = False
        self.ended = False
        self._gone = False

    @property
    def max_body(self) -> int:
        """How many bytes of body are read for it at most."""
        return self._terms.policy.max_body

    @property
    def forwarded(self) -> bool:
        """Whether it went upstream: from then on it runs to its end, whoever leaves."""
        return self._forwarded_at > 0

    def screen(self, head: Head, *, answered: bool = True) -> Answer | None:
        """Decide on the head; None means the body is wanted.

        `answered` is False where the front can only close the connection.
        """
        self._gone = self._gone or not answered
        try:
            return self.repeat(self._screen(head))
        except Exception as error:  # noqa: BLE001  # fails closed
            return self._fault("screen", error)

    def _screen(self, head: Head) -> Screened:
        terms = self._terms
        decision = terms.policy.screen(head)
        if decision.finding is not None:
            return Screened(terms, decision)
        if decision.origin is None:
            raise RuntimeError("passed without an origin")
        upstream = upstream_head(head, decision.origin, terms.host, terms.client_field)
        return Screened(terms, decision, upstream, self._outline(decision))

    def repeat(self, screened: Screened) -> Answer | None:
        """As `screen` of a head that was screened before, by the terms that are in force.

        A front may do so where all that `make_head` is given is the same.
        """
        self.screened = screened
        self._decision = decision = screened.decision
        if decision.finding is None:
            self._under_way = True
            self._gate.under_way += 1
            return None
        try:
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
        self.size = received
        self._gone = self._gone or not answered
        try:
            return self._end(Ending(reason, (detail,) if detail else ()))
        except Exception as error:  # noqa: BLE001  # fails closed
            return self._fault("refuse", error)

    def leave(self, received: int = 0) -> None:
        """The sender left: ends it unless it is on its way upstream."""
        self._gone = True
        if not self.ended and not self.forwarded:
            self.refuse(Reason.CLIENT_GONE, received)

    def deliver(self, body: bytes, done: Done) -> None:
        """Judge the body and send it upstream if it is clean; `done` gets the answer, once."""
        self._complete_at = perf_counter()
        self._body = body
        self.size = len(body)
        self._done = done
        self._gate.turn.judge(self)

    # What a turn of the event loop does once the body is complete, in this order; see `Turn`.

    def hash_body(self) -> None:
        """SHA-256 of what came, unless its head does not pass by the terms in force now."""
        if self._body is None:
            raise RuntimeError("judged without a body")
        if self._terms is not self._gate.terms and not self._screen_anew():
            return
        digest = new_sha256()
        digest.update(self._body)
        self._digest = digest.hexdigest()

    def _screen_anew(self) -> bool:
        if self.screened is None:
            raise RuntimeError("judged without a screen")
        self._terms = self._gate.terms
        self.screened = self._screen(self.screened.decision.head)
        self._decision = decision = self.screened.decision
        if decision.finding is None:
            return True
        self._end(Ending(*decision.finding), later=True)
        return False

    def parse(self) -> None:
        """Is the body a document?"""
        if self.screened is None or self.screened.upstream_head is None or self._body is None:
            raise RuntimeError("judged without a passed screen")
        self._decision = self._terms.policy.parse(self.screened.decision, self._body)

    def validate(self) -> None:
        """Does the document keep the contract?"""
        if self._decision is not None:
            self._terms.policy.validate(self._decision)

    def read_event(self) -> None:
        """What is recorded of the document, which may take 70 times its text: it goes here."""
        self._record = self._begin_record()
        if self._decision is not None:
            self._decision.body = self._decision.document = None

    def proceed(self) -> None:
        """End it for what was found, or have it written that it goes upstream."""
        decision, record, digest = self._decision, self._record, self._digest
        if decision is None or record is None or digest is None:
            raise RuntimeError("proceeds without being judged")
        if decision.finding is not None:
            self._end(Ending(*decision.finding), later=True)
            return
        gate = self._gate
        line = forward_record(gate.boot, self._seq, self.request_id, record["reference"], digest)
        gate.journal.forward(line)
        gate.turn.to_send.append(self)
        self._forwarded_at = perf_counter()

    def fail(self, where: str, error: Exception) -> None:
        """Close after an exception in one of these."""
        self._fault(where, error)
        self.give()

    def send(self, *, written: bool) -> None:
        """The `forward` line is written, or could not be."""
        screened, body = self.screened, self._body
        try:
            if not written:
                self._forwarded_at = 0.0
                self._end(Ending(Reason.AUDIT_UNAVAILABLE))
                self.give()
            elif screened is not None and screened.upstream_head is not None and body is not None:
                request = upstream_request(screened.upstream_head, body, self.request_id)
                self._body = None
                self._terms.upstream.send(request, self)
        except Exception as error:  # noqa: BLE001  # fails closed
            self._fault("send", error)
            self.give()

    def finish(self, result: Response | Failure) -> None:
        """Called by the upstream."""
        self._upstream_took = perf_counter() - self._forwarded_at
        turn = self._gate.turn
        turn.to_conclude.append((self, result))
        if not turn.ending:
            turn.end_soon()

    def conclude(self, result: Response | Failure) -> None:
        """Called by the gate at the end of the turn in which the upstream answered."""
        if self.ended:
            return
        delivered = _DELIVERED.get(result.status) if isinstance(result, Response) else None
        try:
            if delivered is not None:
                self._end(delivered, DELIVERED, later=True)
            elif isinstance(result, Response):
                ending = Ending(Reason.UPSTREAM_REJECTED, (), result.status)
                answer = Answer(result.status, relayed_fields(result.fields), result.body)
                self._end(ending, answer, later=True)
            else:
                self._gate.note_failure(result, self._terms)
                if self._record is not None:
                    self._record["upstream_error"] = result.error.word
                self._end(Ending(result.reason), later=True)
        except Exception as error:  # noqa: BLE001  # fails closed, but what arrived has arrived
            self._fault("finish", error, Reason.GATE_ERROR if delivered is None else _CLEAN)
            self.give()

    def _end(self, ending: Ending, answer: Answer | None = None, *, later: bool = False) -> Answer:
        """Write the record and return the answer, which is ready before that.

        `later` writes it with this turn's, and gives the answer to `done` after that.
        """
        if self.ended:
            raise RuntimeError("ended twice")
        gate, terms, decision, screened = self._gate, self._terms, self._decision, self.screened
        took = self._upstream_took
        foreign = (screened is None or screened.outline is None) and self.foreign
        if answer is None:
            answer = make_answer(
                ending.reason, ending.details, self.request_id, terms.policy.allow, foreign=foreign
            )
            if decision is not None and decision.head.method == b"HEAD":
                answer = answer._replace(body=b"")
        self._answer = answer
        if later:
            gate.turn.to_answer.append(self)
        now = perf_counter()
        if foreign and gate.journal.sum_if_flooding(ending.reason, self._seq):
            self._count(ending.reason, "", now, foreign=True)
            return answer
        record = self._record or self._begin_record()
        end_record(
            record,
            ending,
            decision,
            seq=self._seq,
            request_id=self.request_id,
            gone=self._gone,
            size=self.size,
            sha256=self._digest,
            duration_ms=int((now - self._began) * 1e6) / 1e3,  # half the cost of round()
            upstream_ms=None if took is None else int(took * 1e6) / 1e3,
        )
        gate.journal.delivery(record, forwarded=self._forwarded_at > 0, deferred=later)
        self._count(ending.reason, record["route"] or "", now, foreign=foreign)
        return answer

    def _begin_record(self) -> Record:
        decision, screened = self._decision, self.screened
        known = screened.outline if screened is not None else None
        return begin_record(known or self._outline(decision), decision, self._terms.privacy)

    def _outline(self, decision: Decision | None) -> Record:
        gate, policy = self._gate, self._terms.policy
        origin = self._known_origin() if decision is None else decision.origin
        return head_fields(decision, origin, self._peer, gate.boot, gate.front, policy.fingerprint)

    def give(self) -> None:
        """Answer; what could not be recorded is refused or delivered all the same, and owed."""
        done, self._done = self._done, None
        if done is None:
            return
        try:
            done(self._answer)
        except Exception as error:  # noqa: BLE001  # the others of this turn get their answers
            self._gate.log_fault("answer", error)

    def _count(self, reason: Reason, route: str, now: float, *, foreign: bool) -> None:
        self.ended = True
        self._body = None
        gate = self._gate
        gate.under_way -= self._under_way
        gate.buffered -= self.held
        took = self._upstream_took
        own = now - self._complete_at - (took or 0.0) if self._complete_at else None
        gate.metrics.ended(reason, route, own, took, foreign=foreign)

    def _fault(self, where: str, error: Exception, reason: Reason = Reason.GATE_ERROR) -> Answer:
        """Close after an exception: a record as full as can be made, and a safe answer."""
        gate = self._gate
        gate.log_fault(where, error)
        if self.ended:
            return self._answer
        try:
            return self._end(Ending(reason), DELIVERED if reason is _CLEAN else None)
        except Exception as second:  # noqa: BLE001  # fails closed
            gate.log_fault("record", second)
        self._answer = DELIVERED if reason is _CLEAN else BARE_FAILURE
        record: Record = {
            "event": "delivery",
            "ts": "",
            "boot": gate.boot,
            "seq": self._seq,
            "request_id": self.request_id,
            "outcome": reason.outcome.value,
            "reason": reason.code,
            "status": reason.status,
        }
        try:
            gate.journal.delivery(record, forwarded=self.forwarded)
        except Exception as third:  # noqa: BLE001  # fails closed, even without a record
            gate.log_fault("journal", third)
        if not self.ended:
            self._count(reason, "", perf_counter(), foreign=False)
        return self._answer

    @property
    def foreign(self) -> bool:
        """Whether its client is not known to be allowed: then neither a full record nor a full
        answer is owed.
        """
        decision = self._decision
        origin = self._known_origin() if decision is None else decision.origin
        return origin is None or origin.finding is not None

    def _known_origin(self) -> Origin | None:
        return self._terms.policy.known_origin(self._peer, self._proxied_for)


JUDGING = (
    Delivery.hash_body,
    Delivery.parse,
    Delivery.validate,
    Delivery.read_event,
    Delivery.proceed,
)
