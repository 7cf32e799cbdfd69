"""A retry rule as contracts and records write it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate.policy.retry import RetryRule

DAY = 86_400


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("3 tries, 24h", RetryRule(3, DAY)),
        ("3 tries", RetryRule(3, None)),
        ("30d", RetryRule(None, 30 * DAY)),
        ("90m", RetryRule(None, 5_400)),
        ("1 tries, 1s", RetryRule(1, 1)),
    ],
)
def test_it_has_tries_a_span_or_both(text: str, rule: RetryRule) -> None:
    """Whichever ends first."""
    assert RetryRule.parse(text) == rule


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3",
        "three tries",
        "3 tries,",
        "3 tries, ",
        "3 tries, 3 tries",
        "24h, 3 tries",
        "24",
        "1.5h",
        "-1h",
        "24h ",
        "٣ tries",
        "0 tries",
        "1000001 tries",
        "0s",
        "367d",
        "9999999999s",
    ],
)
def test_anything_else_is_none(text: str) -> None:
    """Neither is a rule that would never end, or that had ended before the first try."""
    with pytest.raises(ValueError, match=r"is no retry rule|between"):
        RetryRule.parse(text)


@given(
    st.one_of(st.none(), st.integers(1, 1_000_000)),
    st.one_of(st.none(), st.integers(1, 366 * DAY)),
)
def test_it_is_read_as_it_is_written(tries: int | None, span: int | None) -> None:
    """In the largest unit that says it whole."""
    if tries is not None or span is not None:
        rule = RetryRule(tries, span)
        assert RetryRule.parse(rule.text) == rule
