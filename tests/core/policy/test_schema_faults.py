"""What is said of a schema that is none: the place, what is wrong, and a mend that works."""

import copy
import json
import re
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.policy import Contract, ContractError
from hookgate.policy.schema_faults import find_faults
from hookgate.policy.schema_keywords import FORMATS
from hookgate.policy.validator import compile_schema
from support.examples import many

HERE = "https://json-schema.org/draft/2020-12/schema"
DEFS: dict[str, Any] = {"$defs": {"message": {"type": "object"}, "a b": {"$anchor": "here"}}}
# A keyword, a value that cannot be one of its, and what the message says of it.
WRONG: list[tuple[str, Any, str]] = [
    ("type", "strin", 'is no type; did you mean "string"?'),
    ("type", ["int", "null"], 'is no type; did you mean "integer"?'),
    ("type", "nope", 'is no type; there are "array", '),
    ("type", None, "is no type"),
    ("type", [], 'is no list of types, each once; write one like ["array"]'),
    ("type", ["null", "null"], "is no list of types"),
    ("required", "a", 'is no list of names; write one like ["a"]'),
    ("required", True, "is no list of names"),
    ("required", [1], "is no list of names"),
    ("required", ["a", "b", "a"], 'has a name twice; write ["a", "b"]'),
    ("minLength", -1, "is no count; write a whole number, like 1"),
    ("maxItems", "5", "is no count"),
    ("maxProperties", 1.5, "is no count"),
    ("minimum", "1", "is no number; write one like 1"),
    ("exclusiveMinimum", True, "is no number; write one like 1"),
    ("multipleOf", 0, "is not above 0; write a number like 1"),
    ("uniqueItems", "true", "is neither true nor false"),
    ("enum", "a", 'is no list; write ["a"]'),
    ("properties", ["a"], 'is no object of schemas; write one like {"a": {}}'),
    ("$defs", None, "is no object of schemas"),
    ("dependentSchemas", 1, "is no object of schemas"),
    ("dependentRequired", ["a"], 'is no object; write one like {"a": ["b"]}'),
    ("allOf", {}, "is no list of schemas; write one like [{}]"),
    ("anyOf", [], "is no list of schemas"),
    ("prefixItems", {}, "is no list of schemas"),
    ("items", 5, "is no schema; write an object, like {}"),
    ("additionalProperties", "false", "is no schema; write an object, like {}"),
    ("not", None, "is no schema"),
    ("description", 5, "is no text; leave it out"),
    ("format", 5, "is no text; leave it out"),
    ("$ref", {"a": 1}, "is no text; leave it out"),
    ("format", "uid", 'is no format that is known here; did you mean "uuid"?'),
    ("format", "cm-utc-tme", 'did you mean "cm-utc-time"?'),
    ("format", "zzz", 'there are "date", "date-time"'),
    ("$ref", "#/$defs/mesage", 'leads nowhere; did you mean "#/$defs/message"?'),
    ("$ref", "#/definitions/message", 'leads nowhere; did you mean "#/$defs/message"?'),
    ("$ref", "#her", 'leads nowhere; did you mean "#here"?'),
    ("$ref", "#/$defs/a b/x", 'leads nowhere; did you mean "#/$defs/a%20b"?'),
    ("$ref", "#/%zz", 'leads nowhere; there are "#here", "#/$defs/message", '),
    ("$dynamicRef", "#her", "leads nowhere"),
    *(
        ("$ref", elsewhere, "is outside this file, and nothing is fetched; copy what it names")
        for elsewhere in ("http://127.0.0.1:9/", "file:///etc/passwd", "other.json", "urn:a:b")
    ),
    ("$id", "a#b", "is no URI without a fragment; leave it out"),
    ("$id", "http://[::1", "is no URI without a fragment; leave it out"),
    ("$anchor", "a b", "is no name of an anchor"),
    ("pattern", "(a", "is no regular expression: missing )"),
    ("pattern", "([[a", "is no regular expression: "),
    ("pattern", "*", "is no regular expression: nothing to repeat"),
    ("pattern", "(?=a)", "in one pass over the text; write it without look-around"),
    ("pattern", r"(a)\1", "in one pass over the text; write it without look-around"),
    ("pattern", "a{1000000}", "in one pass over the text; write it with smaller counts"),
]
OFFERED = re.compile(
    r"""(?:did you mean|there are|write(?: one| an?\b.*)?(?:,? like)?) ([\["{0-9].*)"""
)


