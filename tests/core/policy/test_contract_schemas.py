"""Which schemas can be a contract, and what one does not know."""

import json
from typing import Any

import pytest

from hookgate.policy import Contract, ContractError

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def make(schema: Any) -> Contract:
    return Contract("mine", schema if isinstance(schema, bytes) else json.dumps(schema).encode())


@pytest.mark.parametrize(
    "reference",
    [
        *("http://127.0.0.1:9/schema.json", "https://example.com/schema.json"),
        *("file:///etc/passwd", "file://localhost/etc/passwd", "ftp://example.com/x"),
        *("other.json", "./other.json", "../other.json", "/etc/passwd", "//example.com/x"),
        *("urn:example:x", "urn:uuid:121c38a5-cf77-424a-9ea9-d6c044a845f8", "x:y", "data:,true"),
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        lambda part: part,
        lambda part: {"properties": {"a": part}},
        lambda part: {"$ref": "#/$defs/used", "$defs": {"used": part}},
        lambda part: {"type": "object", "allOf": [{"items": {"not": part}}]},
        lambda part: {"$id": "https://example.com/here/", "properties": {"a": part}},
    ],
    ids=["top", "member", "definition", "deep", "below an $id"],
)
@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef"])
def test_a_reference_out_of_the_file_is_refused(reference: str, place: Any, keyword: str) -> None:
    """Nothing is fetched at load or later, from the network or from a file."""
    with pytest.raises(ContractError):
        make(place({keyword: reference}))


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "object"}}},
        {"$ref": "#a", "$defs": {"x": {"$anchor": "a", "type": "object"}}},
        {"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "object"}}},
        {"$ref": "#/$defs/a~0b", "$defs": {"a~b": {"type": "object"}}},
        {"$ref": "#/$defs/a%20b", "$defs": {"a b": {"type": "object"}}},
        {"$ref": "#/%24defs/a/x", "$defs": {"a": {"x": {"type": "object"}}}},
        {"$ref": "#/allOf/1", "allOf": [True, {"type": "object"}]},
        {
            "$defs": {"a": {"$id": "https://example.com/a", "type": "object"}},
            "$ref": "https://example.com/a",
        },
        {
            "properties": {
                "a": {
                    "$id": "https://example.com/a",
                    "$defs": {"b": {"type": "object"}},
                    "properties": {"c": {"$ref": "#/$defs/b"}},
                }
            }
        },
        {"properties": {"a": {"$ref": "#"}}},
        {
            "$ref": "#/$defs/a",
            "$defs": {
                "a": {"properties": {"b": {"$ref": "#/$defs/b"}}},
                "b": {"properties": {"a": {"$ref": "#/$defs/a"}}},
            },
        },
        {"properties": {"$ref": {"type": "string"}}},
        {"const": {"$ref": "http://127.0.0.1:9/"}},
        {"$schema": DIALECT},
        {"$comment": "no $schema", "type": "object"},
        {},
    ],
    ids=lambda schema: json.dumps(schema)[:60],
)
def test_a_schema_that_stays_in_its_file_is_a_contract(schema: Any) -> None:
    """Pointers, anchors, identifiers and recursion within the file load and judge."""
    contract = make(schema)
    assert contract.find({"a": {}, "$ref": "x"}, 10) == () or "const" in schema
    contract.unknown({"a": {"c": {}}, "b": {"a": {}}})


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        (b"", "empty; "),
        (b"{", "no strict JSON"),
        (b'{"type":"object",}', "no strict JSON"),
        (b"// note\n{}", "no strict JSON"),
        (b"\xef\xbb\xbf{}", "no strict JSON"),
        (b'{"title":"\xff"}', "not UTF-8"),
        (b"true", "no object"),
        (b"[]", "no object"),
        (b'{"type":"object","type":"array"}', "a key twice"),
        (b'{"properties":{"a":{"type":"string"},"\\u0061":{}}}', "a key twice"),
        (b'{"maximum":1e999}', "a number that parsers read differently"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, DIALECT),
        ({"$schema": "https://json-schema.org/draft/2019-09/schema"}, DIALECT),
        ({"$schema": "http://json-schema.org/draft-04/schema"}, DIALECT),
        ({"$schema": "https://example.com/mine"}, DIALECT),
        ({"$schema": 202012}, "/$schema = 202012 is no text"),
        ({"$schema": None}, "/$schema = null is no text"),
        ({"type": "strin"}, "strin"),
        ({"type": 5}, ""),
        ({"required": "a"}, ""),
        ({"required": ["a", "a"]}, ""),
        ({"minimum": "x"}, ""),
        ({"minLength": -1}, ""),
        ({"properties": {"a": {"type": "nope"}}}, "nope"),
        ({"pattern": "("}, ""),
        ({"patternProperties": {"(": {}}}, ""),
        ({"$ref": 5}, ""),
        ({"$ref": "#/nope"}, "nope"),
        ({"$ref": "#nope"}, "nope"),
        ({"items": {"$ref": "#/$defs/b"}, "$defs": {"a": {}}}, "$defs/b"),
        ({"$defs": {"unused": {"$ref": "http://127.0.0.1:9/"}}}, "127.0.0.1"),
        ({"format": "cm-utc-tme"}, "cm-utc-tme"),
        ({"properties": {"a": {"format": "phone"}}}, "phone"),
        ({"x-tolerated": None}, "/x-tolerated = "),
        ({"x-tolerated": True}, "/x-tolerated = "),
        ({"x-tolerated": []}, "/x-tolerated = "),
        ({"x-tolerated": {"type": "nope"}}, "/x-tolerated/"),
        ({"x-tolerated": {"$ref": "#/$defs/b"}, "$defs": {"a": {}}}, "/x-tolerated/"),
        ({"x-tolerated": {"$ref": "#/properties/a"}, "properties": {"a": {}}}, "/x-tolerated/"),
        ({"x-tolerated": {"$ref": "http://127.0.0.1:9/"}}, "127.0.0.1"),
    ],
)
def test_what_is_no_contract_is_refused_with_a_word_on_it(schema: Any, word: str) -> None:
    """Broken JSON, another draft, a bad keyword or an unknown format: one line says which."""
    with pytest.raises(ContractError) as caught:
        make(schema)
    assert word in str(caught.value)
    assert str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_schema_of_the_deepest_nesting_is_a_contract_and_one_deeper_is_none() -> None:
    """A schema is held to the document's depth, which a sender's body cannot reach beyond."""

    def nested(levels: int) -> bytes:
        return b'{"not":' * (levels - 1) + b"{}" + b"}" * (levels - 1)

    assert make(nested(128)).find({}, 2) in ((), ("/: does not satisfy `not`",))
    with pytest.raises(ContractError, match="nested too deep"):
        make(nested(129))


