"""A body that orjson would write byte for byte so is not given to jiter, and is judged alike."""

import json
from typing import Any, NoReturn

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.policy import Finding, Reason, document
from hookgate.policy.document import parse
from support.examples import many

DEPTH = 8
MOST = 10_000

KEYS = st.text(st.characters(codec="utf-8"), max_size=4)
NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
# Spelt with and without spaces and escapes, and now and then cut, doubled or changed.
TEXTS = st.builds(
    lambda value, compact, plain: json.dumps(
        value, separators=(",", ":") if compact else None, ensure_ascii=not plain
    ).encode("utf-8", "surrogatepass"),
    st.dictionaries(KEYS, VALUES) | VALUES,
    st.booleans(),
    st.booleans(),
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    text = draw(TEXTS)
    for _ in range(draw(st.integers(0, 2))):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(text))] * 2)))
        piece = draw(st.sampled_from([b"", text[start:end] * 2, b",", b"0", b"e9", b" ", b"\\"]))
        text = text[:start] + piece + text[end:]
    return text


def judged(body: bytes, max_depth: int = DEPTH) -> Any:
    """The finding, or the document as text: equal floats and integers are told apart there."""
    result = parse(body, max_depth, MOST)
    return result if isinstance(result, Finding) else repr(result)


def judged_by_jiter(body: bytes, max_depth: int = DEPTH) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(document, "_read_canonical", lambda _: None)
        return judged(body, max_depth)


@settings(max_examples=many(500), deadline=None)
@given(mutated())
def test_a_body_is_judged_as_if_none_were_canonical(body: bytes) -> None:
    """The same document, or the same finding in the same words."""
    assert judged(body) == judged_by_jiter(body)


ODD = {
    "a key twice": b'{"a":1,"a":1}',
    "a key twice within": b'{"b":{"a":1,"a":2}}',
    "a key twice, escaped once": b'{"a":1,"\\u0061":1}',
    "beyond 64 bits": b'{"a":18446744073709551616}',
    "below 64 bits": b'{"a":-9223372036854775809}',
    "the largest": b'{"a":18446744073709551615}',
    "beyond a double": b'{"a":1e999}',
    "minus nothing": b'{"a":-0}',
    "many digits": b'{"a":0.10000000000000000001}',
    "a NUL in a key": b'{"a\\u0000":1}',
    "a NUL in a value": b'{"a":"\\u0000"}',
    "half a pair": b'{"a":"\\ud800"}',
    "no UTF-8": b'{"a":"\xff"}',
    "not a number": b'{"a":NaN}',
    "an array": b"[]",
    "nothing": b"null",
    "too deep": b'{"a":' * DEPTH + b"{}" + b"}" * DEPTH,
    "just not too deep": b'{"a":' * (DEPTH - 1) + b"{}" + b"}" * (DEPTH - 1),
    "too deep for orjson to write": b'{"a":[' * 150 + b"]}" * 150,
    "too deep for orjson to read": b"[" * 5000 + b"]" * 5000,
    "cut off": b'{"a":1',
    "two": b"{}{}",
    "a colon and a space in a string": b'{"a":"\\": "}',
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD.keys())
def test_odd_bodies_are_judged_as_if_none_were_canonical(body: bytes) -> None:
    """What orjson reads otherwise than jiter never passes for canonical."""
    assert judged(body) == judged_by_jiter(body)


def test_a_canonical_event_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As serialisers write, Python's apart; what has a key twice is left to jiter."""

    def never(*_: object, **__: object) -> NoReturn:
        raise AssertionError

    event = {"reference": "é", "n": [1, 2.5, True, None], "event": {"type": "x"}}
    monkeypatch.setattr("hookgate.policy.document.jiter.from_json", never)
    assert parse(orjson.dumps(event), DEPTH, MOST) == event
    for body in (json.dumps(event).encode(), b'{"a":1,"a":1}'):
        with pytest.raises(AssertionError):
            parse(body, DEPTH, MOST)


def test_depth_is_bounded_for_canonical_bodies_too() -> None:
    """To the level."""
    body = orjson.dumps({"a": [[[{}]]]})
    assert not isinstance(parse(body, 5, MOST), Finding)
    found = parse(body, 4, MOST)
    assert isinstance(found, Finding)
    assert found.reason is Reason.TOO_DEEP
