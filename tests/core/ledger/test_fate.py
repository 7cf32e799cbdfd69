"""What became of events, as their attempts tell."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.ledger import fate
from hookgate.ledger.fate import Fate, Story, find, lost
from hookgate.ledger.reader import Line
from support.lines import Record, delivery, forward, lines, nginx, start

R = {"reference": "r-1"}
OWN = {"event_reference": "own-1", "sha256": "d1"}


class Ledger:
    """Lines that can be read again, and how often they were."""

    def __init__(self, *records: Record | bytes) -> None:
        self.records = records
        self.readings = 0

    def __call__(self) -> Iterator[Line]:
        self.readings += 1
        return iter(lines(*self.records))


def story(identifier: str, *records: Record | bytes) -> Story:
    """The story of one identifier in these lines."""
    (only,) = find(Ledger(start(), *records), [identifier])
    return only


def attempts(*reasons: str, **fields: Any) -> list[Record]:
    """One event's attempts, each with its forward where it has one."""
    made = []
    for seq, reason in enumerate(reasons, 1):
        if reason == "clean" or reason.startswith("upstream_"):
            made.append(forward(seq, **{n: v for n, v in fields.items() if n != "event_reference"}))
        if reason:
            made.append(delivery(seq, reason, **fields))
    return made


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        ([], Fate.NEVER_SEEN),
        (["clean"], Fate.DELIVERED),
        (["malformed_json", "upstream_rejected", "clean"], Fate.DELIVERED),
        (["upstream_timeout", "clean"], Fate.DELIVERED),
        (["malformed_json"], Fate.UNDELIVERED),
        (["upstream_rejected", "upstream_unreachable"], Fate.UNDELIVERED),
        (["upstream_rejected"] * 3, Fate.LOST),
        (["malformed_json"] * 4, Fate.LOST),
        (["upstream_timeout"], Fate.UNKNOWN),
        (["malformed_json"] * 3 + ["upstream_invalid"], Fate.UNKNOWN),
    ],
)
def test_the_fate_follows_from_the_attempts(reasons: list[str], expected: Fate) -> None:
    """One delivery is enough; three tries without any are a loss, unless one may have arrived."""
    told = story("r-1", *attempts(*reasons, **R))
    assert told.fate is expected
    assert told.ends.total() == len(reasons)


def test_a_forward_without_its_delivery_is_unknown() -> None:
    """The gate was killed in between."""
    told = story("r-1", forward(1, **R))
    assert told.fate is Fate.UNKNOWN
    assert told.attempts[0].outcome is None
    assert told.attempts[0].place == "log:2"


def test_the_attempt_that_delivered_is_told_and_so_is_a_duplicate() -> None:
    """Delivered on the third try, and twice in all."""
    told = story("r-1", *attempts("not_utf8", "upstream_timeout", "clean", "clean", **R))
    assert told.delivered_on == 3
    assert told.ends[Fate.DELIVERED] == 2


def test_attempts_are_told_in_the_order_of_time() -> None:
    """Several workers' files are read one after the other."""
    late = delivery(1, "clean", ts="2026-11-22T12:00:09.000000Z", **R)
    early = delivery(1, "not_utf8", "b1", ts="2026-11-22T12:00:01.000000Z", **R)
    told = story("r-1", late, early)
    assert [attempt.request_id for attempt in told.attempts] == ["b1-1", "b0-1"]
    assert told.delivered_on == 2


@pytest.mark.parametrize("name", ["r-1", "own-1", "d1", "b0-2"])
def test_an_event_is_found_by_any_of_its_names(name: str) -> None:
    """Its reference, its own reference, its body's digest, and any attempt's request_id."""
    told = story(name, *attempts("not_utf8", "clean", "clean", **R, **OWN))
    assert [attempt.request_id for attempt in told.attempts] == ["b0-1", "b0-2", "b0-3"]


