"""Sizes and durations are numbers times units."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.config import parsers
from support.examples import many

UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@settings(max_examples=many(150), deadline=None)
@given(st.integers(0, 10**9), st.sampled_from(sorted(UNITS)), st.sampled_from(["", " "]))
def test_a_size_is_its_number_times_its_unit(number: int, unit: str, space: str) -> None:
    """Within the bounds; the bounds count, and nothing beyond them does."""
    amount = number * UNITS[unit]
    assert parsers.size(amount, amount)(f"{number}{space}{unit}") == amount
    for low, high in ((amount + 1, amount + 9), (amount - 9, amount - 1)):
        with pytest.raises(ValueError, match="between"):
            parsers.size(low, high)(f"{number}{space}{unit}")


@settings(max_examples=many(150), deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(0, 999_999),
    st.sampled_from(sorted(SECONDS)),
    st.sampled_from(["", " "]),
)
def test_a_duration_is_its_number_times_its_unit(
    whole: int, fraction: int, unit: str, space: str
) -> None:
    """In seconds, with a fraction or without."""
    parse = parsers.duration(0, float("inf"))
    assert parse(f"{whole}{space}{unit}") == pytest.approx(whole * SECONDS[unit])
    text = f"{whole}.{fraction:06d}"
    assert parse(f"{text}{space}{unit}") == pytest.approx(float(text) * SECONDS[unit])


@pytest.mark.parametrize("text", ["10ms", "2s", "1.5s", "1 s"])
def test_a_durations_bounds_count(text: str) -> None:
    """The first and the last value are taken."""
    assert parsers.duration(0.01, 2)(text) > 0
    for beyond in ("9ms", "2.000001s", "1h"):
        with pytest.raises(ValueError, match=r"between 0\.01 and 2"):
            parsers.duration(0.01, 2)(beyond)
