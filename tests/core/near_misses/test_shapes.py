"""What heads of admitted senders look like."""

import pytest

from hookgate.near_misses.shapes import KEPT_SECONDS, MOST_PATHS, MOST_SHAPES, Shapes, digest

PATH, NAMES = hash(b"/cm/events"), digest([b"host", b"content-type", b"content-length"])


def test_names_are_compared_whatever_their_order() -> None:
    assert digest([b"content-length", b"host", b"content-type"]) == NAMES
    assert digest([b"host", b"content-type"]) != NAMES


def test_nothing_is_known_before_somebody_was_admitted() -> None:
    shapes = Shapes()
    assert not shapes
    assert not shapes.has_names(NAMES)
    assert not shapes.has_path(PATH)
    shapes.learn(PATH, NAMES, 300, 0.0)
    assert shapes
    assert shapes.has_names(NAMES)
    assert shapes.has_path(PATH)


@pytest.mark.parametrize(
    ("length", "fits"),
    [(0, False), (99, False), (100, True), (300, True), (1600, True), (1601, False), (None, True)],
)
def test_a_length_fits_from_half_the_shortest_to_twice_the_longest(
    length: int | None, fits: bool
) -> None:
    shapes = Shapes()
    for admitted in (200, 800, 300):
        shapes.learn(PATH, NAMES, admitted, 0.0)
    assert shapes.fits(NAMES, length) is fits


def test_a_length_fits_those_of_the_same_names() -> None:
    shapes = Shapes()
    shapes.learn(PATH, NAMES, 200, 0.0)
    shapes.learn(PATH, 7, 9_000, 0.0)
    shapes.learn(PATH, 8, None, 0.0)
    assert [shapes.fits(names, 9_000) for names in (NAMES, 7, 8, 9)] == [False, True, False, True]


def test_what_is_not_shown_for_a_week_is_forgotten() -> None:
    shapes = Shapes()
    shapes.learn(PATH, NAMES, 300, 0.0)
    shapes.learn(1, 2, 300, 10.0)
    shapes.learn(PATH, 3, 300, 20.0)
    shapes.forget(10.0 + KEPT_SECONDS)
    assert [shapes.has_names(names) for names in (NAMES, 2, 3)] == [False, True, True]
    assert [shapes.has_path(path) for path in (PATH, 1)] == [True, True]
    shapes.forget(21.0 + KEPT_SECONDS)
    assert not shapes


def test_an_admitted_sender_can_fill_no_memory() -> None:
    shapes = Shapes()
    for number in range(3 * MOST_PATHS):
        shapes.learn(number, number, number, 0.0)
        shapes.learn(PATH, NAMES, 300, 0.0)
    assert (len(shapes._shapes), len(shapes._paths)) == (MOST_SHAPES, MOST_PATHS)
    assert shapes.has_names(NAMES)
    assert shapes.has_path(PATH)
