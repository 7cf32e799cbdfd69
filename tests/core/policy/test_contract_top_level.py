"""What the top level of a body may be follows from the schema's `type`."""

import json
from typing import Any

import pytest

from hookgate.policy import Contract, ContractError

ARRAY: dict[str, Any] = {"type": "array"}
TOPS: dict[str, tuple[dict[str, Any], set[type]]] = {
    "object": ({"type": "object"}, {dict}),
    "array": (ARRAY, {list}),
    "either": ({"type": ["array", "object"]}, {dict, list}),
    "others are none": ({"type": ["null", "object", "string"]}, {dict}),
    "nothing said": ({}, {dict}),
    "items alone say nothing": ({"items": {"type": "object"}}, {dict}),
    "a reference": ({"$ref": "#/$defs/a", "$defs": {"a": ARRAY}}, {list}),
    "two": ({"$ref": "#/$defs/b", "$defs": {"a": ARRAY, "b": {"$ref": "#/$defs/a"}}}, {list}),
    "a type before a reference": (
        {"type": ["array", "object"], "$ref": "#/$defs/a", "$defs": {"a": ARRAY}},
        {dict, list},
    ),
    "a reference to itself": ({"$ref": "#"}, {dict}),
    "a reference to anything": ({"$ref": "#/$defs/a", "$defs": {"a": True}}, {dict}),
    "an anchor": ({"$ref": "#a", "$defs": {"a": {"$anchor": "a", "minProperties": 1}}}, {dict}),
}


@pytest.mark.parametrize(("schema", "tops"), TOPS.values(), ids=TOPS)
def test_the_type_says_what_a_body_may_be(schema: dict[str, Any], tops: set[type]) -> None:
    """An object where nothing does."""
    assert Contract("own", json.dumps(schema).encode()).tops == tops


@pytest.mark.parametrize("named", ["string", "null", ["number", "boolean"], []])
@pytest.mark.parametrize("place", [lambda part: part, lambda part: {"$ref": "#/a", "a": part}])
def test_a_contract_that_no_body_could_keep_is_refused(named: Any, place: Any) -> None:
    """A body is an object or an array."""
    with pytest.raises(ContractError):
        Contract("own", json.dumps(place({"type": named})).encode())
