"""Near misses, rehearsed on the gate's own code in simulated time."""

from pathlib import Path
from typing import Any

import pytest

from hookgate.near_misses.scoring import MOST_LINES
from hookgate.policy import Head, make_head
from support.core_gate import reload
from support.rehearsal import (
    ALLOWED,
    FIELDS,
    KEYS,
    MOVED,
    SCANNER,
    WATCHED,
    Rehearsal,
    first_day,
    listen,
    provider,
    rehearse,
)


@pytest.mark.parametrize("routed", [False, True])
def test_a_provider_that_moves_is_told_of_within_ten_minutes(tmp_path: Path, routed: bool) -> None:
    """Its event is refused, and comes again after five minutes, here from a neighbour's address."""

    def move(played: Rehearsal) -> None:
        played.admit(provider(ALLOWED))
        played.at(played.now + 3600)
        assert played.knock(provider(MOVED, 420)).status == 403
        assert not played.counted
        played.at(played.now + 303)
        played.knock(provider("203.0.113.99", 420))
        assert played.counted == {"again": 1}

    (line,) = rehearse(tmp_path, move, routed=routed)
    assert line["near"] == ["fields", "length", "again"]
    assert (line["client"], line["reason"], line["status"]) == (
        "203.0.113.99", "source_not_allowed", 403,
    )  # fmt: skip


def test_a_provider_that_moves_while_traffic_fails_is_told_of_at_once(tmp_path: Path) -> None:
    """Once a day of history says what is usual."""

    def move(played: Rehearsal) -> None:
        for _ in range(2):
            for _ in first_day(played):
                pass
            played.now += 20
        played.knock(provider(MOVED))
        assert not played.counted
        for _ in range(3):
            played.at(played.now + 300)
        played.knock(provider("192.0.2.1"))
        played.knock(provider("192.0.2.2", path=b"/elsewhere"))
        assert played.counted == {"quiet": 1}

    (line,) = rehearse(tmp_path, move)
    assert line["near"] == ["fields", "length", "quiet"]


@pytest.mark.parametrize("routed", [False, True])
def test_a_day_of_noise_raises_nothing(tmp_path: Path, routed: bool) -> None:
    """Beside the provider's traffic."""

    def day(played: Rehearsal) -> None:
        listen(played)
        assert played.gate.counts.ended["source_not_allowed", "", True] > 6200

    assert rehearse(tmp_path, day, routed=routed) == []


@pytest.mark.parametrize("added", [b"traceparent", b"X-Request-Id", b"Connection", b"Keep-Alive"])
@pytest.mark.parametrize("before", [True, False])
def test_a_way_that_adds_a_field_or_leaves_it_out_hides_nobody(
    tmp_path: Path, added: bytes, before: bool
) -> None:
    """Trace ids, and what is said of a connection: a provider that moves may come another way."""

    def move(played: Rehearsal) -> None:
        by_it = [*FIELDS, (added, b"x")]
        played.admit(provider(ALLOWED, fields=by_it if before else FIELDS))
        for _ in range(2):
            played.at(played.now + 301)
            played.knock(provider(MOVED, fields=FIELDS if before else by_it))

    (line,) = rehearse(tmp_path, move)
    assert line["near"] == ["fields", "length", "again"]


@pytest.mark.parametrize(
    "head",
    [
        provider(MOVED, path=b"/other"),
        provider(MOVED, length=100_000),
        provider(MOVED, length=0),
        provider(MOVED, fields=[*FIELDS, (b"Accept", b"*/*")]),
        provider(MOVED, fields=FIELDS[:1]),
        provider(MOVED, fields=[FIELDS[0], (b"Content-Type", b"text/plain")]),
        provider(MOVED)._replace(method=b"PUT"),
    ],
    ids=["path", "long", "empty", "another field", "no type", "type", "method"],
)
def test_who_is_otherwise_unlike_the_provider_is_none(tmp_path: Path, head: Head) -> None:
    def come_back(played: Rehearsal) -> None:
        played.admit(provider(ALLOWED))
        for _ in range(5):
            played.knock(head)
            played.at(played.now + 300)

    assert rehearse(tmp_path, come_back) == []


