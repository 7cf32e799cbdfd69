"""The bound on processor time holds, on a busy machine too."""

import re
import time

import pytest

from support.effort import at_most


def test_what_works_on_and_on_is_ended() -> None:
    """Inside one call of a C function too."""
    with pytest.raises(AssertionError, match="processor time"), at_most(0.05):
        re.match("(a*)*b", "a" * 40)


def test_waiting_costs_nothing() -> None:
    """Only what the processor does counts."""
    with at_most(0.05):
        time.sleep(0.1)