@pytest.mark.parametrize(("keyword", "value", "said"), WRONG)
@pytest.mark.parametrize("place", ["/properties/a~1b", "/items/allOf/1/not", "/$defs/message/if"])
def test_a_fault_is_told_with_its_place_and_a_mend_that_works(
    keyword: str, value: Any, said: str, place: str
) -> None:
    """Wherever it stands. What the message offers is put there, and the schema is a contract."""
    schema: dict[str, Any] = {
        "properties": {"a/b": {}},
        "items": {"allOf": [True, {"not": {}}]},
        **copy.deepcopy(DEFS),
    }
    schema["$defs"]["message"]["if"] = {}
    holder: Any = schema
    for step in place.split("/")[1:]:
        holder = holder[int(step) if step.isdigit() else step.replace("~1", "/")]
    holder[keyword] = value
    problem = refused(schema)
    assert problem.startswith(f"{place}/{keyword} = {json.dumps(value)} ")
    assert said in problem
    told = OFFERED.search(problem)
    if told is not None:
        mend = json.JSONDecoder().raw_decode(told[1])[0]
        holder[keyword] = [mend] if isinstance(value, list) and isinstance(mend, str) else mend
    elif "leave it out" in problem:
        del holder[keyword]
    elif "nothing is fetched" in problem:
        schema["$defs"]["a"] = {}
        holder[keyword] = re.findall(r'"(#.*)"', problem)[0]
    elif "neither true nor false" in problem:
        holder[keyword] = True
    else:
        assert "pattern" in problem
        holder[keyword] = "a"
    Contract("mine", json.dumps(schema).encode())


def refused(schema: Any) -> str:
    with pytest.raises(ContractError) as caught:
        Contract("mine", schema if isinstance(schema, bytes) else json.dumps(schema).encode())
    (problem,) = caught.value.problems
    assert problem.isprintable()
    return problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "empty; write "),
        (b"{", "no strict JSON (line 1 column 1); look there"),
        (b'{\n "a": 1,\n}', "no strict JSON (line 3 column 1); look there"),
        (b"// note\n{}", "no strict JSON (line 1 column 1)"),
        ("{}".encode("utf-16"), "not UTF-8 (byte 0, as in UTF-16); save it as UTF-8"),
        ("{}".encode("utf-16-le"), "no strict JSON (bytes of value 0, as in UTF-16)"),
        (b'{"title":"\xff"}', "not UTF-8 (byte 10); save it as UTF-8"),
        (b"[]", 'no object; write {"type": "object"}'),
        (b"true", 'no object; write {"type": "object"}'),
        (b'{"type":"object","type":"array"}', "a key twice in one object (line 1 column 25)"),
        (b'{"not":' * 150 + b"{}" + b"}" * 150, "nested too deep (more than 128 levels)"),
        (b'{"not":' * 5000 + b"{}" + b"}" * 5000, "nested too deep (line 1 column "),
        (b'{"maximum":1e999}', "a number that parsers read differently (a number beyond a double)"),
        ({"type": "strin"}, '/type = "strin" is no type; there are "object", "array"'),
        ({"type": "string"}, '/type = "string" is what no body is; write "object", "array" or'),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, f'here; write "{HERE}"'),
        ({"$schema": f"{HERE}#"}, f'/$schema = "{HERE}#" is another dialect than what is read'),
        ({"$schema": 202012}, "/$schema = 202012 is no text; leave it out"),
        (
            {"items": [{}, {}]},
            '/items = [{}, {}] is a list of schemas, one for each place; write "',
        ),
        ({"x-tolerated": {"type": ["strin"]}}, '/x-tolerated/type = ["strin"] is no type'),
        ({"x-tolerated": []}, "/x-tolerated = [] is no schema; write it as an object, like {}"),
        # What one refers to need not stand where schemas do.
        ({"$ref": "#/x/y", "x": {"y": {"items": 5}}}, "/x/y/items = 5 is no schema"),
        ({"$ref": "#/x/y", "x": {"y": 5}}, "/x/y = 5 is no schema"),
        ({"$ref": "#/nope"}, 'leads nowhere; define it below "$defs" and refer to it there, like'),
        ({"$id": "http://x/", "$ref": "other"}, 'beside an "$id" a reference leads nowhere'),
        ({"dependencies": {"a": 5}}, "/dependencies/a is not what draft 2020-12 asks for; leave"),
        ({"patternProperties": {"(": {}}}, '/patternProperties = "(" is no regular expression'),
        ({"properties": {"a\n\x1b": {"type": 5}}}, r"/properties/a\n\u001b/type = 5 is no type"),
        ({"properties": {"a" * 999: {"type": 5}}}, "aaa... = 5 is no type"),
        ({"enum": "a" * 999}, "/enum = "),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_what_is_wrong_with_the_whole_is_told_too(text: Any, said: str) -> None:
    """In one line that is not long, without the words of the library that compiles."""
    problem = refused(text)
    assert said in problem
    assert len(problem) < 500


