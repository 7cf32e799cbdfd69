"""Whatever happened, events and their fates are told as a person would tell them, one by one."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.ledger.audit.fate import Fate
from hookgate.ledger.audit.losses import WORRYING, Losses, lost
from hookgate.ledger.audit.search import find
from support.attempts import Ledger
from support.examples import many
from support.trials import BODIES, KEPT_REQUESTS, NOW, REQUESTS, START, Request, placed


def fate_of(requests: list[Request], sha256: str) -> Fate:
    """The fate of a body at `NOW`, of what was tried at whichever bodies, and kept of them."""
    about = [request for request in requests if request.body.sha256 == sha256]
    ends = {request.fate for request in about if request.is_at_an_event}
    if Fate.DELIVERED in ends:
        return Fate.DELIVERED
    released = {request.kept: request.keeping[:-1] for request in about if request.is_release}
    said = {request.keeping[:-1] for request in about if request.is_release}
    if Fate.UNKNOWN in ends or said & {"replayed", "delivered"}:
        return Fate.UNKNOWN
    kept = {request.kept for request in about if not request.is_release} - {None, *released}
    over = Fate.HELD if kept else Fate.LOST
    if any(request.is_custody for request in about):
        return over
    fate = fate_of_tries(requests, sha256)
    return over if fate is Fate.LOST else fate


def fate_of_tries(requests: list[Request], sha256: str) -> Fate:
    """The same of what was tried by its sender, none of which may have arrived."""
    own = [(r, n + r.later) for n, r in enumerate(requests) if r.is_at(sha256) and r.is_try]
    ruled = [(r.at or 0, place, n, r.rule) for n, (r, place) in enumerate(own) if r.tells_rule]
    rule = max(ruled)[-1] if ruled else ""
    seconds = [request.at for request, _ in own if request.at is not None]
    if "tries" in rule and len(own) >= 3:
        return Fate.LOST
    if rule.endswith("s") and rule[-2].isdigit():
        span = int(rule.split()[-1][:-1])
        if not seconds:
            return Fate.UNDELIVERED
        begin = min(seconds) if max(seconds) <= min(seconds) + span else max(seconds)
        return Fate.LOST if begin + span <= NOW else Fate.RETRYING
    return Fate.RETRYING if rule else Fate.UNDELIVERED


def is_document(ends: set[str]) -> bool:
    return ends != {"duplicate_key"}


def worst(fates: set[Fate]) -> Fate:
    order = (Fate.LOST, Fate.UNKNOWN, Fate.HELD, Fate.UNDELIVERED, Fate.RETRYING, Fate.DELIVERED)
    return next((fate for fate in order if fate in fates), Fate.NEVER_SEEN)


@settings(max_examples=many(300), deadline=None)
@given(
    REQUESTS | KEPT_REQUESTS,
    st.lists(st.sampled_from(["r-1", "r-2", "m-1", "own-1", "a" * 64, "e" * 64, "b0-1"])),
)
def test_events_and_fates(requests: list[Request], asked: list[str]) -> None:
    """Of each name the bodies that any line calls so, each with all of its attempts; of a SHA-256
    or a request_id that there is its body alone.
    """
    numbered = list(enumerate(requests, 1))
    ledger = Ledger(*placed(requests))
    found = find(ledger, asked, now=START + NOW)
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
            own = [request for request in requests if request.is_at(digest)]
            assert told[digest].ends == Counter(request.fate for request in own)
            fate = fate_of(requests, digest)
            assert told[digest].fate is fate
            fates.add(fate)
            counted |= {fate} if is_document({r.end for r in own}) else set()
        if None in told:
            assert requests[0].end == "body_timeout"
            assert story.asked == "b0-1"
            shown.add(1)
            fates.add(Fate.UNDELIVERED)
        assert story.fate is worst(counted or fates)
    unread = sum(request.end == "body_timeout" for request in requests)
    assert found.unread == unread - len(shown)


@settings(max_examples=many(200), deadline=None)
@given(REQUESTS | KEPT_REQUESTS)
def test_losses(requests: list[Request]) -> None:
    """Each body that was tried in vain as long as its rule says, and each that may have arrived.

    The others that were not delivered are counted, and at most those that were tried after that.
    """
    ledger = Ledger(*placed(requests))
    expected = {
        body.sha256: fate_of(requests, body.sha256)
        for body in BODIES
        if any(request.is_at(body.sha256) for request in requests)
    }
    losses = Losses(now=START + NOW)
    for record in ledger.records:
        assert isinstance(record, dict)
        losses.add(record)
    found = [(event.sha256, event.fate) for event in losses.confirm(ledger)]
    assert sorted(found, key=str) == [each for each in expected.items() if each[1] in WORRYING]
    open_ = [fate for fate in expected.values() if fate in (Fate.RETRYING, Fate.UNDELIVERED)]
    assert losses.left_open >= Counter(open_)
    assert losses.left_open == Counter(open_) or Fate.DELIVERED in expected.values()
    assert losses.unread.count == sum(request.end == "body_timeout" for request in requests)
    assert {event.sha256 for event in lost(ledger, START + NOW)} == {
        digest for digest, fate in expected.items() if fate is Fate.LOST
    }
