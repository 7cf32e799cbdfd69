"""Near misses, rehearsed on the gate's own code in simulated time."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hookgate.config.contracts import load_contract
from hookgate.gate.answer import Answer
from hookgate.gate.gate import Gate
from hookgate.near_misses.scoring import MOST_LINES
from hookgate.policy import Fields, Head, make_head
from hookgate.settings import RouteSettings
from support.core_gate import NOWHERE, Log, make_config, of, reload
from support.ledger import Record, read_ledger
from support.scanners import DAY, Knock, five_minute_scanner, noise

PATH = b"/cm/events"
ALLOWED, MOVED, WATCHED, SCANNER = "31.169.56.1", "203.0.113.7", "185.162.145.9", "198.51.100.7"
KEYS: dict[str, Any] = {"source.allow": ["cm.com"], "audit.fsync": "never"}
ROUTES = (RouteSettings(PATH.decode(), "events", load_contract("cm-events")),)
FIELDS = [(b"Host", b"gate"), (b"Content-Type", b"application/json; charset=utf-8")]


def provider(peer: str, length: int = 300, path: bytes = PATH, fields: Fields = FIELDS) -> Head:
    """A head as the provider sends it."""
    return make_head(peer, b"POST", path, [*fields, (b"content-length", b"%d" % length)])


class Rehearsal:
    """A gate, and the time that it is told."""

    def __init__(self, folder: Path, routes: tuple[RouteSettings, ...] = (), **keys: Any) -> None:
        self.now = 50_000.0
        config = make_config(NOWHERE, folder, routes, **{**KEYS, **keys})
        self.gate = Gate(config, "test", Log().logger, clock=lambda: self.now)

    def at(self, now: float) -> None:
        """It is then."""
        self.now = now
        self.gate.tick()

    def admit(self, head: Head) -> None:
        """One that passes its head, and whose sender leaves: no endpoint is needed."""
        delivery = self.gate.begin(head.peer)
        assert delivery.screen(head) is None
        delivery.leave()

    def knock(self, head: Head) -> Answer:
        """One that is refused."""
        answer = self.gate.begin(head.peer).screen(head)
        assert answer is not None
        return answer

    @property
    def counted(self) -> dict[str, int]:
        """The near misses so far."""
        return {sign.value: n for sign, n in self.gate.counts.near_misses.items() if n}


Act = Callable[[Rehearsal], None]


def rehearse(folder: Path, act: Act, *, routed: bool = False, **keys: Any) -> list[Record]:
    """Play it; returns the lines of near misses."""

    async def session() -> None:
        played = Rehearsal(folder, ROUTES if routed else (), **keys)
        try:
            act(played)
        finally:
            await played.gate.close()

    asyncio.run(session())
    return [
        record for record in of(read_ledger(folder / "audit.jsonl"), "delivery") if "near" in record
    ]


def first_day(played: Rehearsal) -> Iterator[float]:
    """Events all day, one each twenty seconds; yields the time after each."""
    start = played.now
    for number in range(int(DAY / 20)):
        played.at(start + 20.0 * number)
        played.admit(provider(ALLOWED, 200 + number % 400))
        yield played.now


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

    def listen(played: Rehearsal) -> None:
        start = played.now
        knocks: list[Knock] = sorted([*noise(PATH, 6000), *five_minute_scanner(PATH)])
        waiting = iter(knocks)
        coming = next(waiting, None)
        for now in first_day(played):
            while coming is not None and start + coming.at <= now:
                played.knock(coming.head)
                coming = next(waiting, None)
        assert played.gate.counts.ended["source_not_allowed", "", True] > 6200

    assert rehearse(tmp_path, listen, routed=routed) == []


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
