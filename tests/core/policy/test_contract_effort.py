"""What a contract of one's own can be made to cost: bounded, or refused when it is loaded."""

import json
from typing import Any

import pytest

from hookgate.config.contracts import SHIPPED_CONTRACTS, load_contract
from hookgate.policy import Contract, ContractError
from hookgate.policy.ways import ways
from support.effort import at_most

SELF = {"$ref": "#"}
DEEP = 18  # twice the work for each level is seconds; a hundred times 60 levels would never end
NOT_TOLD = "/: not as the contract asks; to find the place would take too long"


def made(schema: dict[str, Any]) -> Contract:
    return Contract("own", json.dumps(schema).encode())


def child(schema: Any = SELF) -> dict[str, Any]:
    return {"properties": {"a": schema}}


def an_object(**keywords: Any) -> dict[str, Any]:
    return {"type": "object", **keywords}


def nested(levels: int, leaf: Any) -> Any:
    for _ in range(levels):
        leaf = {"a": leaf}
    return leaf


DYNAMIC = {"$dynamicRef": "#node"}
FORKED: dict[str, dict[str, Any]] = {
    "oneOf": an_object(oneOf=[child(), child()]),
    "anyOf": an_object(anyOf=[child(), child()]),
    "allOf": an_object(allOf=[child(), child()]),
    "a member and an alternative": an_object(**child(), anyOf=[child()]),
    "one alternative": {"anyOf": [{"type": "null"}, an_object(**child())]},
    "if and then": {"type": "object", "if": child(), "then": child()},
    "twice not": an_object(allOf=[{"not": {"not": child()}}] * 2),
    "two patterns": an_object(patternProperties={"a": SELF, "^a": SELF}),
    "a member and a pattern": an_object(**child(), patternProperties={"^a": SELF}),
    "a dependent schema": an_object(**child(), dependentSchemas={"a": child()}),
    "what is not evaluated": an_object(anyOf=[child()], unevaluatedProperties=SELF),
    "all members, twice": an_object(
        additionalProperties=SELF, allOf=[{"additionalProperties": SELF}]
    ),
    "two that refer to each other": {
        "$ref": "#/$defs/x",
        "$defs": {
            "x": an_object(oneOf=[child({"$ref": "#/$defs/x"}), child({"$ref": "#/$defs/y"})]),
            "y": an_object(oneOf=[child({"$ref": "#/$defs/x"}), child({"$ref": "#/$defs/y"})]),
        },
    },
    "by a dynamic anchor": an_object(
        **{"$dynamicAnchor": "node"}, anyOf=[child(DYNAMIC), child(DYNAMIC)]
    ),
    "by an anchor": an_object(
        **{"$anchor": "node"}, anyOf=[child({"$ref": "#node"}), child({"$ref": "#node"})]
    ),
    "by an embedded $id": {
        "$ref": "urn:node",
        "$defs": {
            "x": an_object(
                **{"$id": "urn:node"}, anyOf=[child({"$ref": "urn:node"}), child({"$ref": "#"})]
            )
        },
    },
}  # fmt: skip


@pytest.mark.parametrize("schema", FORKED.values(), ids=FORKED.keys())
@pytest.mark.parametrize("leaf", [{}, 0, {"a": 0}], ids=["object", "number", "number within"])
def test_a_schema_that_leads_back_to_itself_by_many_ways_says_only_that(
    schema: dict[str, Any], leaf: Any
) -> None:
    """The verdict is that of any validator; to find the place would take every way anew."""
    contract, document = made(schema), nested(DEEP, leaf)
    assert ways(schema).endless
    with at_most(0.2):
        contract.is_plain(document)
        contract.unknown(document)
        found = contract.find(document, 250)
        assert found in ((), (NOT_TOLD,))
        assert contract.find_with_values(document) == found


