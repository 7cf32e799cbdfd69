"""The shipped contracts: what the provider documents passes, what it requires is required."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.config.contracts import SHIPPED_CONTRACTS, load_contract
from hookgate.policy import Contract
from hookgate.policy.document import parse
from hookgate.samples import documented_events
from support.effort import at_most
from support.events import RCS
from support.examples import many
from support.provider import DOCUMENTED, Event, with_member

EVENTS = Contract("cm-events", load_contract("cm-events"))
STRICT = Contract("cm-events-strict", load_contract("cm-events-strict"))
CONTRACTS = {"cm-events": EVENTS, "cm-events-strict": STRICT}

REQUIRED = ["/from", "/from/number", "/to", "/to/number", "/event", "/event/type"]
REQUIRED += ["/timeUtc", "/channel"]
OPTIONAL = ["/messageContext", "/groupings", "/event/custom"]
# The words for what may stand where, in each contract; a text unless it says otherwise.
TYPES = {
    **dict.fromkeys(["/from", "/to", "/event", "/event/custom"], "object"),
    "/groupings": "array",
}
TYPES_OF = {
    "cm-events": TYPES
    | {"/messageContext": "null or string", "/event/reference": "integer or null or string"},
    "cm-events-strict": TYPES,
}
VALUES: tuple[Any, ...] = (None, 31612345678, 1.5, True, [], {}, "", "x")
KINDS = {"string": str, "array": list, "object": dict, "integer": int, "null": type(None)}
# Where nothing may be said in other spellings than by leaving the member out.
ALSO_NOTHING = ("/groupings", "/event/custom")


def kind_of(value: Any) -> str:
    return next(name for name, kind in {**KINDS, "number": float}.items() if type(value) is kind)


MISTYPED = [
    (contract, pointer, kind, value)
    for contract, types in TYPES_OF.items()
    for pointer in [*REQUIRED, *OPTIONAL, "/reference", "/event/reference"]
    for kind in [types.get(pointer, "string")]
    for value in VALUES
    if type(value) is bool or kind_of(value) not in kind.split(" or ")
    if not (contract == "cm-events" and pointer in ALSO_NOTHING and value in (None, ""))
]


def find(event: Event, contract: Contract = EVENTS) -> tuple[str, ...]:
    return contract.find(event, len(json.dumps(event)))


def test_a_contract_ships_for_each_webhook() -> None:
    """They have a name each and load from the package."""
    assert SHIPPED_CONTRACTS == (
        "cm-events",
        "cm-events-strict",
        "cm-messages",
        "cm-status",
        "cm-email",
        "cm-payments",
        "cm-voice",
        "cm-two-way",
    )


@pytest.mark.parametrize("event", DOCUMENTED.values(), ids=DOCUMENTED.keys())
def test_every_documented_event_passes(event: Event) -> None:
    """No channel's documented shape is refused, and none has a member that is unknown."""
    assert find(event) == ()
    assert EVENTS.unknown(event) is None


@pytest.mark.parametrize("body", documented_events().values(), ids=documented_events().keys())
def test_every_shipped_sample_passes(body: bytes) -> None:
    """What `send` and `demo` fire as documented events holds nothing wrong or unknown."""
    document = parse(body, 64, 10_000)
    assert isinstance(document, dict)
    assert find(document) == ()
    assert EVENTS.unknown(document) is None


@pytest.mark.parametrize("event", DOCUMENTED.values(), ids=DOCUMENTED.keys())
def test_the_strict_contract_wants_the_whole_table(event: Event) -> None:
    """RCS events carry it; the others lack the top-level reference and nothing else."""
    missing = () if event["channel"] == "RCS" else ("/reference: missing",)
    assert find(event, STRICT) == missing


@pytest.mark.parametrize("contract", [EVENTS, STRICT], ids=CONTRACTS)
@pytest.mark.parametrize("pointer", REQUIRED)
def test_a_missing_member_is_named_by_its_pointer(pointer: str, contract: Contract) -> None:
    """Each required member, left out, is the one finding."""
    assert find(with_member(RCS, pointer, ...), contract) == (f"{pointer}: missing",)


