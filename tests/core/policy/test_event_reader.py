"""What is read of an event by pointers, held to a reading of them that is plain."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.config.contracts import SHIPPED_CONTRACTS, load_rules
from hookgate.policy.contract_rules import READ, Pointer, parse_rules
from hookgate.policy.event_reader import LONGEST_TEXT, MOST_NAMES, EventReader
from support.examples import many

Read = dict[str, tuple[Pointer, ...]]
MISSING = object()


def read(document: Any, pointers: Any = READ) -> dict[str, Any]:
    """What a record has of a document, where nothing is private."""
    record: dict[str, Any] = {}
    EventReader(pointers).read(document, record, str)
    return record


def lead(document: Any, pointer: Pointer) -> Any:
    """What an RFC 6901 pointer to members leads to."""
    for step in pointer:
        document = document.get(step, MISSING) if isinstance(document, dict) else MISSING
    return document


def expected(document: Any, pointers: Read) -> dict[str, Any]:
    """Field by field, the first pointer that leads to something to record."""
    found = {}
    for field in pointers:
        for pointer in pointers[field]:
            value = lead(document, pointer)
            if field in ("reference", "event_reference") and type(value) is int:
                value = str(value) if 0 <= value < 2**64 else None
            if type(value) is str:
                found[field] = value[:LONGEST_TEXT]
                break
    return found


STEPS = st.sampled_from(["a", "b", "a/b", "~", "", "\u00e9", "'", "{x}"])
POINTERS = st.lists(STEPS, min_size=1, max_size=3).map(tuple)
NAMES = st.sampled_from(["reference", "event_reference", "from", "to"])
RULES = st.dictionaries(NAMES, st.lists(POINTERS, max_size=2).map(tuple))
LEAVES = st.none() | st.booleans() | st.integers() | st.text(min_size=1, max_size=5) | st.floats()
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.dictionaries(STEPS, inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=20,
)


@settings(max_examples=many(300))
@given(DOCUMENTS, RULES)
def test_pointers_are_read_as_they_say(document: Any, rules: Read) -> None:
    """Whatever stands in the way, and however steps are spelled."""
    found = read(document, rules)
    wanted = expected(document, rules)
    assert {name: value for name, value in found.items() if value is not None} == wanted


def test_each_item_of_a_list_has_a_name() -> None:
    """In their order, each once; the first is the event's for a person."""
    rules: Read = {"reference": (("*", "id"),), "names": (("*", "id"), ("*", "other"))}
    document = [
        {"id": 7},
        {"id": "b", "other": "x"},
        {"id": 7},
        {"other": None},
        "c",
        [],
        {"id": ""},
    ]
    assert read(document, rules) == {"reference": "7", "names": ["7", "b", "x"]}


def test_no_more_than_so_many_names_are_recorded() -> None:
    """Each as long as a name may be."""
    rules: Read = {"names": (("*", "id"),)}
    found = read([{"id": f"{n}" + "x" * 500} for n in range(9_000)], rules)["names"]
    assert len(found) == MOST_NAMES
    assert max(map(len, found)) == LONGEST_TEXT
    assert read([{"id": None}], rules) == {}
    assert read({"id": "x"}, rules) == {}


def test_a_list_within_lists_is_walked() -> None:
    """As far as there are any."""
    rules: Read = {"names": (("*", "ids", "*"),)}
    assert read([{"ids": ["a", 1]}, {"ids": "b"}, {"ids": [["c"]]}], rules) == {"names": ["a", "1"]}


@pytest.mark.parametrize(
    ("field", "value", "recorded"),
    [
        ("channel", "RCS", "RCS"),
        ("channel", "+31600000000", "other"),
        ("event_type", "x" * 65, "other"),
        ("event_type", 7, None),
        ("time_utc", "2025-09-03T08:00:05.1234567+00:00", "2025-09-03T08:00:05.1234567+00:00"),
        ("time_utc", "2025-09-03 10:00:05", None),
        ("from", 31600000000, None),
        ("reference", 2**64, None),
        ("reference", True, None),
    ],
)
@pytest.mark.parametrize("pointers", [(("x",),), (("y",), ("x",)), (("*",), ("x",))], ids=str)
def test_only_what_a_field_may_hold_is_recorded(
    field: str, value: Any, recorded: Any, pointers: tuple[Pointer, ...]
) -> None:
    """By whichever pointer it is found."""
    assert read({"x": value}, {field: pointers}).get(field) == recorded


@pytest.mark.parametrize("name", SHIPPED_CONTRACTS)
@given(document=DOCUMENTS)
def test_nothing_that_comes_upsets_a_shipped_contract(name: str, document: Any) -> None:
    """Names that are texts, and nothing else."""
    found = read(document, parse_rules(load_rules(name)).read)
    assert all(type(item) is str for item in found.pop("names", []))
    assert all(value is None or type(value) is str for value in found.values())
