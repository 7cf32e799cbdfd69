"""How a delivery ends: its record is written, then it is answered. Whatever fails ends closed."""

from time import perf_counter

from hookgate.ledger.record import Ending, Record, end_record
from hookgate.near_misses.scoring import Suspect
from hookgate.near_misses.signs import Signs, cause
from hookgate.policy import Reason

from .answer import BARE_FAILURE, Answer, make_answer
from .faults import log_fault
from .state import DeliveryState, Desk

_FAULTED = Ending(Reason.GATE_ERROR)
_CLEAN = Reason.CLEAN  # a look-up on the class takes 0.1 us


def end(
    delivery: DeliveryState,
    ending: Ending,
    answer: Answer | None = None,
    *,
    deferred: bool = False,
) -> Answer:
    """Write the record and return the answer, which is ready before that.

    `deferred` writes it with this turn's lines, and answers after that. May raise, RuntimeError
    where it has ended; `end_faulted` is for what was raised.
    """
    if delivery.ended:
        raise RuntimeError("ended twice")
    desk, decision, screened = delivery.desk, delivery.decision, delivery.screened
    took = delivery.upstream_took
    foreign = (screened is None or screened.head_fields is None) and delivery.foreign
    if answer is None:
        allow = delivery.compiled.policy.allow
        answer = make_answer(
            ending.reason, ending.details, delivery.request_id, allow, foreign=foreign
        )
        if decision is not None and decision.head.method == b"HEAD":
            answer = answer._replace(body=b"")
    delivery.answer = answer
    if deferred:
        desk.turn.to_answer.append(delivery)
    now = perf_counter()
    near: Signs = ()
    if foreign:
        if (
            screened is not None
            and (suspect := screened.suspect) is not None
            and suspect.due <= desk.near_misses.now
        ):
            near = _score(desk, suspect)
        has_line = near and desk.near_misses.takes_line()
        if not has_line and desk.journal.sum_if_flooding(ending.reason, delivery.seq):
            _count(delivery, ending.reason, "", now, foreign=True)
            return answer
    record = delivery.record or delivery.begin_record()
    end_record(
        record,
        ending,
        decision,
        seq=delivery.seq,
        request_id=delivery.request_id,
        gone=delivery.gone,
        size=delivery.size,
        sha256=delivery.sha256,
        duration_ms=int((now - delivery.began) * 1e6) / 1e3,  # half the cost of round()
        upstream_ms=None if took is None else int(took * 1e6) / 1e3,
    )
    if near:
        record["near"] = [sign.value for sign in near]
    desk.journal.delivery(record, forwarded=delivery.forwarded_at > 0, deferred=deferred)
    if ending.reason is not _CLEAN:
        desk.undelivered.add(record, foreign=foreign)
    _count(delivery, ending.reason, record["route"] or "", now, foreign=foreign)
    return answer


def _score(desk: Desk, suspect: Suspect) -> Signs:
    signs = desk.near_misses.score(suspect)
    if signs:
        desk.counts.near_misses[cause(signs)] += 1
    return signs


def respond(delivery: DeliveryState) -> None:
    """Answer its front, once; what could not be recorded is refused, or delivered all the same and
    owed. Never raises.
    """
    done, delivery.done = delivery.done, None
    if done is None:
        return
    try:
        done(delivery.answer)
    except Exception as error:  # noqa: BLE001  # the others of this turn get their answers
        log_fault(delivery.desk.log, "answer", error)


def fail(delivery: DeliveryState, where: str, error: Exception) -> None:
    """End it for an exception in a stage of its turn, and answer. Never raises."""
    end_faulted(delivery, where, error)
    respond(delivery)


def end_faulted(
    delivery: DeliveryState,
    where: str,
    error: Exception,
    ending: Ending = _FAULTED,
    answer: Answer | None = None,
) -> Answer:
    """End it for an exception: a record as full as can be made, and a safe answer. Never raises.

    `ending` and `answer` are those of an event that has arrived.
    """
    desk = delivery.desk
    log_fault(desk.log, where, error)
    if delivery.ended:
        return delivery.answer
    try:
        return end(delivery, ending, answer)
    except Exception as second:  # noqa: BLE001  # fails closed
        log_fault(desk.log, "record", second)
    delivery.answer = answer or BARE_FAILURE
    reason = ending.reason
    record: Record = {
        "event": "delivery",
        "ts": "",
        "boot": desk.boot,
        "seq": delivery.seq,
        "request_id": delivery.request_id,
        "outcome": reason.outcome.value,
        "reason": reason.code,
        "status": delivery.answer.status,
    }
    try:
        desk.journal.delivery(record, forwarded=delivery.forwarded)
        if reason is not _CLEAN:
            desk.undelivered.add(record, foreign=False)
    except Exception as third:  # noqa: BLE001  # fails closed, even without a record
        log_fault(desk.log, "journal", third)
    if not delivery.ended:
        _count(delivery, reason, "", perf_counter(), foreign=False)
    return delivery.answer


def _count(
    delivery: DeliveryState, reason: Reason, contract: str, now: float, *, foreign: bool
) -> None:
    delivery.ended = True
    delivery.body = None
    counts = delivery.desk.counts
    if delivery.under_way:
        counts.under_way -= 1
    counts.buffered -= delivery.held
    took = delivery.upstream_took
    own = now - delivery.complete_at - (took or 0.0) if delivery.complete_at else None
    counts.add_ended(reason, contract, own, took, foreign=foreign)
