"""The token: who has it gets in, whoever else guesses, and an old one counts no more."""

import json
from pathlib import Path

import pytest

from hookgate_cli.live.sessions import (
    IDLE_SECONDS,
    MOST_SESSIONS,
    MOST_TOLD,
    TOLD_SECONDS,
    Sessions,
    WrongTokens,
)
from support.live import TOKEN, living, request
from support.raw import connected
from support.sidecar import ALLOWED

from .conftest import Shown


@pytest.mark.parametrize("token", [b"", b"x", TOKEN[:-1].encode(), TOKEN.encode() + b"0", b"\xff"])
def test_a_wrong_token_is_no_token(shown: Shown, token: bytes) -> None:
    reply = shown.live.ask("/login", token)
    assert (reply.status, reply.values(b"set-cookie")) == (403, [])


def test_a_token_is_taken_from_a_body_alone(shown: Shown) -> None:
    """Nothing of a query is read, and none stands in a log."""
    assert shown.live.ask(f"/login?token={TOKEN}", b"").status == 403
    assert shown.live.ask(f"/login?token={TOKEN}").status == 405
    assert shown.live.ask(f"/?token={TOKEN}").values(b"set-cookie") == []
    assert TOKEN not in str(shown.live.log)


def test_a_body_that_is_no_token_is_not_read_to_its_end(shown: Shown) -> None:
    with connected(shown.live.port) as client:
        client.send(request("/login", b"x" * 2000, Content_Length="100000000"))
        assert client.read().status == 413
        assert client.is_closed()


def test_who_guesses_shuts_nobody_out(tmp_path: Path) -> None:
    """By `ssh -L` all come from one address: the right token gets in there, however many are wrong.

    Of the wrong ones the log tells some, as whoever can connect could fill a disk with them.
    """
    with living(tmp_path, "--gate", "http://127.0.0.1:9") as live:
        with connected(live.port) as guesser:
            for _ in range(3 * MOST_TOLD):
                guesser.send(request("/login", b"wrong"))
                assert guesser.read().status == 403
            cookie = live.log_in()
            guesser.send(request("/login", TOKEN.encode()))
            assert guesser.read().status == 204
        assert live.stop() == 0
        told = [json.loads(line) for line in live.log.whole().splitlines()]
    wrong = [line for line in told if line["event"] == "live.wrong_token"]
    assert [(line["client"], line["untold"]) for line in wrong] == [(ALLOWED, 0)] * MOST_TOLD
    with living(tmp_path, "--gate", "http://127.0.0.1:9") as again:
        assert again.ask("/events", Cookie=cookie).status == 401


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


def test_of_wrong_tokens_so_many_a_minute_are_told() -> None:
    clock = Clock()
    wrong = WrongTokens(clock)
    assert [wrong.note() for _ in range(MOST_TOLD + 5)] == [0] * MOST_TOLD + [None] * 5
    clock.now += TOLD_SECONDS
    assert [wrong.note() for _ in range(2)] == [5, 0]
