"""A document that one look finds plain has nothing wrong and nothing unknown in it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.config.build import load
from hookgate.policy import Contract
from hookgate.policy.document import Document
from hookgate.samples import documented_events
from support.events import event

SHIPPED = Contract("x", load(None, {"upstream.url": "http://up"}, {}).routes[0].contract_text)

NAMED: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}, "b": {}}}
SCHEMAS: dict[str, dict[str, Any]] = {
    "flat": NAMED,
    "nested": {"properties": {"a": NAMED, "b": {"allOf": [NAMED, {"properties": {"c": {}}}]}}},
    "alternatives": {"oneOf": [NAMED, {"properties": {"a": {"type": "integer"}}}]},
    "a member without bounds": {"properties": {"a": {"additionalProperties": {}}, "b": True}},
    "unevaluated": {"anyOf": [NAMED, {"properties": {"c": {}}}], "unevaluatedProperties": False},
    "not itself": {"properties": {"a": {"not": {"$ref": "#"}}, "b": {"type": "string"}}},
    "if itself": {
        "properties": {"a": {"if": {"$ref": "#"}, "then": False}, "b": {"type": "string"}}
    },
    "items like itself": {"properties": {"a": {"items": {"$ref": "#"}}, "b": {"type": "string"}}},
    "within itself": {"properties": {"a": {"$ref": "#"}, "b": {"type": "string"}}},
    "definitions": {"$defs": {"d": NAMED}, "properties": {"a": {"$ref": "#/$defs/d"}, "c": {}}},
    "a name": {"$id": "https://example.com/c", "$ref": "#/$defs/d", "$defs": {"d": NAMED}},
    "an anchor": {"$defs": {"d": {"$anchor": "d", **NAMED}}, "properties": {"a": {"$ref": "#d"}}},
    "dynamic": {"$dynamicAnchor": "n", "properties": {"a": {"$dynamicRef": "#n"}, "b": NAMED}},
    "tolerant": {
        "$defs": {"d": NAMED},
        "properties": {"a": {"type": "string"}, "b": {"$ref": "#/$defs/d"}},
        "x-tolerated": {"properties": {"a": {"type": ["string", "null"]}}},
    },
    "a pattern": {"patternProperties": {"^a": NAMED}, "properties": {"b": {}}},
    "any object": {"type": "object"},
    "an array": {"type": "array", "items": NAMED},
    "either": {"type": ["array", "object"], "items": NAMED, "properties": {"a": {"items": NAMED}}},
    "arrays of themselves": {"type": "array", "items": {"anyOf": [NAMED, {"$ref": "#"}]}},
    "a first item": {"type": "array", "prefixItems": [{"properties": {"c": {}}}], "items": NAMED},
}
CONTRACTS = {name: Contract("x", json.dumps(schema).encode()) for name, schema in SCHEMAS.items()}

NAMES = st.sampled_from(["a", "b", "c", "d"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(["", "text", 1, None]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=4) | st.lists(VALUES, max_size=3)


def nothing_is_said(contract: Contract, document: Document) -> bool:
    found = contract.find(document, 1) or contract.unusual(document, 1)
    return not found and contract.unknown(document) is None


# Those that say all they say in one place.
IN_ONE_PLACE = (
    *("flat", "nested", "alternatives", "definitions", "a name", "tolerant"),
    *("a pattern", "any object", "an array", "either"),
)


@settings(max_examples=150, deadline=None)
@given(document=DOCUMENTS)
def test_nothing_is_said_of_a_plain_document(document: Document) -> None:
    """Whatever the schema refers to: a plain document is neither refused nor remarked upon. Where
    it says all it says in one place, any other document is.
    """
    for name, contract in CONTRACTS.items():
        plain, unsaid = contract.is_plain(document), nothing_is_said(contract, document)
        assert plain == unsaid or (unsaid and name not in IN_ONE_PLACE), name


def test_members_of_items_are_counted_where_they_are_named_for_every_item() -> None:
    """Of the first ones other members may be named: nothing is said of any."""
    items = [{"c": 1}, {"c": 1}]
    assert CONTRACTS["an array"].unknown(items) == (2, ("/0", "/1"))
    assert CONTRACTS["a first item"].unknown(items) is None


@pytest.mark.parametrize("name", documented_events())
def test_documented_events_are_plain(name: str) -> None:
    """What the provider documents takes the short way."""
    assert SHIPPED.is_plain(json.loads(documented_events()[name]))


@pytest.mark.parametrize(
    "odd",
    [
        {"more": 1},
        {"messageContext": None},
        {"timeUtc": "yesterday"},
        {"from": {"number": "1", "name": "x"}},
        {"to": {}},
    ],
    ids=str,
)
def test_an_event_with_something_wrong_or_unknown_is_not_plain(odd: dict[str, Any]) -> None:
    """It is looked at again, to tell what."""
    document = json.loads(event(**odd))
    assert not SHIPPED.is_plain(document)
    assert not nothing_is_said(SHIPPED, document)


def test_a_schema_that_names_more_than_can_be_listed_is_used_all_the_same() -> None:
    """Each level names the next twice: written out, there were two to the power of forty."""
    schema: dict[str, Any] = {"$defs": {"40": {"properties": {"end": {"type": "string"}}}}}
    for level in range(40):
        below = {"$ref": f"#/$defs/{level + 1}"}
        schema["$defs"][str(level)] = {"properties": {"left": below, "right": below}}
    schema["$ref"] = "#/$defs/0"
    contract = Contract("x", json.dumps(schema).encode())
    assert not contract.is_plain({"left": {}})
    assert nothing_is_said(contract, {"left": {}})
    assert not nothing_is_said(contract, {"left": {"up": {}}})
