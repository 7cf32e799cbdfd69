"""More than there is room for: deliveries, connections, descriptors."""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.events import CLEAN
from support.pair import Pair, paired
from support.process import descriptors
from support.raw import Client, ask, connected, post, wait_until
from support.receiver import OK, Seen
from support.sidecar import ALLOWED, FOREIGN
from support.starved import timed

IN_FLIGHT = 3


@pytest.fixture
def go() -> Iterator[threading.Event]:
    """Set when the upstream may answer."""
    event = threading.Event()
    yield event
    event.set()


@contextlib.contextmanager
def slow(folder: Path, go: threading.Event, **keys: str) -> Iterator[Pair]:
    def respond(_: Seen) -> bytes:
        go.wait(30)
        return OK

    with paired(folder, respond, **keys) as pair:
        try:
            yield pair
        finally:
            go.set()


def test_deliveries_in_flight_have_a_bound(tmp_path: Path, go: threading.Event) -> None:
    """Beyond it 503 and when to come again, recorded; the connection is kept and serves later."""
    keys = {"sidecar.max_in_flight": str(IN_FLIGHT)}
    with slow(tmp_path, go, **keys) as pair, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connected(pair.port)) for _ in range(IN_FLIGHT)]
        for client in clients:
            client.send(post(CLEAN))
        pair.upstream.wait_for(IN_FLIGHT)
        further = stack.enter_context(connected(pair.port))
        for _ in range(2):
            further.send(post(CLEAN))
            answer = further.read()
            assert answer.status == 503
            assert int(answer.values(b"Retry-After")[0]) > 0
            assert answer.values(b"Connection") == []
        go.set()
        assert [client.read().status for client in clients] == [200] * IN_FLIGHT
        further.send(post(CLEAN))
        assert further.read().status == 200
        records = pair.gate.wait_for_deliveries(IN_FLIGHT + 3)
        overloaded = [record for record in records if record["reason"] == "overloaded"]
        assert [(r["outcome"], r["answered"]) for r in overloaded] == [("failed", True)] * 2
        assert len(pair.gate.records("forward")) == IN_FLIGHT + 1


def test_events_being_received_count_too(tmp_path: Path, go: threading.Event) -> None:
    """They hold memory; a place is free again when their sender has left."""
    keys = {"sidecar.max_in_flight": str(IN_FLIGHT)}
    go.set()
    with slow(tmp_path, go, **keys) as pair:
        with contextlib.ExitStack() as stack:
            for _ in range(IN_FLIGHT):
                stack.enter_context(connected(pair.port)).send(post(CLEAN)[:-1])
            assert wait_until(lambda: ask(pair.port, post(CLEAN)).status == 503)
        assert wait_until(lambda: ask(pair.port, post(CLEAN)).status == 200)


def test_who_is_refused_takes_no_place_in_flight(tmp_path: Path, go: threading.Event) -> None:
    """Strangers and their like are told what is wrong, not that there is no room."""
    keys = {"sidecar.max_in_flight": "1", "sidecar.head_timeout": "5s"}
    with slow(tmp_path, go, **keys) as pair, contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(connected(pair.port, FOREIGN)).send(post(CLEAN)[:20])
        stack.enter_context(connected(pair.port)).send(post(CLEAN))
        pair.upstream.wait_for(1)
        assert ask(pair.port, post(CLEAN), FOREIGN).status == 403
        assert ask(pair.port, post(b"{}").replace(b"json", b"xml")).status == 415
        assert ask(pair.port, post(CLEAN)).status == 503


def test_a_refused_expectation_gets_no_100(tmp_path: Path, go: threading.Event) -> None:
    """The 503 comes instead, before the body."""
    with slow(tmp_path, go, **{"sidecar.max_in_flight": "1"}) as pair, connected(pair.port) as busy:
        busy.send(post(CLEAN))
        pair.upstream.wait_for(1)
        head = post(CLEAN, b"/", b"Expect: 100-continue").removesuffix(CLEAN)
        assert ask(pair.port, head).status == 503


def test_those_turned_away_are_bounded_too(tmp_path: Path, go: threading.Event) -> None:
    """Allowed peers beyond the bound linger to see why, but only so many of them."""
    total = 4
    keys = {"sidecar.max_connections": str(total), "sidecar.max_foreign_connections": "2"}
    with slow(tmp_path, go, **keys) as pair, contextlib.ExitStack() as stack:
        pid = pair.gate.process.pid
        with connected(pair.port) as first:  # libuv opens what it keeps with it
            first.send(post(b"{"))
            assert first.read().status == 400
            before = descriptors(pid) - 1
        assert wait_until(lambda: descriptors(pid) == before)  # it takes nobody's place any more
        clients = [stack.enter_context(connected(pair.port)) for _ in range(total + 80)]
        for client in clients[:total]:
            client.send(post(CLEAN)[:-1])
        for client in clients[total:]:
            assert client.read().status == 503
        assert descriptors(pid) <= before + total + 32 + 1


@pytest.mark.slow
def test_two_thousand_strangers_leave_room_and_descriptors(
    tmp_path: Path, go: threading.Event
) -> None:
    """Idle and dripping ones hold their share and no more, while events are delivered."""
    share = 64
    go.set()
    with slow(tmp_path, go) as pair, contextlib.ExitStack() as stack:
        pid = pair.gate.process.pid
        with connected(pair.port) as kept:
            kept.send(post(CLEAN))
            assert kept.read().status == 200
            before = descriptors(pid)
            for place in range(2000):
                stranger = stack.enter_context(connected(pair.port, FOREIGN))
                if place % 2:
                    with contextlib.suppress(OSError):
                        stranger.send(post(CLEAN)[: place % 60])
                if place % 100 == 0:
                    kept.send(post(CLEAN))
                    assert kept.read().status == 200
                    assert ask(pair.port, post(CLEAN)).status == 200
                    assert descriptors(pid) <= before + share + 16
        records = pair.gate.records("delivery")
        refused = [r for r in records if r["reason"] == "overloaded"]
        assert {record["peer"] for record in refused} == {FOREIGN}


def test_a_shortage_of_descriptors_is_survived(tmp_path: Path) -> None:
    """Said once, waited for without spinning, answered by the last descriptor, and over when
    connections end.
    """
    limit = 40
    patch = f"import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, {limit}))"
    with paired(tmp_path, patch=patch) as pair:
        with contextlib.ExitStack() as stack:
            for _ in range(limit + 20):
                stack.enter_context(Client(pair.port, ALLOWED).socket)
            pair.gate.wait_for_log("listener.cannot_accept")
            before = ticks(pair)
            time.sleep(0.5)
            assert ticks(pair) - before < 25
            for _ in range(3):
                assert timed("no descriptor is left", pair.port, post(CLEAN)).status == 503
        assert wait_until(lambda: ask(pair.port, post(CLEAN)).status == 200)
        assert pair.gate.stop() == 0
        assert pair.gate.log.whole().count("listener.cannot_accept") == 1


def ticks(pair: Pair) -> int:
    """Hundredths of a second of processor time."""
    fields = Path(f"/proc/{pair.gate.process.pid}/stat").read_text().split()
    return int(fields[13]) + int(fields[14])
