"""What a delivery waited for is there: the endpoint's answer, or word from the quarantine."""

from hookgate.ledger.record import Ending
from hookgate.policy import Reason
from hookgate.quarantine.keeper import Kept
from hookgate.upstream.error import Failure
from hookgate.upstream.response import Response

from .answer import BARE_UNRELAYED, DELIVERED, Answer, make_unrelayed, relay
from .closing import end, end_faulted, respond
from .keeping import end_kept, keep
from .state import DeliveryState
from .turn import Result

_CLEAN = Reason.CLEAN  # a look-up on the class takes 0.1 us
_DELIVERED = {status: Ending(_CLEAN, (), status) for status in range(200, 300)}


def conclude(delivery: DeliveryState, result: Result) -> None:
    """End it for what its upstream answered, or for what became of its body. Never raises."""
    if delivery.ended:
        return
    delivered = _DELIVERED.get(result.status)
    answer = BARE_UNRELAYED if delivery.relays else DELIVERED
    try:
        if answer is DELIVERED and delivered is not None:
            end(delivery, delivered, answer, deferred=True)
        elif isinstance(result, Kept):
            end_kept(delivery, result)
        elif isinstance(result, Response):
            answer = relay(result)
            if delivered is None:
                ending = Ending(Reason.UPSTREAM_REJECTED, (), result.status, answer.status)
                _end_failed(delivery, ending, answer)
            else:
                ending = Ending(_CLEAN, (), result.status, answer.status)
                end(delivery, ending, answer, deferred=True)
        else:
            _note_failure(delivery, result)
            if delivered is None:
                _end_failed(delivery, Ending(result.reason))
            else:
                answer = make_unrelayed(delivery.request_id)
                ending = Ending(_CLEAN, (), result.status, answer.status)
                end(delivery, ending, answer, deferred=True)
    except Exception as error:  # noqa: BLE001  # fails closed, but what arrived has arrived
        if delivered is None:
            end_faulted(delivery, "finish", error)
        else:
            ending = Ending(_CLEAN, (), result.status, answer.status)
            end_faulted(delivery, "finish", error, ending, answer)
        respond(delivery)


def _end_failed(delivery: DeliveryState, ending: Ending, answer: Answer | None = None) -> None:
    if delivery.compiled.keeps_failed:
        keep(delivery, ending, answer)
    else:
        end(delivery, ending, answer, deferred=True)


def _note_failure(delivery: DeliveryState, failed: Failure) -> None:
    delivery.desk.note_failure(failed, delivery.compiled)
    if delivery.record is not None:
        delivery.record["upstream_error"] = failed.error.word