@pytest.mark.parametrize(
    ("format_", "good", "bad"),
    [
        ("uuid", "121c38a5-cf77-424a-9ea9-d6c044a845f8", "121c38a5"),
        ("date-time", "2025-09-03T08:00:05Z", "2025-09-03T08:00:05"),
        ("email", "a@example.com", "a"),
        ("uri", "https://example.com/", "example"),
        ("ipv4", "203.0.113.5", "203.0.113.256"),
        ("cm-utc-time", "2025-09-03T08:00:05Z", "2025-09-03T08:00:05+00:00"),
        ("cm-utc-time-offset", "2025-09-03T08:00:05+00:00", "2025-09-03T08:00:05+01:00"),
    ],
)
def test_formats_are_checked(format_: str, good: str, bad: str) -> None:
    """A format is an assertion here, not an annotation."""
    contract = make({"properties": {"a": {"format": format_}}})
    assert contract.find({"a": good}, 10) == ()
    assert len(contract.find({"a": bad}, 10)) == 1


TOLERANT = {
    "properties": {"a": {"type": "string"}, "b": {"$ref": "#/$defs/o"}},
    "$defs": {"d": {"type": ["object", "null"], "properties": {"c": {}}}, "o": {"type": "object"}},
    "x-tolerated": {
        "properties": {"a": {"type": ["string", "integer"]}, "b": {"$ref": "#/$defs/d"}}
    },
}


