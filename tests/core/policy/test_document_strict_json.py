"""The reader that the document check is held against must itself be right."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.examples import many
from support.strict_json import is_strict

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\0")), inner)
    ),
    max_leaves=15,
)


@settings(max_examples=many(150), deadline=None)
@given(st.dictionaries(st.sampled_from("abcdef"), VALUES), st.booleans(), st.none() | st.just(2))
def test_what_another_library_writes_is_strict(
    value: dict[str, Any], ascii_only: bool, indent: int | None
) -> None:
    """Every document that `json` writes from clean values is taken."""
    assert is_strict(json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode(), 64)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"}",
        b"{}}",
        b"{} {}",
        b"[]",
        b"1",
        b'"{}"',
        b"{,}",
        b'{"a"}',
        b'{"a":}',
        b'{"a":1,}',
        b'{"a":1 "b":2}',
        b'{"a":1:2}',
        b"{1:2}",
        b'{"a":[1,]}',
        b'{"a":[,1]}',
        b'{"a":[1 2]}',
        b'{"a":[1}]',
        b'{"a":01}',
        b'{"a":1.}',
        b'{"a":.5}',
        b'{"a":+1}',
        b'{"a":1e}',
        b'{"a":nan}',
        b'{"a":tru}',
        b'{"a":truee}',
        b"{'a':1}",
        b'{"a":"\n"}',
        b'{"a":"\\x"}',
        b'{"a":"\\u12"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":1,"\\u0061":2}',
        b'{"a":[{"b":1,"b":1}]}',
        b'{"\\u0000":1}',
        b'{"a":18446744073709551616}',
        b'{"a":1e309}',
        b'{"a":[[[]]]}',
    ],
    ids=repr,
)
def test_what_no_strict_reader_takes_is_refused(body: bytes) -> None:
    """Each way to be no strict document of at most three levels is told."""
    assert not is_strict(body, 3)
