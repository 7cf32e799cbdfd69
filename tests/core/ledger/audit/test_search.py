"""Events are found by any of their names, each with every attempt at it."""

from collections.abc import Callable
from itertools import chain, permutations
from typing import Any
from unittest.mock import patch

import pytest

from hookgate.ledger.audit import searcher
from hookgate.ledger.audit.fate import Fate, Story
from hookgate.ledger.audit.search import find
from hookgate.ledger.reading.reader import Line, is_malformed
from support.attempts import A, B, Ledger, attempts
from support.lines import Record, delivery, forward, nginx

OWN = {**A, "event_reference": "own-1"}
ALL = ["b0-1", "b0-2", "b0-3"]


def told(story: Story) -> dict[str | None, list[str]]:
    """The request_ids of each of its events."""
    return {event.sha256: sorted(a.request_id for a in event.attempts) for event in story.events}


def asked(name: str, *records: Record | bytes) -> Story:
    (only,) = find(Ledger(*records), [name]).stories
    return only


@pytest.mark.parametrize("name", ["r-1", "own-1", A["sha256"], "b0-2"])
def test_an_event_is_found_by_any_of_its_names(name: str) -> None:
    """Its reference, its own reference, its body's digest, and any attempt's request_id."""
    assert told(asked(name, *attempts("not_utf8", "clean", "killed", **OWN))) == {A["sha256"]: ALL}


@pytest.mark.parametrize("write", [str.upper, "evt_{}".format])
def test_a_sha256_may_be_written_as_people_have_it(write: Callable[[str], str]) -> None:
    """In capitals, and as the id that the endpoint is sent with it."""
    body = {**OWN, "sha256": "ab" * 32}
    name = write("ab" * 32)
    assert told(asked(name, *attempts("not_utf8", "clean", "killed", **body))) == {"ab" * 32: ALL}
    assert asked(name, *attempts("clean", **OWN)).fate is Fate.NEVER_SEEN
    # Somebody may have given an event that very name.
    both = [*attempts("clean", **{**A, "reference": name}), *attempts("clean", boot="b1", **body)]
    assert told(asked(name, *both)) == {A["sha256"]: ["b0-1"]}


@pytest.mark.parametrize("name", ["own-1", A["sha256"], "b0-2"])
def test_an_event_without_reference_is_joined_by_its_digest(name: str) -> None:
    """A forward holds no `event_reference`; its digest tells that it is the same event."""
    own = {"event_reference": "own-1", "sha256": A["sha256"]}
    made = [forward(1, sha256=A["sha256"]), *attempts("not_utf8", first=2, **own)]
    for records in permutations(made):
        found = asked(name, *records)
        assert told(found) == {A["sha256"]: ALL[:2]}
        assert found.fate is Fate.UNKNOWN


SHARED = {"r-1": OWN, "own-1": {**OWN, "reference": "r-2"}}


@pytest.mark.parametrize("name", ["r-1", "own-1"])
def test_two_bodies_of_a_name_are_two_events_in_every_order(name: str) -> None:
    """As an opt-in and its renewal share `event.reference`, and messages their `reference`."""
    other = {**SHARED[name], "sha256": B["sha256"]}
    made = [
        [*attempts("clean", **OWN)],
        [*attempts("upstream_rejected", boot="b1", **other)],
        [*attempts("upstream_rejected", boot="b2", **other)],
        [*attempts("upstream_rejected", boot="b3", **other)],
    ]
    for order in permutations(made):
        records = [*chain(*order)]
        found = asked(name, *records)
        assert told(found) == {A["sha256"]: ["b0-1"], B["sha256"]: ["b1-1", "b2-1", "b3-1"]}
        assert found.fate is Fate.LOST
        for single in ("b2-1", B["sha256"]):
            assert told(asked(single, *records)) == {B["sha256"]: ["b1-1", "b2-1", "b3-1"]}
        assert asked(A["sha256"], *records).fate is Fate.DELIVERED


def test_a_name_that_is_another_event_s_digest_finds_that_event_alone() -> None:
    """Whoever sends it chooses his own reference, and no body."""
    made = [*attempts("clean", reference=A["sha256"], sha256=B["sha256"]), *attempts("killed", **A)]
    assert told(asked(A["sha256"], *made)).keys() == {A["sha256"]}


def test_a_record_made_after_a_fault_is_joined_by_its_forward() -> None:
    """It has nothing but the request_id."""
    bare = {
        "event": "delivery", "boot": "b0", "seq": 1, "request_id": "b0-1", "outcome": "delivered",
        "reason": "clean",
    }  # fmt: skip
    for name in ("r-1", A["sha256"], "b0-1"):
        found = asked(name, forward(1, **A), bare)
        assert told(found) == {A["sha256"]: ["b0-1"]}
        assert found.fate is Fate.DELIVERED
    later = attempts("not_utf8", first=2, **OWN)
    assert told(asked("own-1", forward(1, **A), bare, *later)) == {A["sha256"]: ALL[:2]}


@pytest.mark.parametrize("first", [True, False])
def test_an_attempt_that_tells_no_name_is_found_by_its_body(first: bool) -> None:
    """After a fault before the event was read, or by a version that read less of it."""
    fault = delivery(1, "gate_error", outcome="failed", sha256=A["sha256"])
    made = [*attempts("clean", first=2, **OWN)]
    for name in ("r-1", "own-1"):
        records = [fault, *made] if first else [*made, fault]
        assert told(asked(name, *records)) == {A["sha256"]: ALL[:2]}
        with patch.object(searcher, "_MOST_PASSED", 0):
            others = [delivery(n, "not_utf8", "b9", sha256=f"{n}") for n in range(3)]
            assert told(asked(name, *others, *records)) == {A["sha256"]: ALL[:2]}


