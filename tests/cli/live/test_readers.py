"""Pages that are open: how many, and that none of them holds up another, or the process."""

import contextlib
import socket
import time
from pathlib import Path

import pytest

from hookgate_cli.live.connection import MOST_CONNECTIONS
from hookgate_cli.live.readers import MOST_READERS
from support.answers import Site
from support.live import living, request, telling
from support.process import accepted, descriptors, resident
from support.raw import connected, wait_until

from .conftest import Shown


def test_a_fifth_page_is_told_so_and_a_place_that_is_left_is_free(shown: Shown) -> None:
    cookie = shown.live.log_in()
    with contextlib.ExitStack() as pages:
        readers = [pages.enter_context(shown.live.reading(cookie)) for _ in range(MOST_READERS)]
        for reader in readers:
            assert b" 200 " in reader.head()
        fifth = shown.live.ask("/events", Cookie=cookie)
        assert (fifth.status, fifth.values(b"retry-after")) == (503, [b"5"])
        assert b"4 pages are open already" in fifth.body
        readers[0].socket.close()

        def has_room() -> bool:
            with shown.live.reading(cookie) as states:
                return b" 200 " in states.head()

        assert wait_until(has_room)


def test_the_page_and_its_process_are_small(shown: Shown) -> None:
    """Less than 60 KiB in all on the way, and 60 MiB of memory."""
    files = [shown.live.ask(target) for target in ("/", "/page.js", "/page.css", "/icon.svg")]
    assert all(reply.status == 200 for reply in files)
    assert sum(len(reply.head) + len(reply.body) for reply in files) < 60 << 10
    assert resident(shown.live.process.pid) < 60 << 20


def test_every_page_is_sent_the_same_state_each_second(shown: Shown) -> None:
    cookie = shown.live.log_in()
    with shown.live.reading(cookie) as one, shown.live.reading(cookie) as other:
        assert b"text/event-stream" in one.head()
        other.head()
        one.next(), other.next()
        first, second = one.next(), one.next()
        assert second["time"] > first["time"]
        told = [other.next()["time"], other.next()["time"]]
        assert second["time"] in told


@pytest.mark.soak
def test_a_reader_that_does_not_read_is_cut_off(tmp_path: Path) -> None:
    """Nothing grows for it meanwhile; one that reads is sent every state."""
    site = Site()
    for number in range(50):
        site.end("refused", "contract_violation", pointer="/x" * 99, route=f"{number}" * 99)
    with (
        telling(site.now()) as (_, receiver),
        living(tmp_path, "--gate", receiver.url) as live,
        connected(live.port, seconds=60) as slow,
        live.reading(cookie := live.log_in()) as states,
    ):
        states.head()
        before = resident(live.process.pid)
        slow.send(request("/events", Cookie=cookie))
        until = time.monotonic() + 60
        while accepted(live.port) > 1:
            assert time.monotonic() < until
            states.next()
        assert resident(live.process.pid) - before < 8 << 20


def test_who_asks_and_does_not_read_keeps_nobody_out(tmp_path: Path) -> None:
    """Without a token: each asks for the script again and again, and takes none of it."""
    many = request("/page.js") * 150
    with living(tmp_path, "--gate", "http://127.0.0.1:9") as live, contextlib.ExitStack() as open_:
        for _ in range(MOST_CONNECTIONS):
            client = open_.enter_context(connected(live.port, seconds=30))
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.send(many)
        for _ in range(3):
            assert live.ask("/").status == 200


def test_idle_connections_keep_nobody_out_and_are_closed(tmp_path: Path) -> None:
    """Those that send nothing, half a head, or half a body."""
    with living(tmp_path, "--gate", "http://127.0.0.1:9") as live, contextlib.ExitStack() as idle:
        assert live.ask("/").status == 200
        begun = descriptors(live.process.pid)
        beginnings = b"", b"GET / HT", request("/login", b"x", Content_Length="9")
        clients = [
            idle.enter_context(connected(live.port, seconds=30))
            for _ in range(MOST_CONNECTIONS * 2)
        ]
        for number, client in enumerate(clients):
            with contextlib.suppress(ConnectionError):
                client.send(beginnings[number % 3])
        assert live.ask("/").status == 200
        assert descriptors(live.process.pid) <= begun + MOST_CONNECTIONS + 1
        assert all(client.is_closed(30) for client in clients)
        assert live.ask("/").status == 200