SIMPLE: dict[str, tuple[dict[str, Any], Any, str]] = {
    "a tree": (
        an_object(properties={"a": {"type": "array", "items": SELF}}),
        {"a": [{"a": []}, {"a": [{"a": 1}]}]},
        "/a/1/a/0/a: not of type array",
    ),
    "left and right": (
        an_object(properties={"left": SELF, "right": SELF, "a": {"type": "string"}}),
        {"left": {"right": {"a": 1}}},
        "/left/right/a: not of type string",
    ),
    "named and others": (
        an_object(properties={"a": SELF}, additionalProperties=SELF),
        {"a": {"b": {"a": 1}}},
        "/a/*/a: not of type object",
    ),
    "what all have": (
        {"allOf": [an_object(properties={"a": SELF})]},
        {"a": {"a": 1}},
        "/a/a: not of type object",
    ),
    "first and others": (
        {"$ref": "#/$defs/x", "$defs": {"x": {"properties": {"a": {
            "prefixItems": [{"$ref": "#/$defs/x"}], "items": {"$ref": "#/$defs/x"}, "maxItems": 2
        }}}}},
        {"a": [{}, {"a": [1, 2, 3]}]},
        "/a/1/a: has more than 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("schema", "document", "place"), SIMPLE.values(), ids=SIMPLE.keys())
def test_a_schema_that_leads_back_to_itself_by_one_way_tells_the_place(
    schema: dict[str, Any], document: Any, place: str
) -> None:
    """Trees of all sorts: each value is looked at once."""
    contract = made(schema)
    assert not ways(schema).endless
    assert contract.find(document, 100) == (place,)
    with at_most(0.2):
        contract.find(nested(120, 0), 1 << 20)
        contract.find(nested(120, {"a": [[]] * 5000}), 1 << 20)


@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf"])
def test_references_that_multiply_are_refused(keyword: str) -> None:
    """24 parts, each of which refers to the next one twice, are 16 million for one value."""
    chain: dict[str, Any] = {
        f"p{n}": {keyword: [{"$ref": f"#/$defs/p{n + 1}"}] * 2} for n in range(24)
    }
    chain["p24"] = {"type": "string"}
    with pytest.raises(ContractError, match=r"its references multiply: .* schemas, more than"):
        made({"$ref": "#/$defs/p0", "$defs": chain})
    made({"$ref": "#/$defs/p14", "$defs": chain})


def test_a_chain_of_references_may_be_long() -> None:
    """Longer than Python's stack is deep."""
    parts: dict[str, Any] = {f"p{n}": {"$ref": f"#/$defs/p{n + 1}"} for n in range(3000)}
    schema = {"$ref": "#/$defs/p0", "$defs": {**parts, "p3000": {"type": "object"}}}
    assert ways(schema) == (3002, False)


def test_a_chain_of_members_may_not_be_longer_than_any_document() -> None:
    """It is refused in words."""
    parts: dict[str, Any] = {f"p{n}": child({"$ref": f"#/$defs/p{n + 1}"}) for n in range(3000)}
    made({"$ref": "#/$defs/p2800", "$defs": {**parts, "p3000": {}}})
    with pytest.raises(ContractError, match="through too many levels"):
        made({"$ref": "#/$defs/p0", "$defs": {**parts, "p3000": {}}})


def alternatives(count: int) -> dict[str, Any]:
    parts = [an_object(required=[f"k{n}"], properties={f"k{n}": {}}) for n in range(count)]
    return {"oneOf": parts}


@pytest.mark.parametrize("count", [3, 12, 100])
def test_alternatives_are_not_each_given_a_large_document(count: int) -> None:
    """Each that fails would get a copy of it."""
    contract = made(alternatives(count))
    assert contract.find({"a": 1}, 300) == ("/: does not satisfy `oneOf`",)
    for document in (
        {"a": [{"b": 1}] * 4900},
        {"a": ["y" * 80] * 9900},
        {f"{n:0100d}": 1 for n in range(9900)},
        {"a": "y" * (1 << 20)},
    ):
        with at_most(0.5):
            assert len(contract.find(document, len(json.dumps(document)))) == 1


@pytest.mark.parametrize("name", SHIPPED_CONTRACTS)
def test_the_shipped_contracts_tell_the_place_in_a_body_of_any_size(name: str) -> None:
    """Few ways lead to a value of an event. Two ask for nothing but an object."""
    contract = Contract(name, load_contract(name))
    assert contract.tells_places
    lacking: dict[str, Any] | list[Any] = (
        [{}] if list in contract.tops else {"x": ["y" * 100] * 9900}
    )
    found = contract.find(lacking, 1 << 20)
    if name in ("cm-voice", "cm-two-way"):
        assert found == ()
    else:
        assert found[0].endswith(": missing")


PATTERNS = {
    "look-ahead": "^(?=a)b",
    "negative look-ahead": "^(?!.*foo)[a-z]+$",
    "look-behind": "(?<=a)b",
    "back-reference": r"^(a*)*\1b$",
    "counts of counts": "(a{1000}){1000}",
}


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS.keys())
@pytest.mark.parametrize("place", ["pattern", "patternProperties"])
def test_a_pattern_that_may_take_long_is_refused(pattern: str, place: str) -> None:
    """With the words why: RFC 9485 and JSON Schema recommend patterns without such."""
    schema = {place: pattern if place == "pattern" else {pattern: {}}}
    with pytest.raises(ContractError, match="in one pass over the text; write it with"):
        made({"properties": {"a": schema}})


HOSTILE: dict[str, tuple[dict[str, Any], Any]] = {
    "(a+)+": ({"pattern": "^(a+)+$"}, ["a" * 1_000_000 + "b"]),
    "(.*)(.*)(.*)x": ({"pattern": "^(.*)(.*)(.*)x$"}, ["a" * 1_000_000]),
    "a count": ({"pattern": r"\w{500}$"}, ["a\u00e9" * 300_000 + " "]),
    "different items": ({"uniqueItems": True}, [[str(n) for n in range(9900)]]),
    "different objects": ({"uniqueItems": True}, [[{"a": n} for n in range(4900)]]),
    "different numbers": ({"uniqueItems": True}, [[n + 0.5 if n % 2 else n for n in range(9900)]]),
    "alike but for the last member": (
        {"uniqueItems": True},
        [[{**{f"k{k}": 0 for k in range(30)}, "z": n} for n in range(300)]],
    ),
    "one of thousands": ({"enum": [f"v{n}" for n in range(5000)]}, ["v4999"] * 9900),
    "a host name of many labels": ({"format": "idn-hostname"}, ["\u00e4." * 300_000]),
    "a long mail address": ({"format": "email"}, ["a@" + "a." * 400_000 + "aa"]),
    "a regular expression": ({"format": "regex"}, ["(" * 1_000_000]),
    "a length": ({"maxLength": 10**9}, ["\u00e9" * 500_000]),
}


@pytest.mark.parametrize(("schema", "items"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_mebibyte_made_for_a_keyword_is_judged_at_once(
    schema: dict[str, Any], items: list[Any]
) -> None:
    """In proportion to its size."""
    contract = made(an_object(properties={"x": {"type": "array", "items": schema}}))
    with at_most(0.6):
        contract.is_plain({"x": items})
        contract.find({"x": items}, 1 << 20)
