"""How often something happened of late."""

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
    assert len(window.save()) <= 6000


@pytest.mark.parametrize("label", ["", "upstream_rejected (500)"])
def test_what_is_saved_goes_on(label: str) -> None:
    window, other = Window(60), Window(60)
    window.add(1000, label, 7)
    other.load(window.save())
    assert other.counts(1001) == {label: 7}
