"""How deep a document is: its brackets tell of most, and those in strings do not count."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.policy import Finding, Reason
from hookgate.policy.document import parse
from support.examples import many

VALUES = 10_000
_TEXTS = st.text('[]{}"\\,:a', max_size=6)
_TREES: st.SearchStrategy[Any] = st.recursive(
    _TEXTS | st.integers(0, 9),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(_TEXTS, inside, max_size=3),
    max_leaves=12,
)


def levels(tree: Any) -> int:
    if not isinstance(tree, dict | list):
        return 0
    return 1 + max(map(levels, tree.values() if isinstance(tree, dict) else tree), default=0)


@settings(max_examples=many(200), deadline=None)
@given(st.dictionaries(_TEXTS, _TREES, max_size=3), st.integers(0, 3), st.booleans())
def test_a_document_is_too_deep_by_its_levels_alone(
    tree: dict[str, Any], over: int, compact: bool
) -> None:
    """With bounds about its depth, and beyond what brackets alone are asked for."""
    for around in (0, 5):
        for _ in range(around):
            tree = {"[": [tree]}
        body = orjson.dumps(tree) if compact else json.dumps(tree).encode()
        deepest = max(1, levels(tree) - over)
        found = parse(body, deepest, VALUES)
        is_too_deep = isinstance(found, Finding) and found.reason is Reason.TOO_DEEP
        assert is_too_deep is (levels(tree) > deepest)
        assert is_too_deep or found == tree


@pytest.mark.parametrize(
    "texts", [rb'"\"]]{", "}}\\", ""', b'"]]{", "}}", ""'], ids=["escaped", "plain"]
)
@pytest.mark.parametrize("wide", [1, 100])
@pytest.mark.parametrize("deep", [3, 8, 9, 64])
def test_the_bound_is_exact_at_every_depth(deep: int, wide: int, texts: bytes) -> None:
    """However many are side by side, and whatever stands in strings."""
    branch = b"[" * (deep - 2) + texts + b"]" * (deep - 2)
    body = b'{"a": [' + b",".join([branch] * wide) + b"]}"
    assert not isinstance(parse(body, deep, VALUES), Finding)
    found = parse(body, deep - 1, VALUES)
    assert isinstance(found, Finding)
    assert found.reason is Reason.TOO_DEEP


@pytest.mark.parametrize(("open_", "close"), [(b'["]",', b',"["]'), (b'{"}":', b',"{":0}')])
@pytest.mark.parametrize("deep", [3, 8, 9, 64])
def test_brackets_in_strings_hide_no_level(deep: int, open_: bytes, close: bytes) -> None:
    """Though each seems to close what was just opened."""
    body = b'{"a":' + open_ * (deep - 1) + b"[]" + close * (deep - 1) + b"}"
    assert not isinstance(parse(body, deep + 1, VALUES), Finding)
    found = parse(body, deep, VALUES)
    assert isinstance(found, Finding)
    assert found.reason is Reason.TOO_DEEP
