"""Whatever happened, events and their fates are told as a person would tell them, one by one."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.ledger.audit.fate import Fate
from hookgate.ledger.audit.losses import Losses, lost
from hookgate.ledger.audit.search import find
from support.attempts import Ledger
from support.trials import BODIES, REQUESTS, Request, placed


def fate_of(ends: list[Fate]) -> Fate:
    for fate in (Fate.DELIVERED, Fate.UNKNOWN):
        if fate in ends:
            return fate
    return Fate.LOST if len(ends) >= 3 else Fate.UNDELIVERED


def is_document(ends: set[str]) -> bool:
    return ends != {"duplicate_key"}


def worst(fates: set[Fate]) -> Fate:
    order = (Fate.LOST, Fate.UNKNOWN, Fate.UNDELIVERED, Fate.DELIVERED, Fate.NEVER_SEEN)
    return next(fate for fate in order if fate in fates or fate is Fate.NEVER_SEEN)


@settings(max_examples=300, deadline=None)
@given(REQUESTS, st.lists(st.sampled_from(["r-1", "r-2", "own-1", "a" * 64, "e" * 64, "b0-1"])))
def test_events_and_fates(requests: list[Request], asked: list[str]) -> None:
    """Of each name the bodies that any line calls so, each with all of its attempts; of a SHA-256
    or a request_id that there is its body alone.
    """
    numbered = list(enumerate(requests, 1))
    ledger = Ledger(*placed(requests))
    found = find(ledger, asked)
    shown = set()
    for story in found.stories:
        called = {
            request.body.sha256
            for number, request in numbered
            if request.is_at_an_event and story.asked in {*request.names, f"b0-{number}"}
        }
        exact = {
            request.body.sha256
            for number, request in numbered
            if request.is_at_an_event and story.asked in (request.body.sha256, f"b0-{number}")
        }
        called = exact or called
        told = {event.sha256: event for event in story.events}
        assert told.keys() - {None} == called
        fates, counted = set(), set()
        for digest in called:
            own = [r for r in requests if r.is_at_an_event and r.body.sha256 == digest]
            ends = [request.fate for request in own]
            assert told[digest].ends == Counter(ends)
            assert told[digest].fate is fate_of(ends)
            fates.add(fate_of(ends))
            counted |= {fate_of(ends)} if is_document({r.end for r in own}) else set()
        if None in told:
            assert requests[0].end == "body_timeout"
            assert story.asked == "b0-1"
            shown.add(1)
            fates.add(Fate.UNDELIVERED)
        assert story.fate is worst(counted or fates)
    unread = sum(request.end == "body_timeout" for request in requests)
    assert found.unread == unread - len(shown)


@settings(max_examples=200, deadline=None)
@given(REQUESTS)
def test_losses(requests: list[Request]) -> None:
    """Each body that was tried three times in vain, and each that may have arrived."""
    ledger = Ledger(*placed(requests))
    expected = {
        body.sha256: fate_of(ends)
        for body in BODIES
        if (ends := [r.fate for r in requests if r.is_at_an_event and r.body == body])
    }
    losses = Losses()
    for record in ledger.records:
        assert isinstance(record, dict)
        losses.add(record)
    found = [(event.sha256, event.fate) for event in losses.confirm(ledger)]
    assert sorted(found, key=str) == [
        each for each in expected.items() if each[1] in (Fate.LOST, Fate.UNKNOWN)
    ]
    assert losses.unread.count == sum(request.end == "body_timeout" for request in requests)
    assert {event.sha256 for event in lost(ledger)} == {
        digest for digest, fate in expected.items() if fate is Fate.LOST
    }
