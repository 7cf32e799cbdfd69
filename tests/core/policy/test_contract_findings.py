"""What a contract says of a document: pointers and plain words, bounded, never the sender's."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.config.contracts import load_contract
from hookgate.policy import Contract
from hookgate.policy.validator import MOST_FINDINGS
from support.effort import at_most
from support.events import RCS
from support.examples import many
from support.provider import with_member

CANARY = "31600004711"
EVENTS = Contract("cm-events", load_contract("cm-events"))


def make(**schema: Any) -> Contract:
    return Contract("mine", json.dumps(schema).encode())


@pytest.mark.parametrize(
    ("schema", "document", "finding"),
    [
        ({"required": ["a"]}, {}, "/a: missing"),
        ({"properties": {"a": {"required": ["b"]}}}, {"a": {}}, "/a/b: missing"),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "/b: missing"),
        ({"properties": {"a": {"type": "string"}}}, {"a": 1}, "/a: not of type string"),
        (
            {"properties": {"a": {"type": ["string", "null"]}}},
            {"a": 1},
            "/a: not of type null or string",
        ),
        (
            {"properties": {"a": {"items": {"type": "null"}}}},
            {"a": [None, 1]},
            "/a/1: not of type null",
        ),
        ({"properties": {"a": {"minLength": 2}}}, {"a": "x"}, "/a: has fewer than 2"),
        ({"properties": {"a": {"maxLength": 2}}}, {"a": "xxx"}, "/a: has more than 2"),
        ({"properties": {"a": {"minItems": 2}}}, {"a": []}, "/a: has fewer than 2"),
        ({"properties": {"a": {"maxItems": 0}}}, {"a": [1]}, "/a: has more than 0"),
        ({"minProperties": 1}, {}, "/: has fewer than 1"),
        ({"maxProperties": 0}, {"a": 1}, "/: has more than 0"),
        (
            {"properties": {"a": {"enum": ["x"]}}},
            {"a": "y"},
            "/a: not one of the values the contract names",
        ),
        (
            {"properties": {"a": {"const": "x"}}},
            {"a": "y"},
            "/a: not one of the values the contract names",
        ),
        ({"properties": {"a": {"format": "email"}}}, {"a": "y"}, "/a: not a valid email"),
        ({"properties": {"a": {"pattern": "^x"}}}, {"a": "y"}, "/a: does not satisfy `pattern`"),
        ({"properties": {"a": {"minimum": 5}}}, {"a": 1}, "/a: does not satisfy `minimum`"),
        ({"properties": {"a": {"multipleOf": 5}}}, {"a": 1}, "/a: does not satisfy `multipleOf`"),
        (
            {"properties": {"a": {"uniqueItems": True}}},
            {"a": [1, 1]},
            "/a: does not satisfy `uniqueItems`",
        ),
        (
            {"properties": {"a": {"contains": {"const": 1}}}},
            {"a": []},
            "/a: does not satisfy `contains`",
        ),
        ({"not": {}}, {"a": 1}, "/: does not satisfy `not`"),
        ({"oneOf": [{}, {}]}, {"a": 1}, "/: does not satisfy `oneOf`"),
        ({"anyOf": [False]}, {"a": 1}, "/: does not satisfy `anyOf`"),
        ({"additionalProperties": False}, {"a": 1}, "/: a member the contract does not allow"),
        ({"unevaluatedProperties": False}, {"a": 1}, "/: a member the contract does not allow"),
        ({"properties": {"a": False}}, {"a": 1}, "/a: a member the contract does not allow"),
        ({"additionalProperties": {"type": "null"}}, {"a": 1}, "/*: not of type null"),
        ({"additionalProperties": {"required": ["a"]}}, {"x": {}}, "/*/a: missing"),
        (
            {"additionalProperties": {"items": {"type": "null"}}},
            {"5": [1]},
            "/*/0: not of type null",
        ),
        ({"patternProperties": {"^x": {"type": "null"}}}, {"xyz": 1}, "/*: not of type null"),
        ({"properties": {"a/b~c": {"type": "null"}}}, {"a/b~c": 1}, "/a~1b~0c: not of type null"),
    ],
    ids=lambda part: json.dumps(part)[:50],
)
def test_a_finding_is_a_pointer_and_plain_words(
    schema: dict[str, Any], document: dict[str, Any], finding: str
) -> None:
    """Members the schema names are spelt, others are `*`, and each keyword has its words."""
    assert make(**schema).find(document, 10) == (finding,)


def test_every_wrong_member_has_its_finding() -> None:
    """A small body's faults are listed together."""
    event = with_member(with_member(RCS, "/from/number", 5), "/event/type", ...)
    event = with_member(with_member(event, "/timeUtc", "now"), "/to", [])
    assert sorted(EVENTS.find(event, 400)) == [
        "/event/type: missing",
        "/from/number: not of type string",
        "/timeUtc: not a UTC time like 2025-09-03T08:00:05",
        "/to: not of type object",
    ]


