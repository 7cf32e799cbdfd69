"""The token: how often it may be wrong, and when an old one counts no more."""

import contextlib
from pathlib import Path

import pytest

from hookgate_cli.live.sessions import (
    IDLE_SECONDS,
    MOST_SESSIONS,
    MOST_TRIES,
    TRIES_SECONDS,
    Sessions,
    Tries,
)
from support.live import TOKEN, living, request
from support.raw import connected

from .conftest import Shown

# The tries of one address are no other's.
GUESSER = "127.0.0.31"


@pytest.mark.parametrize("token", [b"", b"x", TOKEN[:-1].encode(), TOKEN.encode() + b"0", b"\xff"])
def test_a_wrong_token_is_no_token(shown: Shown, token: bytes) -> None:
    reply = shown.live.ask("/login", token, GUESSER)
    assert (reply.status, reply.values(b"set-cookie")) == (403, [])


def test_a_token_is_taken_from_a_body_alone(shown: Shown) -> None:
    """Nothing of a query is read, and none stands in a log."""
    assert shown.live.ask(f"/login?token={TOKEN}", b"", GUESSER).status == 403
    assert shown.live.ask(f"/login?token={TOKEN}").status == 405
    assert shown.live.ask(f"/?token={TOKEN}").values(b"set-cookie") == []
    assert TOKEN not in str(shown.live.log)


def test_a_body_that_is_no_token_is_not_read_to_its_end(shown: Shown) -> None:
    with connected(shown.live.port) as client:
        client.send(request("/login", b"x" * 2000, Content_Length="100000000"))
        assert client.read().status == 413
        assert client.is_closed()


def test_wrong_tokens_are_counted_by_address(tmp_path: Path) -> None:
    """After ten the right one has to wait too; at another address it does not."""
    with living(tmp_path, "--gate", "http://127.0.0.1:9") as live:
        cookie = live.log_in()
        with connected(live.port, "127.0.0.30") as guesser:
            for _ in range(MOST_TRIES):
                guesser.send(request("/login", b"wrong"))
                assert guesser.read().status == 403
            guesser.send(request("/login", TOKEN.encode()))
            reply = guesser.read()
            assert reply.status == 429
            assert 0 < int(reply.values(b"retry-after")[0]) <= TRIES_SECONDS
        assert live.log.next("live.wrong_token")["client"] == "127.0.0.30"
        assert live.ask("/login", TOKEN.encode()).status == 204
        assert live.stop() == 0
    with living(tmp_path, "--gate", "http://127.0.0.1:9") as again:
        assert again.ask("/events", Cookie=cookie).status == 401


def test_wrong_tokens_that_are_sent_at_once_are_no_more(tmp_path: Path) -> None:
    """Each connection has begun to send its own before any is known to be wrong."""
    with (
        living(tmp_path, "--gate", "http://127.0.0.1:9") as live,
        contextlib.ExitStack() as open_ones,
    ):
        clients = [
            open_ones.enter_context(connected(live.port, "127.0.0.30"))
            for _ in range(MOST_TRIES + 5)
        ]
        for client in clients:
            client.send(request("/login", b"wron", Content_Length="5"))
        assert live.ask("/").status == 200
        for client in clients:
            client.send(b"g")
        told = [client.read().status for client in clients]
        assert told.count(403) == MOST_TRIES
        assert told.count(429) == 5


class Clock:
    """Seconds that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_session_that_is_not_used_ends() -> None:
    clock = Clock()
    sessions = Sessions(b"token", clock)
    cookie = sessions.open(b"token")
    assert cookie is not None
    clock.now += IDLE_SECONDS
    assert sessions.holds(cookie)
    clock.now += IDLE_SECONDS + 1
    assert not sessions.holds(cookie)
    assert not sessions.holds(cookie)


def test_of_many_sessions_the_one_that_was_used_longest_ago_ends() -> None:
    sessions = Sessions(b"token")
    cookies = [sessions.open(b"token") or "" for _ in range(MOST_SESSIONS)]
    assert sessions.holds(cookies[0])
    sessions.open(b"token")
    assert [sessions.holds(cookie) for cookie in cookies[:3]] == [True, False, True]


def test_tries_are_forgotten_after_a_minute_and_in_bounded_memory() -> None:
    clock = Clock()
    tries = Tries(clock)
    for number in range(1000):
        tries.note(f"192.0.2.{number}")
    for _ in range(MOST_TRIES):
        tries.note("192.0.2.1")
    assert tries.wait("192.0.2.1") == TRIES_SECONDS
    assert tries.wait("192.0.2.2") == 0
    clock.now += TRIES_SECONDS
    assert tries.wait("192.0.2.1") == 0