def test_several_names_are_asked_for_at_once() -> None:
    """Each is answered, also where they are of one event, in the order in which they were asked."""
    made = [*attempts("not_utf8", "clean", **A), *attempts("clean", boot="b1", **B)]
    found = find(Ledger(*made), ["b0-1", "r-1", "nobody", B["sha256"], "r-1"]).stories
    assert [(story.asked, list(told(story))) for story in found] == [
        ("b0-1", [A["sha256"]]),
        ("r-1", [A["sha256"], B["sha256"]]),
        ("nobody", []),
        (B["sha256"], [B["sha256"]]),
    ]


@pytest.mark.parametrize(
    ("name", "readings"), [("r-1", 1), ("own-1", 1), (A["sha256"], 1), ("b0-3", 2), ("nobody", 1)]
)
def test_the_ledger_is_read_once_unless_an_event_is_found_late(name: str, readings: int) -> None:
    """By a request_id: the attempts before it named no other."""
    own: Record = {"sha256": "c" * 64, "event_reference": "own-1"}
    ledger = Ledger(
        delivery(1, "not_utf8", "b9", sha256="f" * 64),
        *attempts("not_utf8", "clean", "killed", **A),
        *attempts("clean", boot="b1", **own),
    )
    find(ledger, [name])
    assert ledger.readings == readings


def test_what_no_gate_wrote_is_survived() -> None:
    """Names that are no text, missing members, other kinds, lines that are no record."""
    made: list[Record | bytes] = [
        b"x",
        {**delivery(1, **A), "reference": ["r-1"]},
        {**delivery(2, **A), "request_id": {}},
        {**delivery(3, **B), "sha256": []},
        {**forward(4, **A), "request_id": None},
        {"event": "delivery"},
        {"event": "forward"},
        {"event": "refusals"},
    ]
    found = asked("r-1", *made)
    assert A["sha256"] not in told(found)


@pytest.mark.parametrize("member", [{"bytes": []}, {"sha256": ["x"]}, {"reference": {}}], ids=str)
@pytest.mark.parametrize("name", ["r-1", "b0-3"])
def test_lines_with_a_wrong_member_count_for_nothing_and_are_told_once(
    name: str, member: Record
) -> None:
    """Forwards, deliveries and sums that bear on the answer, whichever reading meets them; a wrong
    delivery is no end of what was forwarded.
    """
    wrong: list[Record] = [
        {**delivery(1, **A), "status": "200"},
        {**forward(2, **A), "seq": -1},
        {"event": "refusals", "reason": "body_timeout", "count": "9", "ts": "never"},
    ]
    last = [forward(3, **A), {**delivery(3, **A), **member}]
    other = {**delivery(4, **{**B, "reference": "r-2"}), "status": "200"}
    problems: list[Line] = []
    found = find(Ledger(b"x", *wrong, *last, other), [name], on_problem=problems.append)
    assert told(found.stories[0]) == {A["sha256"]: ["b0-3"]}
    assert (found.stories[0].fate, found.unread) == (Fate.UNKNOWN, 0)
    assert sorted(line.number for line in problems) == [1, 2, 3, 4, 6]
    assert sum(is_malformed(line.problem) for line in problems) == 4


class TestAttemptsThatWereNotReadWhole:
    """They belong to no event: they are counted beside, as no tries and no loss."""

    def test_they_are_found_by_their_request_id_alone(self) -> None:
        """As all of nginx's."""
        record = nginx(client="192.0.2.1")
        found = find(Ledger(record), [record["request_id"], "r-1"])
        assert [told(story) for story in found.stories] == [{None: [record["request_id"]]}, {}]
        assert found.stories[0].fate is Fate.DELIVERED

    def test_several_of_one_name_are_no_loss(self) -> None:
        """No gate writes a name without a body; each would stand for itself."""
        made = [delivery(n, "body_timeout", reference="r-1") for n in (1, 2, 3)]
        found = asked("r-1", *made)
        assert [event.fate for event in found.events] == [Fate.UNDELIVERED] * 3
        assert found.fate is Fate.UNDELIVERED
        assert asked("r-1", *made, *attempts("clean", first=4, **A)).fate is Fate.DELIVERED

    def test_copies_of_its_line_make_it_no_loss(self) -> None:
        """As where a file was read as itself and as its copy."""
        found = asked("b0-1", *[delivery(1, "body_timeout")] * 3)
        assert found.fate is Fate.UNDELIVERED

    def test_they_are_no_tries(self) -> None:
        """Two refusals and a time-out are not three."""
        made = [*attempts(*["not_utf8"] * 2, **A), delivery(3, "body_timeout", client="192.0.2.1")]
        found = find(Ledger(*made), ["r-1"])
        assert found.stories[0].fate is Fate.RETRYING
        assert found.unread == 1

    @pytest.mark.parametrize("name", ["r-1", "b0-1"])
    def test_they_are_counted_once_however_often_the_ledger_is_read(self, name: str) -> None:
        """The second reading counts anew."""
        made: list[Any] = [delivery(n, "body_too_large", client="192.0.2.1") for n in range(7, 10)]
        assert find(Ledger(*made, *attempts("clean", **A)), [name]).unread == 3

    def test_one_that_is_asked_for_is_shown_and_not_counted(self) -> None:
        """It was found."""
        made = [delivery(n, "body_too_large", client="192.0.2.1") for n in (1, 2)]
        assert find(Ledger(*made), ["b0-1"]).unread == 1
