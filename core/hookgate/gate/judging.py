"""The stages that a delivery goes through in a turn once its body is complete, in their order."""

from time import perf_counter, time

from hookgate.digest import new_sha256
from hookgate.ledger.record import Ending, forward_record
from hookgate.near_misses.scoring import find_suspect
from hookgate.policy import Decision, Head, Reason
from hookgate.settings import AnswerMode
from hookgate.signing.sign import Signer
from hookgate.upstream.forwarding import upstream_head, upstream_request

from .closing import end, fail, respond
from .concluding import conclude
from .keeping import keep, unrecorded
from .state import DeliveryState, Screened
from .turn import Stages


def screen_head(delivery: DeliveryState, head: Head) -> Screened:
    """Decide on a head by the delivery's configuration. May raise."""
    compiled = delivery.compiled
    decision = compiled.policy.screen(head)
    if decision.finding is not None:
        suspect = find_suspect(compiled.policy, decision)
        return Screened(compiled, decision, keeps=compiled.may_keep(decision), suspect=suspect)
    if decision.origin is None:
        raise RuntimeError("passed without an origin")
    delivery.desk.near_misses.learn(head)
    signed = compiled.signer is not None
    upstream = upstream_head(
        head, decision.origin, compiled.host, compiled.client_field, signed=signed
    )
    relays = decision.route is not None and decision.route.answer is AnswerMode.RELAY
    return Screened(compiled, decision, upstream, delivery.head_fields(decision), relays)


def hash_body(delivery: DeliveryState) -> None:
    """Take the SHA-256 of what came, unless its head does not pass by what is in force now."""
    if delivery.body is None:
        raise RuntimeError("judged without a body")
    if delivery.compiled is not delivery.desk.compiled and not _passes_anew(delivery):
        return
    digest = new_sha256()
    digest.update(delivery.body)
    delivery.sha256 = digest.hexdigest()


def _passes_anew(delivery: DeliveryState) -> bool:
    """Screen its head by what a reload brought; one that no longer passes ends here."""
    head = delivery.head
    if head is None:
        raise RuntimeError("judged without a screen")
    delivery.compiled = delivery.desk.compiled
    delivery.screened = screen_head(delivery, head)
    delivery.decision = decision = delivery.screened.decision
    if decision.finding is None or delivery.screened.keeps:
        return True
    end(delivery, Ending(*decision.finding), deferred=True)
    return False


def parse(delivery: DeliveryState) -> None:
    """Parse the body: is it a document?"""
    screened, body = delivery.screened, delivery.body
    if screened is None or body is None or not (screened.upstream_head or screened.keeps):
        raise RuntimeError("judged without a passed screen")
    delivery.decision = delivery.compiled.policy.parse(screened.decision, body)


def validate(delivery: DeliveryState) -> None:
    """Validate the document: does it keep the contract?"""
    if delivery.decision is not None:
        delivery.compiled.policy.validate(delivery.decision)


def read_event(delivery: DeliveryState) -> None:
    """Read what is recorded of the document, which may take 70 times its text: it goes here."""
    delivery.record = record = delivery.begin_record()
    decision = delivery.decision
    if decision is None:
        return
    decision.body = decision.document = None
    if decision.signed is not None:
        repeated = delivery.desk.signed_ids.note(decision.signed.id)
        record["signature"] = "repeated" if repeated else "valid"


def proceed(delivery: DeliveryState) -> None:
    """End it for what was found, or have it written that it goes upstream."""
    decision, record, sha256 = delivery.decision, delivery.record, delivery.sha256
    if decision is None or record is None or sha256 is None:
        raise RuntimeError("proceeds without being judged")
    if decision.finding is not None:
        _refuse(delivery, decision, Ending(*decision.finding))
        return
    desk, seq, request_id = delivery.desk, delivery.seq, delivery.request_id
    line = forward_record(desk.boot, seq, request_id, record["reference"], sha256)
    if delivery.replayed is not None:
        line |= delivery.replayed
    desk.journal.forward(line)
    desk.turn.to_send.append(delivery)
    delivery.forwarded_at = perf_counter()


def _refuse(delivery: DeliveryState, decision: Decision, ending: Ending) -> None:
    if delivery.compiled.may_keep(decision, delivery.body):
        keep(delivery, ending)
    else:
        end(delivery, ending, deferred=True)


def send(delivery: DeliveryState, written: bool) -> None:
    """Send it upstream if its `forward` line is written, or else end it. Never raises."""
    screened, body, compiled = delivery.screened, delivery.body, delivery.compiled
    try:
        if not written and delivery.ended:
            delivery.answer = unrecorded(delivery)
        elif not written:
            delivery.forwarded_at = 0.0
            end(delivery, Ending(Reason.AUDIT_UNAVAILABLE))
            respond(delivery)
        elif screened is not None and screened.upstream_head is not None and body is not None:
            signer = compiled.signer
            signature = b"" if signer is None else _sign(signer, delivery.sha256, body)
            head = screened.upstream_head
            if screened.varying is not None:
                head = screened.varying.upstream_head(delivery.values)
            request = upstream_request(head, body, delivery.request_id, signature)
            if not compiled.keeps_failed:
                delivery.body = None
            delivery.relays = screened.relays  # from here on, whatever a reload brings
            compiled.upstream.send(request, delivery)
    except Exception as error:  # noqa: BLE001  # fails closed
        fail(delivery, "send", error)


def _sign(signer: Signer, sha256: str | None, body: bytes) -> bytes:
    if sha256 is None:
        raise RuntimeError("signed without a digest")
    return signer.fields(sha256, int(time()), body)


STAGES = Stages[DeliveryState](
    (hash_body, parse, validate, read_event, proceed), conclude, send, respond, fail
)
