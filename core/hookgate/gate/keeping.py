"""What is not delivered goes to the quarantine: kept first, then recorded, then answered."""

from dataclasses import replace
from http import HTTPStatus
from time import time

from hookgate.ledger.record import Ending, end_record
from hookgate.policy import Outcome, Reason
from hookgate.quarantine.item import Item
from hookgate.quarantine.keeper import Kept

from .answer import DELIVERED, Answer, make_answer
from .closing import end
from .state import DeliveryState, Keeping


def keep(delivery: DeliveryState, ending: Ending, answer: Answer | None = None) -> None:
    """Have its body kept; word of that ends it in this way, whoever leaves. May raise."""
    keeper, decision = delivery.desk.keeper, delivery.decision
    head, body = delivery.head, delivery.body
    if keeper is None or decision is None or decision.origin is None or head is None:
        raise RuntimeError("kept without a quarantine, or a head")
    if body is None or delivery.sha256 is None:
        raise RuntimeError("kept without a body")
    route = decision.route
    asked = route is not None and route.verifier is not None
    signed = decision.signed is not None if asked else None
    item = Item(head, body, decision.origin, delivery.request_id, time(), signed)
    delivery.record = delivery.record or delivery.begin_record()
    delivery.keeping = Keeping(ending, answer)
    delivery.body = None
    record = delivery.record.copy()
    end_record(
        record,
        ending,
        decision,
        seq=delivery.seq,
        request_id=delivery.request_id,
        gone=delivery.gone,
        size=delivery.size,
        sha256=delivery.sha256,
        duration_ms=None,
        upstream_ms=None,
    )
    if _has_custody(delivery, ending):
        record["custody"] = True
    keeper.keep(item, record, delivery.on_kept)


def end_kept(delivery: DeliveryState, kept: Kept) -> None:
    """End it, now that its body is kept or cannot be. May raise."""
    record, keeping = delivery.record, delivery.keeping
    if record is None or keeping is None:
        raise RuntimeError("kept without being asked to")
    ending, answer = keeping
    if not kept.sha256:
        record["not_kept"] = kept.refusal
        end(delivery, ending, answer, deferred=True)
        return
    record["kept"] = kept.sha256
    if _has_custody(delivery, ending):
        record["custody"] = True
        end(delivery, replace(ending, status=HTTPStatus.OK.value), DELIVERED, deferred=True)
        delivery.desk.turn.to_send.append(delivery)  # to hear whether its line is written
    else:
        end(delivery, ending, answer, deferred=True)


def unrecorded(delivery: DeliveryState) -> Answer:
    """Make the answer to one that is kept, and of which no line says so: it has to come again."""
    return make_answer(Reason.AUDIT_UNAVAILABLE, (), delivery.request_id, "", foreign=False)


def _has_custody(delivery: DeliveryState, ending: Ending) -> bool:
    decision = delivery.decision
    route = decision.route if decision is not None else None
    return route is not None and route.custody and ending.reason.outcome is Outcome.REFUSED
