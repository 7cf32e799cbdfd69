"""How many values a body holds is known before anything is made of it."""

import json
from typing import Any

import jiter
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.policy import Finding, Reason, salvage
from hookgate.policy.document import holds_more, parse
from support.examples import many
from support.strict_json import count_values

DEPTH = 64
TEXTS = st.text(st.sampled_from('a\\",[]{}:\u00e9\n/') | st.characters(codec="utf-8"), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=30
)
MARKS = st.lists(st.sampled_from([*'[]{},:"\\ a1', '"a"', '\\"', "\\\\", "[],"]), max_size=40)

COUNTED: dict[str, tuple[bytes, int]] = {
    "members": (b'{"a":1,"b":"c","d":null}', 4),
    "an array": (b'{"a":[1,2,3]}', 5),
    "an empty array counts twice": (b'{"a":[]}', 3),
    "an empty object counts twice": (b'{"a":{} }', 3),
    "the top level alone": (b"[1]", 2),
    "a word": (b"null", 1),
    "marks in a string": (b'{"a":"[{,[{,"}', 2),
    "marks in a key": (b'{"[,{":1}', 2),
    "a quote in a string": (rb'{"a":"\"[,[,[","b":1}', 3),
    "a backslash at the end of a string": (rb'{"a":"\\","b":[","]}', 4),
    "three backslashes and a quote": (rb'{"a":"\\\",[","b":1}', 3),
    "four backslashes and the end": (rb'{"a":"\\\\","b":1}', 3),
    "an escaped mark": (rb'{"a":"\u005b\n,\/\"","b":1}', 3),
}


@pytest.mark.parametrize(("body", "values"), COUNTED.values(), ids=COUNTED.keys())
def test_values_are_counted_outside_strings(body: bytes, values: int) -> None:
    """Exactly as many are allowed, one less is not."""
    assert not holds_more(body, values)
    assert holds_more(body, values - 1) or values == 1
    assert count_values(body) == values


@settings(max_examples=many(150))
@given(DOCUMENTS, st.booleans(), st.sampled_from([None, 0, 2]))
def test_the_count_is_that_of_a_tokenizer(
    document: Any, ascii_only: bool, indent: int | None
) -> None:
    """In any spelling: of escapes, white space and marks in strings."""
    body = json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode()
    values = count_values(body)
    assert not holds_more(body, values)
    assert holds_more(body, values - 1) or values == 1


@settings(max_examples=many(150))
@given(MARKS.map("".join), st.integers(1, 12))
def test_no_larger_tree_is_made_of_what_is_no_document(text: str, most: int) -> None:
    """Up to where it breaks, text is read as the count reads it."""
    body = text.encode()
    try:
        tree = jiter.from_json(body, partial_mode="on")
    except ValueError:
        return
    if not holds_more(body, most):
        assert size(tree) <= most


def size(tree: Any) -> int:
    """Its values."""
    if isinstance(tree, dict | list):
        return 1 + sum(map(size, tree.values() if isinstance(tree, dict) else tree))
    return 1


@pytest.mark.parametrize("written", [b'{"a":[%s]}', b'{"a": [%s]}'], ids=["compact", "spaced"])
def test_the_bound_is_exact(written: bytes) -> None:
    """As many as it says pass, one more is refused by its own reason."""
    allowed, beyond = (written % b",".join([b"0"] * count) for count in (98, 99))
    assert isinstance(parse(allowed, DEPTH, 100), dict)
    assert parse(beyond, DEPTH, 100) == Finding(Reason.TOO_MANY_VALUES, ("more than 100 values",))


CROWDED = b",".join([b"[]"] * 1000)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[" + CROWDED + b"]", Reason.TOO_MANY_VALUES),
        (b'{"a":[' + CROWDED, Reason.TOO_MANY_VALUES),
        (b'{"a":[' + CROWDED + b'],"a":1}', Reason.TOO_MANY_VALUES),
        (b'{"a":[' + CROWDED + b'],"b":"\xff"}', Reason.TOO_MANY_VALUES),
        (b'{"a":1e999,"b":[' + CROWDED + b"]}", Reason.TOO_MANY_VALUES),
        (b'{"a":' + b"[" * 70 + CROWDED + b"]" * 70 + b"}", Reason.TOO_DEEP),
        (b"[" * 5000, Reason.TOO_DEEP),
        (b'{"a":[' + CROWDED + b"," + b"[" * 70 + b"]" * 70 + b"]}", Reason.TOO_MANY_VALUES),
    ],
    ids=["array", "torn", "key twice", "no UTF-8", "number", "deep", "deeper", "deep at its end"],
)
def test_of_a_crowded_body_only_the_beginning_is_read(body: bytes, reason: Reason) -> None:
    """It is too deep where its first bytes are; whatever else is wrong, it has too many values."""
    found = parse(body, DEPTH, 1000)
    assert isinstance(found, Finding)
    assert found.reason is reason


def test_the_record_of_a_crowded_body_still_names_it() -> None:
    """What its first bytes hold is salvaged, up to the middle of a character."""
    start = b'{"reference":"r-1","x":"' + "\u00e9".encode() * 8200
    for shift in (b"", b"a"):
        found = salvage(start + shift + b'","y":[' + b",".join([b"[]"] * 100_000) + b"]}")
        assert isinstance(found, dict)
        assert found["reference"] == "r-1"
        assert "y" not in found
