"""Ids that came before."""

from hookgate.signing.repeats import SeenIds


def test_an_id_is_new_once() -> None:
    """None at all never was there."""
    seen = SeenIds(10)
    assert [seen.note(text) for text in (b"a", b"b", b"a", b"", b"")] == [False, False, True] + [
        False
    ] * 2


def test_the_last_ones_are_remembered_and_no_more() -> None:
    """At least half as many as are kept at most."""
    seen = SeenIds(100)
    for number in range(10_000):
        assert not seen.note(b"%d" % number)
    assert len(seen._seen) <= 100
    assert all(seen.note(b"%d" % number) for number in range(9_951, 10_000))
    assert not seen.note(b"0")
