"""How often something happened of late."""

import json

import pytest

from hookgate.alarms.conditions.window import OTHERS, Window


def test_what_is_older_than_the_span_counts_no_more() -> None:
    window = Window(60)
    window.add(1000, "a")
    window.add(1030, "b", 2)
    assert window.counts(1030) == {"a": 1, "b": 2}
    assert window.counts(1061) == {"b": 2}
    assert window.counts(1200) == {}


def test_who_looks_seldom_sees_the_fullest_span_since_the_last_look() -> None:
    window = Window(60)
    for at in (1000, 1010, 1020, 5000):
        window.add(at)
    assert window.counts(90_000) == {"": 3}
    assert window.counts(90_000) == {}


def test_labels_and_spans_are_bounded() -> None:
    window = Window(60)
    for number in range(100):
        window.add(1000, str(number))
    counts = window.counts(1000)
    assert (len(counts), counts[OTHERS], counts.total()) == (33, 68, 100)
    for number in range(7_000):
        window.add(number)
    assert len(window.save()[1]) <= 6000


@pytest.mark.parametrize("label", ["", "upstream_rejected (500)"])
def test_what_is_saved_goes_on(label: str) -> None:
    window, other = Window(60), Window(60)
    window.add(1000, label, 7)
    other.load(window.save())
    assert other.counts(1001) == {label: 7}


@pytest.mark.parametrize("seconds", [60, 3600, 86_400])
def test_what_was_saved_counts_in_a_window_of_another_length(seconds: float) -> None:
    """Since the key may be another after a restart."""
    window, other = Window(900), Window(seconds)
    window.add(1_796_000_000, "a", 3)
    window.add(1_796_000_450, "a", 4)
    saved = json.loads(json.dumps(window.save()))
    other.load(saved)
    at = 1_796_000_450
    assert other.counts(at).total() == (7 if seconds > 900 else 4)
    assert other.counts(at + 10 * seconds) == {}
    old = Window(900)
    old.load(saved[1])
    assert old.counts(at) == {"a": 7}
    assert other.save()[1] == []
