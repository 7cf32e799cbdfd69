"""What answers in a gate's place may answer anything, as often as it is asked."""

import json
from typing import Any

import orjson
import pytest

from hookgate.live.asking import ask_status
from hookgate.live.gate import Gate
from hookgate.live.history import ROWS
from hookgate.live.picture import make_picture
from hookgate_cli.gate_urls import read_gates
from support.answers import NOON, Site, moment
from support.receiver import receiving

HUGE = 10**400
MIB = 1 << 20


def rows(**members: Any) -> list[dict[str, Any]]:
    return [{"time": moment(NOON), "boot": "b", "request_id": f"{n}"} | members for n in range(50)]


@pytest.mark.parametrize(
    "members",
    [
        {"endpoint": {"answer_seconds": [[HUGE, 1], [None, HUGE]]}},
        {"endpoint": {"answer_seconds": [[1.0, HUGE], [None, HUGE]]}},
        {"endpoint": {"answer_seconds": [[float("nan"), 1], [-HUGE, -1], [None, True]]}},
        {"endpoint": {"answer_seconds": [[1.0, n] for n in range(5_000)]}},
        {"shipping": {"running": True, "lag_seconds": HUGE}},
        {"shipping": {"running": True, "lag_seconds": float("nan")}},
        {"shipping": {"findings": {f"{'x' * 90}{n}": 1 for n in range(10_000)}}},
        {"shipping": {"findings": {"\u202e\x1b[2J": 1}}},
        {"host": "h" * MIB, "not_delivered": rows()},
        {"not_delivered": rows(boot="b" * MIB, request_id="r" * MIB)},
        {"not_delivered": rows(status=HUGE, reason=7, time=8)},
        {"not_delivered": rows() * 200},
        {"ready": False, "why_not": ["x" * 90] * 10_000},
        {"observing": ["x" * 90] * 10_000},
        {"hookgate": "v" * MIB, "policy": "p" * MIB},
    ],
)
def test_what_one_gate_tells_is_bounded_and_no_error(members: dict[str, Any]) -> None:
    """However it was told, the state of all stays small enough to be sent each second."""
    site, gate = Site(), Gate("http://127.0.0.1:9180")
    gate.note(site.now(), site.at)
    for _ in range(2):
        gate.note(site.now(**members), site.at)
    picture = make_picture([gate], site.at)
    assert len(orjson.dumps(picture)) < 64 << 10
    assert all(cause["what"].isprintable() for cause in picture["causes"])


def test_a_row_holds_texts_and_numbers_where_they_belong() -> None:
    """The page takes a text apart, and a kind is a class there."""
    junk: tuple[Any, ...] = (7, -1, 1.5, True, None, [], {}, HUGE)
    site, gate = Site(), Gate("g")
    known = rows(outcome="refused")[0]
    told = [dict.fromkeys(known, value) for value in junk] + [dict.fromkeys(known, "x y")]
    gate.note(site.now(host="\u202eevil", not_delivered=told), site.at)
    picture = make_picture([gate], site.at)
    assert picture["title"] == "g"
    for row in picture["not_delivered"]:
        assert row["kind"] in ROWS
        assert isinstance(row["time"], str | None)
        assert all(isinstance(row[name], int | None) for name in ("status", "upstream_status"))


def test_no_gate_takes_the_name_or_the_rows_of_another() -> None:
    """A row is told apart by its gate; what no host is called names no gate."""
    known = rows(outcome="refused")[:1]
    gates = [Gate(f"http://10.0.0.{number}:9180") for number in (1, 2, 3)]
    for gate, host in zip(gates, ("a", "a", "a (http://10.0.0.1:9180)"), strict=True):
        site = Site()
        gate.note(site.now(host=host, not_delivered=known), site.at)
    picture = make_picture(gates, site.at)
    assert [one["name"] for one in picture["gates"]] == [
        "a (http://10.0.0.1:9180)", "a (http://10.0.0.2:9180)", "http://10.0.0.3:9180",
    ]  # fmt: skip
    assert len({row["key"] for row in picture["not_delivered"]}) == 3


def test_new_words_each_second_do_not_add_up() -> None:
    """A spell lasts as long as its gate likes."""
    site, gate = Site(), Gate("g")
    gate.note(site.now(), site.at)
    for second in range(50):
        errors = {f"word-{second}-{n}": 1 for n in range(1000)}
        gate.note(site.now(endpoint={"errors": errors}), site.at)
    (spell,) = gate._causes._spells.values()  # what it holds is what counts
    assert len(spell.labels) <= 64


@pytest.mark.parametrize("client", ["x", "\ud800"], ids=ascii)
@pytest.mark.parametrize(
    "number", [b"9" * 400, b"1e400", b"NaN", b"-Infinity"], ids=("9", "e", "nan", "inf")
)
def test_a_number_that_none_can_hold_is_no_answer(number: bytes, client: str) -> None:
    """With a lone surrogate beside it too, for which another parser is asked."""
    known = json.dumps(Site().now() | {"client": client}).encode()[:-1]
    body = known + b', "lag": ' + number + b"}"
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    with receiving(lambda _: reply) as there:
        assert ask_status(*read_gates([there.url])) == "what answers there is no hookgate"


def test_a_clock_that_is_set_back_leaves_nothing_to_wait_for() -> None:
    """Rates, percentiles, a flood and what failed are told by the time that it is now."""
    site, gate = Site(), Gate("g")
    gate.note(site.now(), site.at)
    for _ in range(12):
        site.deliver(10)
        site.end("refused", "source_not_allowed", 30, foreign=True)
        site.end("failed", "upstream_timeout", 1, error="timeout_answer")
        gate.note(site.now(), site.at)
    assert {cause.name for cause in gate.standing()} == {"flood", "endpoint"}
    for _ in range(30):
        site.deliver(10)
        gate.note(site.now(-3600 if site.at > NOON else 1), site.at)
    rates = gate.history.rates()
    assert rates == dict.fromkeys(ROWS, 0.0) | {"delivered": pytest.approx(10)}
    assert gate.standing() == []
    assert sum(value or 0 for value in gate.history.strip("delivered", site.at)) == 300