def test_every_fault_is_told_at_once_and_one_is_told_once() -> None:
    """However many: a schema of half a megabyte, all wrong, is looked through once."""
    schema = {"allOf": [{"type": 5}] * 3 + [{"minimum": "x"}, {"$ref": "#/a/b"}, {"$ref": "#/c"}]}
    with pytest.raises(ContractError) as caught:
        Contract("mine", json.dumps({**schema, "a": {"b": 7}}).encode())
    assert [problem.split()[0] for problem in caught.value.problems] == [
        *(f"/allOf/{n}/type" for n in range(3)),
        *("/allOf/3/minimum", "/a/b", "/allOf/5/$ref"),
    ]
    with pytest.raises(ContractError) as caught:
        Contract("mine", json.dumps({"allOf": [1] * 20_000}).encode())
    assert len(caught.value.problems) == 20_000


@pytest.mark.parametrize(
    "fault", [{"type": "strin{}"}, {"format": "uid{}"}, {"$ref": "#/$defs/x{}"}]
)
def test_of_very_many_slips_the_first_are_offered_a_mend(fault: dict[str, str]) -> None:
    """To find one takes time, and nobody reads thousands."""
    ((keyword, value),) = fault.items()
    parts = [{keyword: value.format(n)} for n in range(5_000)]
    definitions: dict[str, Any] = {f"y{n}": {} for n in range(5_000)}
    with pytest.raises(ContractError) as caught:
        Contract("mine", json.dumps({"allOf": parts, "$defs": definitions}).encode())
    found = caught.value.problems
    assert len(found) == 5_000
    assert ["did you mean" in problem for problem in found[18:22]] == [True, True, False, False]


def test_each_format_that_is_offered_is_known() -> None:
    """And judges."""
    for name in FORMATS:
        assert isinstance(compile_schema({"format": name}).is_valid("x"), bool)


NAMES = st.sampled_from(["a", "b", "a/b", "$ref", "(", ""])
VALUES: Any = st.deferred(
    lambda: st.one_of(
        st.sampled_from(
            [None, True, 0, -1, 1.5, 3, "a", "string", "object", "uuid", "(", "", 1e30]
        ),
        st.sampled_from(
            ["#", "#/", "#/$defs/a", "#/properties/a", "#/allOf/0", "#a", "x:y", "#/x"]
        ),
        st.lists(st.sampled_from(["a", "object", "b", 1]) | SCHEMAS, max_size=3),
        st.dictionaries(NAMES, SCHEMAS | st.lists(NAMES, max_size=2), max_size=2),
        SCHEMAS,
    )
)
KEYWORDS = st.sampled_from(
    [
        *("type", "required", "minLength", "minimum", "multipleOf", "uniqueItems", "enum", "not"),
        *("properties", "patternProperties", "additionalProperties", "propertyNames", "if", "x"),
        *("allOf", "items", "prefixItems", "contains", "const", "dependentRequired", "$defs"),
        *("format", "pattern", "$ref", "$dynamicRef", "$anchor", "$comment", "examples"),
    ]
)
SCHEMAS: Any = st.deferred(lambda: st.dictionaries(KEYWORDS, VALUES, max_size=3) | st.booleans())


@settings(max_examples=many(200), deadline=None)
@given(st.dictionaries(KEYWORDS, VALUES, max_size=4))
def test_a_schema_has_a_fault_where_it_cannot_be_compiled(schema: dict[str, Any]) -> None:
    """No good one is refused, and none is left to the words of the library."""
    try:
        compile_schema(schema)
    except (ValueError, jsonschema_rs.ReferencingError):
        assert find_faults(schema)
    else:
        assert not find_faults(schema)