SCHEMAS: list[dict[str, Any]] = [
    {"required": ["a"]},
    {"type": "array"},
    {"enum": [1]},
    {"const": {}},
    {"maxProperties": 0},
    {"minProperties": 9},
    {"additionalProperties": False},
    {"additionalProperties": {"type": "null"}},
    {"additionalProperties": {"additionalProperties": False, "items": False, "maxLength": 1}},
    {"additionalProperties": {"required": ["a"], "additionalProperties": {"type": "null"}}},
    {"unevaluatedProperties": False},
    {"unevaluatedProperties": {"type": "null"}},
    {"patternProperties": {"": {"type": "null"}}},
    {"patternProperties": {"[0-9]": {"const": 1}}},
    {"propertyNames": {"maxLength": 1}},
    {"propertyNames": {"pattern": "^x"}},
    {"propertyNames": {"format": "email"}},
    {"propertyNames": {"const": "x"}},
    {"propertyNames": False},
    {"additionalProperties": {"pattern": "^x", "format": "email", "minLength": 99}},
    {"additionalProperties": {"maximum": 1}},
    {"additionalProperties": {"multipleOf": 1000}},
    {"additionalProperties": {"uniqueItems": True, "contains": {"const": 0}, "maxItems": 0}},
    {"additionalProperties": {"prefixItems": [{"type": "null"}], "items": {"type": "null"}}},
    {"additionalProperties": {"unevaluatedItems": False}},
    {"anyOf": [{"required": ["a"]}, {"additionalProperties": False}]},
    {"oneOf": [{"required": ["a"]}, {"additionalProperties": {"type": "null"}}]},
    {"allOf": [{"additionalProperties": {"type": "null"}}]},
    {"not": {}},
    {"if": {}, "then": {"additionalProperties": {"type": "null"}}},
    {"additionalProperties": {"format": "cm-utc-time"}},
    {"additionalProperties": {"format": "uuid"}},
    {"properties": {"n": {"additionalProperties": {"type": "null"}}}, "required": ["n"]},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=json.dumps)
@pytest.mark.parametrize("size", [100, 5000], ids=["small", "large"])
def test_no_key_and_no_value_of_the_sender_is_ever_printed(
    schema: dict[str, Any], size: int
) -> None:
    """A canary as key, value, number, item and nested key is in no finding and no parent."""
    contract = make(**schema)
    values: list[Any] = [CANARY, int(CANARY), {CANARY: CANARY}, [CANARY, CANARY, int(CANARY)]]
    values += [{CANARY: {CANARY: [{CANARY: int(CANARY)}]}}, [[CANARY]], {f"00{CANARY}": None}]
    found = 0
    for key in (CANARY, f"00{CANARY}", f"+{CANARY}", f"a/{CANARY}~", f"-{CANARY}", f"{CANARY}" * 3):
        for value in values:
            document = {key: value, "n": {key: value}}
            details = contract.find(document, size)
            found += len(details)
            assert CANARY not in repr(details), details
            assert CANARY not in repr(contract.unknown(document))
    assert found


JSON_VALUES = st.recursive(
    st.sampled_from([CANARY, int(CANARY), None, True, "", -1.5]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([CANARY, f"00{CANARY}", "from", "number", "event", "0"]), inner
        )
    ),
    max_leaves=8,
)


@settings(max_examples=many(200), deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["reference", "from", "to", "event", "timeUtc", "groupings", CANARY]),
        JSON_VALUES,
    ),
    st.sampled_from([100, 5000]),
)
def test_the_shipped_contract_never_prints_the_sender(document: dict[str, Any], size: int) -> None:
    """Whatever an event holds wherever, neither findings nor parents quote it."""
    details = EVENTS.find(document, size)
    assert details
    assert len(details) <= MOST_FINDINGS == 8
    assert CANARY not in repr(details)
    assert CANARY not in repr(EVENTS.unknown(document))


MANY = 100_000
LARGE: dict[str, tuple[Contract, dict[str, Any]]] = {
    "wrong items": (EVENTS, {**RCS, "groupings": [1] * MANY * 3}),
    "unknown members": (EVENTS, {**RCS, "from": {str(n): n for n in range(MANY)}}),
    "unknown members at the top": (EVENTS, {str(n): n for n in range(MANY)}),
    "a long time": (EVENTS, {**RCS, "timeUtc": "2025-09-03T08:00:05." + "1" * MANY * 10}),
    "a long reference": (EVENTS, {**RCS, "reference": "1" * MANY * 10}),
    "wrong members": (
        make(additionalProperties={"type": "null"}),
        {str(n): n for n in range(MANY)},
    ),
    "wrong items of wrong items": (
        make(additionalProperties={"items": {"items": {"type": "null"}}}),
        {"a": [[1] * 300] * 1000},
    ),
    "members that are not allowed": (
        make(additionalProperties=False),
        {str(n): n for n in range(MANY)},
    ),
}


@pytest.mark.parametrize(("contract", "document"), LARGE.values(), ids=LARGE.keys())
def test_a_large_body_has_one_finding_soon(contract: Contract, document: dict[str, Any]) -> None:
    """A mebibyte of faults is no more than one finding and well under a second."""
    with at_most(0.8):
        contract.unknown(document)
        details = contract.find(document, 1024 * 1024)
    assert len(details) == 1


@pytest.mark.parametrize("count", [1, 7, 8, 9, 400])
def test_a_small_body_has_at_most_eight_findings(count: int) -> None:
    """The rest is not listed."""
    document = {**RCS, "groupings": [1] * count}
    assert len(EVENTS.find(document, 2500)) == min(count, MOST_FINDINGS)


@pytest.mark.parametrize("size", [0, 4095, 4096, 1 << 20])
def test_the_size_never_changes_the_verdict(size: int) -> None:
    """A clean document has no findings and an unclean one has some, however large it is said."""
    assert EVENTS.find(RCS, size) == ()
    assert EVENTS.find(with_member(RCS, "/to/number", 5), size) == (
        "/to/number: not of type string",
    )


def test_the_owner_of_a_document_may_see_its_values() -> None:
    """For `hookgate check` only: full pointers and what is there, cut to a bounded length."""
    contract = make(additionalProperties={"type": "null"})
    (line,) = contract.find_with_values({"any": "é" * 5000})
    assert line.startswith('/any: not of type null; it is "éé')
    assert len(line) < 200
    assert make(required=["a"]).find_with_values({}) == ("/a: missing",)
