"""Whatever happened, events and their fates are told as a person would tell them, one by one."""

from collections import Counter
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.ledger.audit.fate import Fate
from hookgate.ledger.audit.losses import Losses, lost
from hookgate.ledger.audit.search import find
from support.attempts import Ledger
from support.lines import Record, delivery, forward


class Body(NamedTuple):
    """What is sent, again and again."""

    sha256: str
    reference: str | None
    event_reference: str | None


BODIES = [
    Body("a" * 64, "r-1", "own-1"),
    Body("b" * 64, "r-1", None),
    Body("c" * 64, None, "own-1"),
    Body("d" * 64, "r-2", "own-1"),
    Body("e" * 64, None, None),
    Body("f" * 64, "a" * 64, None),
]
FORWARDED = ("clean", "upstream_rejected", "upstream_timeout")
# The gate is killed, or forwards and can make no full record of what came of it.
CRIPPLED = ("killed", "bare", "bare fault")
ENDS = [
    *FORWARDED, *CRIPPLED, "contract_violation", "duplicate_key", "body_timeout",
    "fault",  # before the event was read
]  # fmt: skip


START, NOW = 1_795_348_800, 45
# By the seconds since then; the last is in the future.
TIMES: dict[int | None, str | None] = {
    None: None,
    **{at: f"2026-11-22T12:00:{at:02}.000000Z" for at in (1, 10, 30, 50)},
}


class Request(NamedTuple):
    """One attempt, how it ends and how many requests later, by which rule, and at which second."""

    body: Body
    end: str
    later: int
    rule: str
    at: int | None

    @property
    def is_at_an_event(self) -> bool:
        return self.end != "body_timeout"

    def is_at(self, sha256: str) -> bool:
        return self.is_at_an_event and self.body.sha256 == sha256

    @property
    def tells_rule(self) -> bool:
        return self.end in ("upstream_rejected", "contract_violation", "duplicate_key")

    @property
    def names(self) -> set[str]:
        """What its lines tell of the event, but the request_id."""
        body, told = self.body, self.end not in (*CRIPPLED, "fault", "body_timeout")
        names = {body.sha256} if self.is_at_an_event else set()
        if told or self.end in CRIPPLED:
            names |= {body.reference or body.sha256}
        if told:
            names |= {body.event_reference or body.sha256}
        return names

    @property
    def fate(self) -> Fate:
        if self.end in ("clean", "bare"):
            return Fate.DELIVERED
        return Fate.UNKNOWN if self.end in ("killed", "upstream_timeout") else Fate.UNDELIVERED

    def lines(self, number: int) -> list[tuple[int, Record]]:
        """Its lines, each with its place among those of all."""
        body, end = self.body, self.end
        about = body._asdict()
        when: Record = {"ts": TIMES[self.at]}
        begun = forward(number, reference=body.reference, sha256=body.sha256, **when)
        made = [(number * 10, begun)] if end in (*FORWARDED, *CRIPPLED) else []
        rule: Record = {"retry": self.rule} if self.rule else {"route": "own.json"}
        ended = delivery(number, end, client="192.0.2.1", **about, **rule, **when)
        if end in CRIPPLED:
            ended = {name: begun[name] for name in ("ts", "boot", "seq", "request_id")}
            ended |= {"event": "delivery", "outcome": "failed", "reason": "gate_error"}
            ended |= {"outcome": "delivered", "reason": "clean"} if end == "bare" else {}
        elif end == "fault":
            ended = delivery(number, "gate_error", outcome="failed", sha256=body.sha256, **when)
        elif end == "body_timeout":
            ended = delivery(number, end, client="192.0.2.1", **when)
        return made if end == "killed" else [*made, ((number + self.later) * 10 + 1, ended)]


REQUESTS = st.lists(
    st.builds(
        Request,
        st.sampled_from(BODIES),
        st.sampled_from(ENDS),
        st.integers(0, 4),
        st.sampled_from(["3 tries", "3 tries", "", "40s", "3 tries, 20s"]),
        st.sampled_from([*TIMES]),
    ),
    max_size=14,
)


def fate_of(requests: list[Request], sha256: str) -> Fate:
    """The fate of a body at `NOW`, of what was tried at whichever bodies."""
    own = [(r, n + r.later) for n, r in enumerate(requests) if r.is_at(sha256)]
    ends = {request.fate for request, _ in own}
    for fate in (Fate.DELIVERED, Fate.UNKNOWN):
        if fate in ends:
            return fate
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
    order = (Fate.LOST, Fate.UNKNOWN, Fate.UNDELIVERED, Fate.RETRYING, Fate.DELIVERED)
    return next((fate for fate in order if fate in fates), Fate.NEVER_SEEN)


@settings(max_examples=300, deadline=None)
@given(REQUESTS, st.lists(st.sampled_from(["r-1", "r-2", "own-1", "a" * 64, "e" * 64, "b0-1"])))
def test_events_and_fates(requests: list[Request], asked: list[str]) -> None:
    """Of each name the bodies that any line calls so, each with all of its attempts; of a SHA-256
    or a request_id that there is its body alone.
    """
    numbered = list(enumerate(requests, 1))
    placed = [line for number, request in numbered for line in request.lines(number)]
    ledger = Ledger(*(record for _, record in sorted(placed, key=lambda line: line[0])))
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


@settings(max_examples=200, deadline=None)
@given(REQUESTS)
def test_losses(requests: list[Request]) -> None:
    """Each body that was tried in vain as long as its rule says, and each that may have arrived.

    The others that were not delivered are counted, and at most those that were tried after that.
    """
    placed = [line for number, request in enumerate(requests, 1) for line in request.lines(number)]
    ledger = Ledger(*(record for _, record in sorted(placed, key=lambda line: line[0])))
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
    assert sorted(found, key=str) == [
        each for each in expected.items() if each[1] in (Fate.LOST, Fate.UNKNOWN)
    ]
    open_ = [fate for fate in expected.values() if fate in (Fate.RETRYING, Fate.UNDELIVERED)]
    assert losses.left_open >= Counter(open_)
    assert losses.left_open == Counter(open_) or Fate.DELIVERED in expected.values()
    assert losses.unread.count == sum(request.end == "body_timeout" for request in requests)
    assert {event.sha256 for event in lost(ledger, START + NOW)} == {
        digest for digest, fate in expected.items() if fate is Fate.LOST
    }
