"""Events that have more names than a reference: those that a contract's `names` lead to."""

from itertools import permutations

import pytest

from hookgate.ledger.audit.query import Query
from hookgate.ledger.audit.search import find
from support.attempts import A, B, Ledger, attempts

NAMES = ["mail-1", "mail-2", "mailing-9"]
MANY = {**A, "names": NAMES}
OTHER = {**B, "reference": "mail-3", "names": ["mail-3", "mailing-9"]}


def found(name: str, *records: dict[str, object]) -> dict[str | None, int]:
    """How many attempts there are at each event of a name."""
    (story,) = find(Ledger(*records), [name]).stories
    return {event.sha256: len(event.attempts) for event in story.events}


@pytest.mark.parametrize("name", [*NAMES, "r-1", A["sha256"]])
def test_an_event_is_found_by_each_of_its_names(name: str) -> None:
    """As by its reference; what has none of them is another event's."""
    made = [*attempts("upstream_rejected", "clean", **MANY), *attempts("clean", boot="b1", **OTHER)]
    assert found(name, *made)[A["sha256"]] == 2
    assert (B["sha256"] in found(name, *made)) is (name == "mailing-9")


def test_one_name_may_be_that_of_several_events() -> None:
    """A mailing has many mails."""
    made = [*attempts("clean", **MANY), *attempts("clean", boot="b1", **OTHER)]
    assert found("mailing-9", *made) == {A["sha256"]: 1, B["sha256"]: 1}
    assert found("mail-3", *made) == {B["sha256"]: 1}
    assert found("mail-4", *made) == {}


def test_attempts_that_tell_fewer_names_are_found_with_the_others() -> None:
    """Before a contract named them, after a crash: what joins them is the body."""
    parts = [
        attempts("upstream_rejected", **A),
        attempts("upstream_rejected", boot="b1", **MANY),
        attempts("killed", boot="b2", **A),
    ]
    for order in permutations(parts):
        records = [record for part in order for record in part]
        for name in ("mail-2", "r-1"):
            assert found(name, *records) == {A["sha256"]: 3}


@pytest.mark.parametrize("names", [7, "mail-1", [["mail-1"]], {"mail-1": 1}, [1]])
def test_what_no_gate_wrote_is_told_and_no_name(names: object) -> None:
    """And nothing of it is shown."""
    told: list[object] = []
    made = attempts("clean", **{**A, "reference": "mail-1", "names": names})
    (story,) = find(Ledger(*made), ["mail-1"], on_problem=told.append).stories
    assert [
        attempt for event in story.events for attempt in event.attempts if attempt.outcome
    ] == []
    assert len(told) == 1


def test_a_name_that_is_null_is_none() -> None:
    """A member that is null is not known."""
    assert found("r-1", *attempts("clean", **{**A, "names": None})) == {A["sha256"]: 1}


@pytest.mark.parametrize(
    ("names", "matches"),
    [
        (NAMES, True),
        (["mail-1"], False),
        (None, False),
        ("mail-2", False),
        ([["mail-2"], 7], False),
    ],
)
def test_a_query_for_a_reference_takes_each_name(names: object, matches: bool) -> None:
    """Where the record has it so."""
    assert Query(references=frozenset(("mail-2",))).matches({"names": names}) is matches