@pytest.mark.parametrize(("contract", "pointer", "kind", "value"), MISTYPED)
def test_a_mistyped_member_is_named_by_its_pointer(
    contract: str, pointer: str, kind: str, value: Any
) -> None:
    """A value of another JSON type is found at its pointer and told in words."""
    event = with_member(RCS, pointer, value)
    assert find(event, CONTRACTS[contract]) == (f"{pointer}: not of type {kind}",)


@pytest.mark.parametrize("value", [1, [], {}, True])
def test_a_mistyped_grouping_is_named_by_its_place(value: Any) -> None:
    """An item of an array is named by its index."""
    event = with_member(RCS, "/groupings", ["", value])
    assert find(event) == ("/groupings/1: not of type null or string",)
    assert find(event, STRICT) == ("/groupings/1: not of type string",)


def of_instagram(pointer: str, value: Any) -> Event:
    """An event whose channel asks for no reference."""
    return with_member(with_member(RCS, "/channel", "Instagram"), pointer, value)


# What passes all the same, and where the record says so.
def cases(pointer: str, *values: Any, place: str = "") -> list[tuple[str, Any, str]]:
    return [(pointer, value, place or pointer) for value in values]


UNUSUAL = [
    *cases("/reference", None, "", "0", "0042", 0, 2**64 - 1),
    *cases("/messageContext", None),
    *cases("/event/custom", None, ""),
    *cases("/event/reference", None, 0, 42),
    *cases("/groupings", None, ""),
    *cases("/groupings", ["A", None, "C"], place="/groupings/1"),
    *cases("/groupings", [None], [None, "x"], place="/groupings/0"),
    *cases("/timeUtc", "2025-09-03T08:00:05+00:00", "2025-09-03T08:00:05.1234567+00:00"),
]


@pytest.mark.parametrize(("pointer", "value", "place"), UNUSUAL)
def test_what_says_nothing_in_another_spelling_passes_and_is_pointed_to(
    pointer: str, value: Any, place: str
) -> None:
    """CM.com writes "" and null in places, and other channels' ids are digits."""
    event = of_instagram(pointer, value)
    assert find(event) == ()
    assert not EVENTS.is_plain(event)
    assert EVENTS.unusual(event, 500) == (place,)


@pytest.mark.parametrize(("pointer", "value", "place"), UNUSUAL)
def test_the_strict_contract_takes_the_usual_spelling_alone(
    pointer: str, value: Any, place: str
) -> None:
    """And it points to nothing: what it passes is as it asks."""
    (found,) = find(of_instagram(pointer, value), STRICT)
    assert found.startswith(f"{place}: not ")
    assert STRICT.unusual(RCS, 500) == ()


NO_EVENT = [
    *cases("/reference", -1, 1.5, True, [], {}, "x", "4 2", "-1", "1.0", "42\n", "\u0664\u0662"),
    *cases("/event/reference", -1, 1.5, True, [], {}),
    *cases("/messageContext", 0, False, [], {}),
    *cases("/event/custom", [], "{}", " ", 0, False),
    *cases("/groupings", {}, "A", " ", 0, False, [[]], [0]),
    *((pointer, None, pointer) for pointer in REQUIRED),
    *cases("/timeUtc", "", "2025-09-03T08:00:05+00", "2025-09-03T08:00:05-00:00", 1756886405),
    *cases("/timeUtc", "2025-09-03T08:00:05Z+00:00", "2025-02-29T08:00:05+00:00"),
]


@pytest.mark.parametrize(("pointer", "value", "place"), NO_EVENT)
def test_what_is_no_event_is_refused_as_ever(pointer: str, value: Any, place: str) -> None:
    """A required member that says nothing, and a type that is no spelling of nothing."""
    (found,) = find(of_instagram(pointer, value))
    assert found.startswith(place)


