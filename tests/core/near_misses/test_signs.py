"""The words."""

import pytest

from hookgate.near_misses.signs import CAUSES, Sign, Signs, cause


@pytest.mark.parametrize(
    ("signs", "counts_as"),
    [
        ((Sign.FIELDS, Sign.LENGTH, Sign.AGAIN), Sign.AGAIN),
        ((Sign.WATCH, Sign.AGAIN, Sign.QUIET), Sign.WATCH),
        ((Sign.FIELDS, Sign.QUIET), Sign.QUIET),
    ],
)
def test_the_first_cause_counts(signs: Signs, counts_as: Sign) -> None:
    assert cause(signs) is counts_as


def test_the_others_alone_are_no_near_miss() -> None:
    with pytest.raises(ValueError):
        cause(tuple(sign for sign in Sign if sign not in CAUSES))