@pytest.mark.parametrize("name", ["own-1", "d1", "b0-2"])
def test_an_event_without_reference_is_joined_by_its_digest(name: str) -> None:
    """A forward holds no `event_reference`; its digest tells that it is the same event."""
    told = story(name, forward(1, sha256="d1"), *attempts("", "not_utf8", **OWN))
    assert {attempt.request_id for attempt in told.attempts} == {"b0-1", "b0-2"}
    assert told.fate is Fate.UNKNOWN


def test_a_record_made_after_a_fault_is_joined_by_its_forward() -> None:
    """It has nothing but the request_id."""
    bare = {
        "event": "delivery", "boot": "b0", "seq": 1, "request_id": "b0-1", "outcome": "delivered",
        "reason": "clean",
    }  # fmt: skip
    told = story("r-1", forward(1, **R), bare)
    assert told.fate is Fate.DELIVERED
    assert len(told.attempts) == 1


def test_nginx_knows_only_request_ids() -> None:
    """Its lines are found by those."""
    record = nginx()
    assert story(record["request_id"], record).fate is Fate.DELIVERED


def test_one_event_may_be_asked_for_twice() -> None:
    """By its reference and by a request_id: both are answered."""
    told = find(Ledger(*attempts("not_utf8", "clean", **R)), ["b0-1", "r-1", "r-1"])
    assert [(s.identifier, s.fate, len(s.attempts)) for s in told] == [
        ("b0-1", Fate.DELIVERED, 2),
        ("r-1", Fate.DELIVERED, 2),
    ]


def test_references_are_found_in_one_reading() -> None:
    """Only other names need a second one."""
    ledger = Ledger(*attempts("not_utf8", "clean", **R, **OWN))
    find(ledger, ["r-1"])
    assert ledger.readings == 1
    find(ledger, ["d1"])
    assert ledger.readings == 3


def test_what_no_gate_wrote_is_survived() -> None:
    """Names that are no text, missing members, other kinds, lines that are no record."""
    odd = {**delivery(1, **R), "reference": ["r-1"]}
    assert story("r-1", b"x", odd, {"event": "delivery"}, {"event": "forward"}).fate is (
        Fate.NEVER_SEEN
    )


def test_the_attempts_of_one_event_are_bounded() -> None:
    """An event that is sent a million times is counted, not kept."""
    with patch.object(fate, "MOST_ATTEMPTS", 2):
        told = story("r-1", *attempts(*["not_utf8"] * 4, "clean", **R))
        assert len(told.attempts) == 2
        assert (told.ends.total(), told.fate, told.delivered_on) == (5, Fate.DELIVERED, None)


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
        made += attempts(*reasons, boot=boot, reference=boot)
    made += attempts(*["not_utf8"] * 3, boot="own", sha256="d9", event_reference=None)
    made += [delivery(n, "source_not_allowed", "x") for n in range(1, 9)]
    assert [story.identifier for story in lost(Ledger(*made))] == ["lost", "d9"]


NAMES = st.sampled_from([None, "a", "b"])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(NAMES, st.sampled_from(["clean", "not_utf8", "upstream_timeout", "killed"])),
        max_size=25,
    )
)
def test_whatever_happened_the_story_has_every_attempt(events: list[tuple[Any, str]]) -> None:
    """As a person would count them, one by one."""
    made: list[Record] = []
    expected: dict[str, list[str]] = {"a": [], "b": []}
    for seq, (name, end) in enumerate(events, 1):
        if end != "not_utf8":
            made.append(forward(seq, reference=name))
        if end != "killed":
            made.append(delivery(seq, end, reference=name))
        if name:
            expected[name].append(end)
    losses = {story.identifier for story in lost(Ledger(*made))}
    for told in find(Ledger(*made), ["a", "b"]):
        ends = expected[told.identifier]
        assert told.ends.total() == len(ends)
        assert told.ends[Fate.DELIVERED] == ends.count("clean")
        assert (told.identifier in losses) == (len(ends) >= 3 and set(ends) == {"not_utf8"})