@pytest.mark.parametrize("value", ["", None, "42", 42, ...])
def test_rcs_always_carries_its_reference(value: Any) -> None:
    """Nothing is none, in any spelling."""
    (found,) = find(with_member(RCS, "/reference", value))
    assert found.startswith("/reference: ")


def test_no_event_that_is_documented_is_unusual() -> None:
    """What the provider shows takes the short way."""
    for event in DOCUMENTED.values():
        assert EVENTS.is_plain(event)
        assert EVENTS.unusual(event, 500) == ()


def test_every_place_is_pointed_to_once_and_at_most_eight() -> None:
    """Of a large body one, and soon."""
    event = of_instagram("/groupings", [None] * 100)
    assert EVENTS.unusual(event, 1000) == tuple(f"/groupings/{n}" for n in range(8))
    event = with_member(of_instagram("/reference", None), "/event/custom", None)
    assert sorted(EVENTS.unusual(event, 500)) == ["/event/custom", "/reference"]
    with at_most(0.4):
        event = of_instagram("/groupings", [None] * 9000)
        assert EVENTS.find(event, 1 << 20) == ()
        assert EVENTS.unusual(event, 1 << 20) == ("/groupings/0",)


@pytest.mark.parametrize("pointer", ["/messageContext", "/groupings", "/event/custom"])
def test_an_optional_member_may_be_missing(pointer: str) -> None:
    """What the provider leaves out of some events is not required."""
    assert find(with_member(RCS, pointer, ...)) == ()


def test_the_strict_contract_requires_the_message_context() -> None:
    """It is in the provider's table; an empty one counts."""
    assert find(with_member(RCS, "/messageContext", ...), STRICT) == ("/messageContext: missing",)
    assert find(with_member(RCS, "/messageContext", ""), STRICT) == ()


def test_only_rcs_requires_a_reference() -> None:
    """Any other channel, a new one too, may leave it out."""
    without = with_member(RCS, "/reference", ...)
    assert find(without) == ("/reference: missing",)
    for channel in ("Instagram", "rcs", "WhatsApp", "", "RCS "):
        assert find(with_member(without, "/channel", channel)) == ()


@pytest.mark.parametrize("channel", ["RCS", "Instagram"])
@pytest.mark.parametrize(
    "reference",
    [
        *("x", "121c38a5-cf77-424a-9ea9-d6c044a845f", "121c38a5cf77424a9ea9d6c044a845f8"),
        *("{121c38a5-cf77-424a-9ea9-d6c044a845f8}", "121c38a5-cf77-424a-9ea9-d6c044a845g8"),
        *("urn:uuid:121c38a5-cf77-424a-9ea9-d6c044a845f8", " 121c38a5-cf77-424a-9ea9-d6c044a845f8"),
        "121c38a5-cf77-424a-9ea9-d6c044a845f8\n",
    ],
)
def test_a_reference_is_a_uuid_where_it_is_present(reference: str, channel: str) -> None:
    """Of any channel, unless it is digits or nothing; the finding does not quote it."""
    event = with_member(with_member(RCS, "/reference", reference), "/channel", channel)
    assert find(event) == ("/reference: not a valid uuid",)


@pytest.mark.parametrize(
    "reference", [RCS["reference"].upper(), "0" * 8 + "-0000" * 3 + "-" + "0" * 12]
)
def test_any_uuid_is_a_reference(reference: str) -> None:
    """In capitals, and of no version."""
    assert find(with_member(RCS, "/reference", reference)) == ()


@pytest.mark.parametrize(
    "number",
    ["0031612345678", "00cm.com_agent", "17841400000000000", RCS["reference"], "", "+31", "é😀"],
)
@pytest.mark.parametrize("pointer", ["/from/number", "/to/number"])
def test_a_number_is_any_identifier(pointer: str, number: str) -> None:
    """Digits are never required."""
    assert find(with_member(RCS, pointer, number)) == ()