@pytest.mark.parametrize(
    ("document", "found", "unusual", "unknown"),
    [
        ({"a": "x", "b": {}}, (), (), False),
        ({"a": 1, "b": {}}, (), ("/a",), False),
        ({"a": 1, "b": None}, (), ("/a", "/b"), False),
        ({"a": 1, "31612345678": 1}, (), ("/a",), True),
        ({"a": None, "b": None}, ("/a: not of type integer or string",), ("/a", "/b"), False),
    ],
)
def test_a_contract_may_tolerate_more_than_it_asks(
    document: dict[str, Any], found: tuple[str, ...], unusual: tuple[str, ...], unknown: bool
) -> None:
    """By `x-tolerated`, a second schema, which may refer to the definitions beside it."""
    contract = make(TOLERANT)
    assert contract.find(document, 10) == found
    assert contract.unusual(document, 10) == unusual
    assert (contract.unknown(document) is not None) is unknown
    assert contract.is_plain(document) is not (unknown or bool(unusual))
    assert bool(contract.find_with_values(document)) is bool(found)


def test_what_the_contract_asks_is_never_refused_by_what_it_tolerates() -> None:
    """Whoever writes the second schema too narrow loses nothing by it."""
    contract = make({"properties": {"a": {"type": "string"}}, "x-tolerated": {"required": ["b"]}})
    assert contract.find({"a": "x"}, 10) == contract.unusual({"a": "x"}, 10) == ()
    assert contract.find({"a": 1, "b": 1}, 10) == ()
    assert contract.find({"a": 1}, 10) == ("/b: missing",)


def test_what_is_unusual_is_pointed_to_without_a_name_that_the_sender_chose() -> None:
    """As a finding is: a member's name may be a phone number."""
    contract = make({"additionalProperties": {"items": {"type": "string"}}, "x-tolerated": {}})
    document = {"31612345678": ["31612345678", 31612345678]}
    assert contract.unusual(document, 10) == ("/*/1",)


def test_a_schema_that_leads_back_to_itself_points_to_the_whole() -> None:
    """To find the place would be to go many ways."""
    tree = {"anyOf": [{"type": "null"}, {"required": ["a"], "properties": {"a": {"$ref": "#"}}}]}
    contract = make({**tree, "x-tolerated": {}})
    assert contract.tells_places
    assert contract.find({"a": {}}, 10) == ()
    assert contract.unusual({"a": {}}, 10) == ("/",)


def test_the_digest_is_the_texts() -> None:
    """The same text under two names has one digest, another text another one."""
    assert Contract("a", b"{}").digest == Contract("b", b"{}").digest
    assert Contract("a", b"{}").digest != Contract("a", b"{ }").digest


A: dict[str, Any] = {"properties": {"a": {}}}
B: dict[str, Any] = {"properties": {"b": {}}}


@pytest.mark.parametrize(
    "schema",
    [
        {**A, "$ref": "#/$defs/b", "$defs": {"b": B}},
        {"$ref": "#/$defs/ab", "$defs": {"ab": {**A, "allOf": [B]}}},
        {"allOf": [A, B]},
        {**A, "anyOf": [B, {}]},
        {**A, "oneOf": [B, False]},
        {**A, "if": {"required": ["b"]}, "then": B},
        {**A, "if": {"required": ["c"]}, "then": True, "else": B},
        {**A, "if": B},
        {**A, "dependentSchemas": {"a": B}},
    ],
    ids=lambda schema: json.dumps(schema)[:60],
)
def test_members_named_in_any_part_of_a_schema_are_known(schema: Any) -> None:
    """What composes a schema names members as well as its own `properties` do."""
    contract = make(schema)
    assert contract.unknown({"a": 1, "b": 2}) is None
    assert contract.unknown({"a": 1, "b": 2, "c": 3}) == (1, ("/",))


@pytest.mark.parametrize("schema", [{}, {"type": "object"}, {"required": ["a"]}])
def test_a_schema_that_names_no_members_knows_of_no_unknown_ones(schema: Any) -> None:
    """Only where a schema names members can one be new."""
    assert make(schema).unknown({"a": 1, "b": {"c": 2}}) is None


def test_a_recursive_schema_ends() -> None:
    """Members are followed into a reference that is on its way already only once."""
    schema = {
        "$ref": "#/$defs/node",
        "$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}}}},
    }
    assert make(schema).unknown({"next": {"next": {"next": {}}}}) is None
    assert make(schema).unknown({"other": 1}) == (1, ("/",))