@pytest.mark.parametrize(("routed", "near"), [(True, [["again"]]), (False, [])])
def test_before_the_first_event_a_path_of_its_own_is_what_counts(
    tmp_path: Path, routed: bool, near: list[list[str]]
) -> None:
    """Where every path is taken nothing tells the provider's from a scanner's."""

    def come_back(played: Rehearsal) -> None:
        played.knock(provider(SCANNER, 0))
        played.knock(provider(MOVED))
        played.at(played.now + 300)
        played.knock(provider(SCANNER, 0))
        played.knock(provider(MOVED))

    assert [line["near"] for line in rehearse(tmp_path, come_back, routed=routed)] == near


def test_who_is_watched_is_told_of_at_once(tmp_path: Path) -> None:
    """Also before the first event, and with other fields: their software may be new as well."""

    def come(played: Rehearsal) -> None:
        played.knock(provider(WATCHED))
        played.admit(provider(ALLOWED))
        played.knock(provider(WATCHED, fields=[*FIELDS, (b"Accept", b"*/*")]))
        played.knock(provider(WATCHED))
        played.knock(make_head(WATCHED, b"GET", b"/", FIELDS))
        assert played.counted == {"watch": 3}

    lines = rehearse(tmp_path, come)
    near = [["watch"], ["length", "watch"], ["fields", "length", "watch"]]
    assert [line["near"] for line in lines] == near


def test_a_reload_watches_others(tmp_path: Path) -> None:
    def come(played: Rehearsal) -> None:
        played.knock(provider(MOVED))
        reload(played.gate, tmp_path, **{**KEYS, "source.watch": [MOVED]})
        played.knock(provider(MOVED))
        played.knock(provider(WATCHED))

    assert [line["client"] for line in rehearse(tmp_path, come)] == [MOVED]


def test_a_client_behind_a_trusted_proxy_counts_as_itself(tmp_path: Path) -> None:
    def through(client: str) -> Head:
        return provider("127.0.0.20", fields=[*FIELDS, (b"X-Forwarded-For", client.encode())])

    def come_back(played: Rehearsal) -> None:
        played.admit(through(ALLOWED))
        for _ in range(2):
            played.knock(through(MOVED))
            played.knock(provider("127.0.0.20"))
            played.at(played.now + 300)
        played.knock(through(WATCHED))

    proxies: dict[str, Any] = {"source.trusted_proxies": ["127.0.0.20"]}
    lines = rehearse(tmp_path, come_back, **proxies)
    assert [(line["client"], line["near"][-1]) for line in lines] == [
        (MOVED, "again"), (WATCHED, "watch"),
    ]  # fmt: skip


def test_a_head_that_is_known_is_scored_anew(tmp_path: Path) -> None:
    """What a front recalls was screened five minutes ago, when nobody had come back."""

    def come_back(played: Rehearsal) -> None:
        played.admit(provider(ALLOWED))
        delivery = played.gate.begin(MOVED)
        delivery.screen(provider(MOVED))
        known = delivery.screened
        assert known is not None
        for second in range(1, 361):
            played.at(played.now + 1)
            if second % 60 == 0:
                answer = played.gate.begin(MOVED).apply_screening(known)
                assert answer is not None
        assert played.counted == {"again": 2}

    assert len(rehearse(tmp_path, come_back)) == 2


def test_each_second_ten_have_their_lines_in_any_flood(tmp_path: Path) -> None:
    """Others are counted; a line that is written all the same says what matched."""
    asked = 300

    def flood(played: Rehearsal) -> None:
        for number in range(500):
            played.knock(make_head(f"192.0.2.{number % 250}", b"GET", b"/.env", FIELDS))
        for _ in range(2):
            for _ in range(asked):
                played.knock(provider(WATCHED))
            played.at(played.now + 1)
        assert played.counted == {"watch": 2 * asked}

    # The lines that foreign senders share are fifty a second by the real clock.
    assert 2 * MOST_LINES <= len(rehearse(tmp_path, flood)) < 2 * asked


def test_the_answer_is_that_of_any_foreign_sender(tmp_path: Path) -> None:
    def ask(played: Rehearsal) -> None:
        others = make_head(SCANNER, b"GET", b"/.env", FIELDS)
        assert played.knock(provider(WATCHED)) == played.knock(others)
        assert played.counted == {"watch": 1}

    rehearse(tmp_path, ask)