TIMES = {
    "2025-09-03T08:00:05": True,
    "2025-09-03T08:00:05Z": True,
    "2025-09-03T08:00:05.1": True,
    "2025-09-03T08:00:05.1234567Z": True,
    "2025-09-03T08:00:05.123456789": True,
    "2024-02-29T23:59:59": True,
    "0001-01-01T00:00:00": True,
    "9999-12-31T23:59:59": True,
    "": False,
    "2025-09-03": False,
    "08:00:05": False,
    "2025-09-03 08:00:05": False,
    "2025-09-03t08:00:05": False,
    "2025-09-03T08:00": False,
    "2025-09-03T08:00:05z": False,
    "2025-09-03T08:00:05+01:00": False,
    "2025-09-03T08:00:05-05:00": False,
    "2025-09-03T08:00:05.": False,
    "2025-09-03T08:00:05,5": False,
    "2025-09-03T08:00:05.1234567890": False,
    "2025-02-29T08:00:05": False,
    "2025-02-30T08:00:05": False,
    "2025-13-01T08:00:05": False,
    "2025-00-01T08:00:05": False,
    "2025-09-00T08:00:05": False,
    "2025-09-31T08:00:05": False,
    "2025-09-03T24:00:00": False,
    "2025-09-03T08:60:05": False,
    "2025-09-03T08:00:60": False,
    "0000-01-01T00:00:00": False,
    "25-09-03T08:00:05": False,
    "2025-9-3T8:00:05": False,
    "20250903T080005": False,
    "2025-W36-3T08:00:05": False,
    "+2025-09-03T08:00:05": False,
    "12025-09-03T08:00:05": False,
    "2025-09-03T08:00:05 ": False,
    "2025-09-03T08:00:05\n": False,
    "\uff12\uff10\uff12\uff15-09-03T08:00:05": False,
    "2025-09-03T08:00:\u0660\u0665": False,
    "1756886405": False,
}


@pytest.mark.parametrize(("time", "valid"), TIMES.items())
@pytest.mark.parametrize("contract", [EVENTS, STRICT], ids=CONTRACTS)
def test_time_utc_is_a_real_calendar_time(time: str, valid: bool, contract: Contract) -> None:
    """The provider's form without a zone; a fraction and a Z are tolerated."""
    wrong = ("/timeUtc: not a UTC time like 2025-09-03T08:00:05",)
    assert find(with_member(RCS, "/timeUtc", time), contract) == (() if valid else wrong)


@pytest.mark.parametrize(("time", "valid"), TIMES.items())
def test_the_offset_of_utc_makes_no_time_of_what_is_none(time: str, valid: bool) -> None:
    """It stands where a Z may stand."""
    with_offset = with_member(RCS, "/timeUtc", f"{time}+00:00")
    assert (find(with_offset) == ()) is (valid and not time.endswith("Z"))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@settings(max_examples=many(60), deadline=None)
@given(
    st.sampled_from(list(DOCUMENTED)),
    st.sampled_from(["", "/from", "/to", "/event"]),
    st.dictionaries(st.text(min_size=1, max_size=8).map("new ".__add__), JSON_VALUES, min_size=1),
)
def test_members_that_are_added_pass_and_are_counted(
    name: str, parent: str, added: dict[str, Any]
) -> None:
    """Whatever the provider adds, wherever members are known: it passes and is said to be new."""
    event = json.loads(json.dumps(DOCUMENTED[name]))
    (event[parent[1:]] if parent else event).update(added)
    assert find(event) == ()
    unknown = EVENTS.unknown(event)
    assert unknown is not None
    assert unknown.members == len(added)
    assert unknown.parents == (parent or "/",)


def test_new_members_in_several_places_are_summed() -> None:
    """Every parent is named once, in order; what is inside `custom` is not the contract's."""
    event = with_member(with_member(RCS, "/from/name", "x"), "/from/type", "x")
    event = with_member(with_member(event, "/event/id", 1), "/event/custom/more", [1])
    unknown = EVENTS.unknown(with_member(event, "/version", 2))
    assert unknown == (4, ("/", "/event", "/from"))
