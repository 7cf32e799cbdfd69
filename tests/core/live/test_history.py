"""Rates, strips and percentiles are differences, and a gap is no 0."""

from hookgate.live.gate import Gate
from hookgate.live.history import COLUMNS, add_buckets, percentiles, read_buckets
from support.answers import Site


def test_rates_are_of_the_last_seconds() -> None:
    site, gate = Site(), Gate("g")
    gate.note(site.now(), site.at)
    for _ in range(20):
        site.deliver(7)
        site.end("refused", "source_not_allowed", 3, foreign=True)
        site.end("refused", "contract_violation", 2)
        gate.note(site.now(), site.at)
    assert gate.history.rates() == {
        "delivered": 7, "inside": 2, "foreign": 3, "failed": 0, "aborted": 0,
    }  # fmt: skip
    for _ in range(6):
        gate.note(site.now(), site.at)
    assert set(gate.history.rates().values()) == {0}


def test_the_strip_sums_to_what_was_counted_since_the_first_look() -> None:
    """A quarter of an hour of it, with gaps where nobody answered."""
    site, gate = Site(), Gate("g")
    site.deliver(1000)
    gate.note(site.now(), site.at)
    for _ in range(60):
        site.deliver(2)
        gate.note(site.now(), site.at)
    site.at += 30
    site.deliver(5)
    gate.note(site.now(), site.at)
    strip = gate.history.strip("delivered", site.at)
    assert len(strip) == COLUMNS
    assert sum(value or 0 for value in strip) == 125
    assert 4 <= strip[-10:].count(None) <= 6
    assert gate.history.strip("delivered", site.at + 900) == [None] * COLUMNS


def test_a_restart_takes_nothing_away() -> None:
    site, gate = Site(), Gate("g")
    for _ in range(3):
        site.deliver(10)
        gate.note(site.now(), site.at)
    anew = Site(site.at)
    anew.deliver(4)
    gate.note(anew.now(), anew.at)
    assert sum(value or 0 for value in gate.history.strip("delivered", anew.at)) == 24


def test_percentiles_are_of_the_last_minute() -> None:
    """As Prometheus interpolates; what was before does not count."""
    site, gate = Site(), Gate("g")

    def ask(fast: int, slow: int, seconds: float) -> None:
        told = [[0.1, fast], [1.0, fast + slow], [None, fast + slow]]
        endpoint = site.answer["endpoint"] | {"answer_seconds": told}
        gate.note(site.now(seconds, endpoint=endpoint), site.at)

    ask(0, 1000, 1)
    assert gate.history.percentiles([0.5]) == [None]
    ask(90, 1010, 30)
    half, most = gate.history.percentiles([0.5, 0.99])
    assert half is not None
    assert most is not None
    assert 0.05 < half < 0.06
    assert 0.9 < most < 1.0
    ask(90, 1010, 120)
    assert gate.history.percentiles([0.5]) == [None]


def test_percentiles_of_several_gates_are_of_the_sum() -> None:
    one = read_buckets([[0.1, 10], [1.0, 10], [None, 10]])
    other = read_buckets([[0.1, 0], [1.0, 10], [None, 10]])
    assert add_buckets([one, other]) == [(0.1, 10), (1.0, 20), (float("inf"), 20)]
    assert percentiles(add_buckets([one, other]), [0.5]) == [0.1]
    assert percentiles(read_buckets([[0.1, 0], [None, 5]]), [0.5]) == [0.1]
    assert percentiles([], [0.5]) == [None]


def test_a_histogram_of_another_form_is_none() -> None:
    assert read_buckets(None) == read_buckets("x") == read_buckets([1, [2], ["a", 1]]) == []
