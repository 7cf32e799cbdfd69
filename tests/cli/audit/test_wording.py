"""Counts and lengths of time as the verbs and the report put them."""

import pytest

from hookgate_cli.audit.wording import count_of, length_of


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 events"), (1, "1 event"), (2, "2 events"), (1200, "1,200 events")]
)
def test_a_count_agrees_with_its_noun(count: int, words: str) -> None:
    assert count_of(count, "event") == words


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0.5, "less than a minute"), (1, "1 minute"), (30, "30 minutes"), (60, "1 hour"),
        (180, "3 hours"), (720, "12 hours"), (1440, "1 day"), (2160, "1.5 days"),
        (10080, "7 days"),
    ],
)  # fmt: skip
def test_a_length_of_time_is_in_its_largest_unit(minutes: float, words: str) -> None:
    assert length_of(minutes) == words
