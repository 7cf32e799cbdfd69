"""What was lost, of a whole ledger."""

from hookgate.ledger.audit.fate import Fate
from hookgate.ledger.audit.losses import Losses, lost
from support.attempts import A, B, Ledger, attempts
from support.lines import Record, delivery


def test_lost_events_are_found_in_a_whole_ledger() -> None:
    """Of those with three tries, none that was delivered before or after or may have been."""
    made: list[Record] = []
    tries = {
        "lost": ["upstream_rejected"] * 3,
        "before": ["clean", *["not_utf8"] * 3],
        "after": [*["not_utf8"] * 3, "clean"],
        "twice": ["not_utf8"] * 2,
        "maybe": [*["not_utf8"] * 3, "upstream_timeout"],
    }
    for boot, reasons in tries.items():
        made += attempts(*reasons, boot=boot, reference=boot, sha256="body of " + boot)
    made += attempts(*["not_utf8"] * 3, boot="own", sha256="d9", event_reference=None)
    made += [delivery(n, "source_not_allowed", "x") for n in range(1, 9)]
    assert [event.name for event in lost(Ledger(*made))] == ["lost", "d9"]


def test_the_delivery_of_another_body_of_that_name_is_none_of_the_lost_one() -> None:
    """Before it or after it."""
    delivered = attempts("clean", **A)
    in_vain = attempts(*["upstream_rejected"] * 3, boot="b1", **B)
    for made in (delivered + in_vain, in_vain + delivered):
        assert [event.sha256 for event in lost(Ledger(*made))] == [B["sha256"]]


def test_tries_at_several_bodies_of_a_name_are_not_added_up() -> None:
    """Three events that were refused once each are not lost yet."""
    made = [
        record
        for digest in "abc"
        for record in attempts("contract_violation", boot=digest, reference="r-1", sha256=digest)
    ]
    assert lost(Ledger(*made)) == []


def test_an_event_is_lost_though_another_calls_itself_by_its_digest() -> None:
    """A sender chooses its references, and makes nobody else's event delivered."""
    made = attempts(*["upstream_rejected"] * 3, **A)
    made += attempts("clean", boot="b1", reference=A["sha256"], sha256=B["sha256"])
    assert [event.sha256 for event in lost(Ledger(*made))] == [A["sha256"]]


def test_what_was_not_read_whole_is_no_loss_and_is_counted() -> None:
    """At which events it was is not known."""
    made = [delivery(n, "body_timeout", client="192.0.2.1", reference="r-1") for n in range(1, 5)]
    losses = Losses()
    for record in made:
        losses.add(record)
    assert losses.confirm(Ledger(*made)) == []
    assert (losses.unread.count, losses.unread.undelivered) == (4, 4)


def test_what_may_have_arrived_is_unknown() -> None:
    """Killed in between, or no answer."""
    made = attempts("killed", **A) + attempts("upstream_timeout", boot="b1", **B)
    losses = Losses()
    for record in made:
        losses.add(record)
    assert {event.fate for event in losses.confirm(Ledger(*made))} == {Fate.UNKNOWN}
