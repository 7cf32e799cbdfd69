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
from hashlib import sha256
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from .answer import BARE_FAILURE, DELIVERED, Answer, make_answer
from .forwarding import UpstreamHead, relayed_fields, upstream_head
from .ledger.record import (
    Ending,
    Event,
    HeadFacts,
    Record,
    delivery_record,
    forward_record,
    head_facts,
    read_decided_event,
)
from .policy import Decision, Head, Reason, Standing
from .upstream import Response

if TYPE_CHECKING:
    from .gate import Gate, Terms

Done = Callable[[Answer], None]

_CLEAN = Reason.CLEAN  # a look-up on the class takes 0.1 us


class Screened(NamedTuple):
    """What `screen` made of a head by these terms; of one that passed, also what follows from it.

    It serves for every request with the same head from the same sender.
    """

    terms: "Terms"
    decision: Decision
    upstream_head: UpstreamHead | None = None
    facts: HeadFacts | None = None


class Delivery:
    """One request. Ends exactly once, and its record is written before it is answered.

    `request_id` is unique over all boots. `screened` is for `repeat`, once `screen` was called.
    """

    __slots__ = (
        "_answer",
        "_answered_at",
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
        "screened",
    )

    def __init__(self, gate: "Gate", seq: int, peer: str) -> None:
        self._gate = gate
        self._terms = gate.terms
        self._seq = seq
        self._peer = peer
        self.request_id = f"{gate.boot}-{seq:x}"
        self.screened: Screened | None = None
        self._began = perf_counter()
        self._received = 0
        self._body: bytes | None = None
        self._complete_at = 0.0
        self._decision: Decision | None = None
        self._digest: str | None = None
        self._event: Event | None = None
        self._forwarded_at = 0.0
        self._answered_at = 0.0
        self._upstream_ms: float | None = None
        self._done: Done | None = None
        self._answer = BARE_FAILURE
        self._under_way = False
        self._ended = False
        self._gone = False

    @property
    def ended(self) -> bool:
        """Whether its record is made; later calls change nothing."""
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
            terms = self._terms
            decision = terms.policy.screen(head)
            if decision.finding is not None:
                return self.repeat(Screened(terms, decision))
            if decision.origin is None:
                raise RuntimeError("passed without an origin")
            upstream = upstream_head(head, decision.origin, terms.host)
            return self.repeat(
                Screened(terms, decision, upstream, head_facts(decision, self._peer))
            )
        except Exception as error:  # noqa: BLE001  # fails closed
            return self._fault("screen", error)

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
        self._complete_at = perf_counter()
        self._body = body
        self._received = len(body)
        self._done = done
        self._gate.judge_soon(self)

    def judge(self) -> None:
        """Called by the gate at the end of the turn."""
        if self._ended:  # the sender left within the turn
            self._give()
            return
        try:
            terms, screened, body = self._terms, self.screened, self._body
            if screened is None or screened.upstream_head is None or body is None:
                raise RuntimeError("deliver without a passed screen")
            self._digest = digest = sha256(body).hexdigest()
            self._decision = decision = terms.policy.complete(screened.decision, body)
            if decision.finding is not None:
                self._end(Ending(*decision.finding), later=True)
                return
            self._event = event = read_decided_event(decision, terms.privacy)
            gate = self._gate
            line = forward_record(
                boot=gate.boot,
                seq=self._seq,
                request_id=self.request_id,
                reference=event.reference,
                sha256=digest,
            )
            gate.journal.forward(line, self._send)
            self._forwarded_at = perf_counter()
        except Exception as error:  # noqa: BLE001  # fails closed
            self._fault("deliver", error)
            self._give()

    def _send(self, written: bool) -> None:
        """The `forward` line is written, or could not be."""
        screened, body = self.screened, self._body
        try:
            if not written:
                self._forwarded_at = 0.0
                self._end(Ending(Reason.AUDIT_UNAVAILABLE))
                self._give()
            elif screened is not None and screened.upstream_head is not None and body is not None:
                head = screened.upstream_head.render(len(body), self.request_id)
                self._terms.upstream.send(head, body, self._finish)
        except Exception as error:  # noqa: BLE001  # fails closed
            self._fault("send", error)
            self._give()

    def _finish(self, result: Response | Reason) -> None:
        self._answered_at = perf_counter()
        self._gate.conclude_soon(self, result)

    def conclude(self, result: Response | Reason) -> None:
        """Called by the gate at the end of the turn in which the upstream answered."""
        if self._ended:
            return
        delivered = isinstance(result, Response) and 200 <= result.status < 300
        try:
            self._upstream_ms = _milliseconds(self._answered_at - self._forwarded_at)
            if isinstance(result, Reason):
                self._end(Ending(result), later=True)
            elif delivered:
                self._end(Ending(_CLEAN, (), result.status), DELIVERED, later=True)
            else:
                ending = Ending(Reason.UPSTREAM_REJECTED, (), result.status)
                answer = Answer(result.status, relayed_fields(result.fields), result.body)
                self._end(ending, answer, later=True)
        except Exception as error:  # noqa: BLE001  # fails closed, but what arrived has arrived
            self._fault("finish", error, _CLEAN if delivered else Reason.GATE_ERROR)
            self._give()

    def _end(self, ending: Ending, answer: Answer | None = None, *, later: bool = False) -> Answer:
        """Write the record and return the answer, which is ready before that.

        `later` writes it with this turn's, and gives the answer to `done` after that.
        """
        if self._ended:
            raise RuntimeError("ended twice")
        gate, terms, decision, screened = self._gate, self._terms, self._decision, self.screened
        facts = screened.facts if screened is not None else None
        foreign = facts is None and self._is_foreign()
        if answer is None:
            answer = make_answer(
                ending.reason, ending.details, self.request_id, terms.policy.allow, foreign=foreign
            )
            if decision is not None and decision.head.method == b"HEAD":
                answer = answer._replace(body=b"")
        self._answer = answer
        if foreign and gate.journal.count_stranger(ending.reason, self._seq):
            self._count(ending.reason, foreign=True)
            return answer
        record = delivery_record(
            ending,
            decision,
            self._event or read_decided_event(decision, terms.privacy),
            facts or head_facts(decision, self._peer),
            boot=gate.boot,
            seq=self._seq,
            front=gate.front,
            request_id=self.request_id,
            gone=self._gone,
            size=self._received,
            sha256=self._digest,
            duration_ms=_milliseconds(perf_counter() - self._began),
            upstream_ms=self._upstream_ms,
            policy=terms.policy.fingerprint,
        )
        then = self._give if later else None
        gate.journal.delivery(record, forwarded=self._forwarded_at > 0, then=then)
        self._count(ending.reason, record["route"] or "", foreign=foreign)
        return answer

    def _give(self, _written: bool = True) -> None:
        """Answer; what could not be recorded is refused or delivered all the same, and owed."""
        done, self._done = self._done, None
        if done is None:
            return
        try:
            done(self._answer)
        except Exception as error:  # noqa: BLE001  # the others of this turn get their answers
            self._gate.log_fault("answer", error)

    def _count(self, reason: Reason, route: str = "", *, foreign: bool = False) -> None:
        self._ended = True
        self._gate.under_way -= self._under_way
        upstream = None if self._upstream_ms is None else self._upstream_ms / 1000
        own = perf_counter() - self._complete_at - (upstream or 0.0) if self._complete_at else None
        self._gate.metrics.ended(reason, route, own, upstream, foreign=foreign)

    def _fault(self, where: str, error: Exception, reason: Reason = Reason.GATE_ERROR) -> Answer:
        """Close after an exception: a record as full as can be made, and a safe answer."""
        gate = self._gate
        gate.log_fault(where, error)
        if self._ended:
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
        if not self._ended:
            self._count(reason)
        return self._answer

    def _is_foreign(self) -> bool:
        """Whether a stranger sent it: neither a full record nor a full answer is owed to one."""
        origin = self._decision.origin if self._decision is not None else None
        if origin is not None:
            return origin.finding is not None
        return self._terms.policy.standing(self._peer) is Standing.FOREIGN


def _milliseconds(seconds: float) -> float:
    return int(seconds * 1e6) / 1e3  # half the cost of round()
