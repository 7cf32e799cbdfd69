"""What became of events, as their attempts tell."""

from itertools import chain
from typing import Any
from unittest.mock import patch

import pytest

from hookgate.ledger.audit import fate
from hookgate.ledger.audit.fate import Event, Fate, Story
from hookgate.ledger.audit.search import find
from support.attempts import A, B, Ledger, attempts
from support.lines import Record, delivery, forward, start


def story(name: str, *records: Record | bytes) -> Story:
    """The story of one name in these lines."""
    (only,) = find(Ledger(start(), *records), [name]).stories
    return only


def event(name: str, *records: Record | bytes) -> Event:
    """The one event of this name."""
    (only,) = story(name, *records).events
    return only


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        (["clean"], Fate.DELIVERED),
        (["malformed_json", "upstream_rejected", "clean"], Fate.DELIVERED),
        (["upstream_timeout", "clean"], Fate.DELIVERED),
        (["malformed_json"], Fate.RETRYING),
        (["upstream_rejected", "upstream_unreachable"], Fate.RETRYING),
        (["upstream_rejected"] * 3, Fate.LOST),
        (["malformed_json"] * 4, Fate.LOST),
        (["upstream_timeout"], Fate.UNKNOWN),
        (["malformed_json"] * 3 + ["upstream_invalid"], Fate.UNKNOWN),
    ],
)
def test_the_fate_follows_from_the_attempts(reasons: list[str], expected: Fate) -> None:
    """One delivery is enough; by a rule of three tries these are a loss without any, unless one may
    have arrived.
    """
    told = event("r-1", *attempts(*reasons, **A))
    assert told.fate is expected
    assert told.ends.total() == len(reasons)


def test_what_no_line_names_was_never_seen() -> None:
    """It has no event, either."""
    assert story("r-2", *attempts("clean", **A)).fate is Fate.NEVER_SEEN


def test_a_forward_without_its_delivery_is_unknown() -> None:
    """The gate was killed in between."""
    told = event("r-1", forward(1, **A))
    assert told.fate is Fate.UNKNOWN
    assert told.attempts[0].outcome is None
    assert told.attempts[0].place == "log:2"


def test_the_attempt_that_delivered_is_told_and_so_are_equal_bytes() -> None:
    """Delivered on the third try, and twice in all: it may be two events."""
    told = event("r-1", *attempts("not_utf8", "upstream_timeout", "clean", "clean", **A))
    assert told.delivered_on == 3
    assert told.ends[Fate.DELIVERED] == 2


def test_attempts_are_told_in_the_order_of_time() -> None:
    """Several workers' files are read one after the other."""
    late = delivery(1, "clean", ts="2026-11-22T12:00:09.000000Z", **A)
    early = delivery(1, "not_utf8", "b1", ts="2026-11-22T12:00:01.000000Z", **A)
    told = event("r-1", late, early)
    assert [attempt.request_id for attempt in told.attempts] == ["b1-1", "b0-1"]
    assert told.delivered_on == 2


def test_the_attempts_of_one_event_are_bounded() -> None:
    """An event that is sent a million times is counted, not kept."""
    with patch.object(fate, "MOST_ATTEMPTS", 2):
        told = event("r-1", *attempts(*["not_utf8"] * 4, "clean", **A))
        assert len(told.attempts) == 2
        assert (told.ends.total(), told.fate, told.delivered_on) == (5, Fate.DELIVERED, None)


REJECTED = ("upstream_rejected",) * 3


@pytest.mark.parametrize(
    ("first", "second", "worst"),
    [
        (("clean",), REJECTED, Fate.LOST),
        (("clean",), ("upstream_timeout",), Fate.UNKNOWN),
        (("clean",), ("upstream_rejected",), Fate.RETRYING),
        (("clean",), ("clean",), Fate.DELIVERED),
        (("upstream_timeout",), REJECTED, Fate.LOST),
        (("upstream_rejected",), ("upstream_timeout",), Fate.UNKNOWN),
        (REJECTED[:2], REJECTED[:1], Fate.RETRYING),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_of_a_shared_name_the_worst_is_told(
    first: tuple[str, ...], second: tuple[str, ...], worst: Fate, turned: bool
) -> None:
    """Tries at one body are none at another, and its delivery is not the other's."""
    made = [attempts(*first, **A), attempts(*second, boot="b1", **B)]
    told = story("r-1", *chain(*(reversed(made) if turned else made)))
    assert {event.sha256 for event in told.events} == {"a" * 64, "b" * 64}
    assert told.fate is worst


def test_what_may_never_come_again_is_worse_than_what_does() -> None:
    """Of a shared name the event without a known rule is told."""
    retrying = attempts("upstream_rejected", **A)
    unruled = delivery(1, "upstream_rejected", "b1", route="own.json", **B)
    assert story("r-1", *retrying, unruled).fate is Fate.UNDELIVERED


def mixed(*reasons: str, **fields: Any) -> list[Record]:
    return attempts(*reasons, boot="b1", **{**B, **fields})


@pytest.mark.parametrize(
    ("beside", "parsed"),
    [
        (mixed(*["malformed_json"] * 3), False),
        (mixed("clean", observed=["duplicate_key"]), False),
        (mixed(*["contract_violation"] * 3), True),
        (mixed(*["audit_unavailable"] * 3), True),
        (mixed(*REJECTED), True),
        (mixed("too_deep", *["contract_violation"] * 2), True),
        ([forward(1, **B)], True),
    ],
    ids=["malformed", "observed", "contract", "ledger", "rejected", "other policy", "killed"],
)
def test_a_body_that_did_not_parse_is_no_other_event_s_end(
    beside: list[Record], parsed: bool
) -> None:
    """Where a document has the name, only documents count; each has its fate all the same."""
    told = story("r-1", *attempts("clean", **A), *beside)
    own, other = sorted(told.events, key=lambda event: event.sha256 or "")
    assert (own.fate, other.parsed) == (Fate.DELIVERED, parsed)
    assert told.fate is (other.fate if parsed else Fate.DELIVERED)
    assert story("r-1", *beside).fate is other.fate


def test_an_event_is_told_apart_by_what_it_says_of_itself() -> None:
    """Its own names, channel, type and time, from whichever of its lines has them."""
    about = {"channel": "RCS", "event_type": "isTyping", "time_utc": "2025-09-03T08:00:05"}
    told = event("r-1", forward(1, **A), delivery(2, "gate_error", sha256=A["sha256"]),
                 delivery(3, "not_utf8", event_reference="own-1", **A, **about))  # fmt: skip
    assert {name: getattr(told, name) for name in about} == about
    assert (told.reference, told.event_reference, told.name) == ("r-1", "own-1", "r-1")
