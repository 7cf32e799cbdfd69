"""A sender that leaves: before forwarding nothing goes upstream, after it all runs to its end."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.events import CLEAN
from support.ledger import Record
from support.pair import Pair, paired
from support.process import paused
from support.raw import Client, connected, post, wait_until
from support.receiver import OK, Seen
from support.scripted import reset
from support.sidecar import ALLOWED

LEAVES: dict[str, Callable[[Client], None]] = {
    "closes": lambda client: client.socket.close(),
    "resets": lambda client: reset(client.socket),
}


@pytest.fixture(params=LEAVES, ids=lambda name: name)
def leave(request: pytest.FixtureRequest) -> Callable[[Client], None]:
    return LEAVES[request.param]


class Gated:
    """An upstream's answer that waits until it is let go."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.go = threading.Event()

    def __call__(self, _: Seen) -> bytes:
        assert self.go.wait(30)
        return self.answer


@contextlib.contextmanager
def gated(folder: Path, answer: bytes = OK, **keys: str) -> Iterator[tuple[Pair, Gated]]:
    respond = Gated(answer)
    with paired(folder, respond, **keys) as pair:
        yield pair, respond


def settle(pair: Pair) -> None:
    """Wait until the sidecar has dealt with what happened on its connections so far."""
    for _ in range(2):
        with connected(pair.port) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: gate\r\n\r\n")
            assert client.read().status == 405


def endings(pair: Pair, count: int) -> list[Record]:
    """The `delivery` records but those of `settle`, once there are `count`."""

    def found() -> list[Record]:
        records = pair.gate.records("delivery")
        return [record for record in records if record["reason"] != "method_not_allowed"]

    assert wait_until(lambda: len(found()) >= count)
    assert len(found()) == count
    return found()


@pytest.mark.parametrize(
    "sent", [1, 40, len(post(CLEAN)) - 1], ids=["one byte", "part of the head", "all but one byte"]
)
def test_before_forwarding_it_is_aborted(
    pair: Pair, leave: Callable[[Client], None], sent: int
) -> None:
    """A request that was not complete is `client_gone`, and nothing goes upstream."""
    traces = pair.traces()
    with connected(pair.port) as client:
        client.send(post(CLEAN)[:sent])
        settle(pair)
        leave(client)
    record = traces.deliveries(3)[-1]
    assert (record["outcome"], record["reason"]) == ("aborted", "client_gone")
    assert (record["status"], record["answered"]) == (None, False)
    assert record["bytes"] == max(0, sent - len(post(CLEAN)) + len(CLEAN))
    assert traces.untouched


@pytest.mark.parametrize(
    ("data", "reason"),
    [(post(CLEAN)[:-1], "client_gone"), (post(CLEAN), "clean")],
    ids=["part", "whole"],
)
def test_one_that_resets_before_it_was_accepted_is_no_stranger(
    pair: Pair, data: bytes, reason: str
) -> None:
    """Its address is known all the same: it is judged like one that left a moment later."""
    traces = pair.traces()
    with paused(pair.gate.process.pid), connected(pair.port) as client:
        client.send(data)
        reset(client.socket)
    settle(pair)
    records = traces.deliveries(3)
    (record,) = [record for record in records if record["reason"] != "method_not_allowed"]
    assert (record["reason"], record["peer"], record["answered"]) == (reason, ALLOWED, False)


@pytest.mark.parametrize(
    ("answer", "outcome", "status"),
    [
        (OK, "delivered", 200),
        (b"HTTP/1.1 503 Later\r\nContent-Length: 2\r\n\r\nno", "failed", 503),
    ],
    ids=["200", "503"],
)
def test_after_forwarding_the_exchange_runs_to_its_end(
    tmp_path: Path, leave: Callable[[Client], None], answer: bytes, outcome: str, status: int
) -> None:
    """What the upstream says is recorded, and that the sender did not hear it."""
    with gated(tmp_path, answer) as (pair, upstream):
        with connected(pair.port) as client:
            client.send(post(CLEAN))
            assert len(pair.upstream.wait_for(1)) == 1
            leave(client)
        settle(pair)
        upstream.go.set()
        (record,) = endings(pair, 1)
    assert (record["outcome"], record["upstream_status"]) == (outcome, status)
    # Whoever only ended its sending side may still read: that looks like a close.
    assert (record["status"], record["answered"]) == (status, leave is LEAVES["closes"])


def test_those_behind_it_in_the_queue_are_aborted(
    tmp_path: Path, leave: Callable[[Client], None]
) -> None:
    """Of pipelined requests the first runs to its end; the others never begin."""
    with gated(tmp_path) as (pair, upstream):
        with connected(pair.port) as client:
            client.send(post(CLEAN))
            pair.upstream.wait_for(1)
            client.send(post(CLEAN)[:100])
            settle(pair)
            leave(client)
        settle(pair)
        upstream.go.set()
        records = endings(pair, 2)
        assert len(pair.upstream.seen) == 1
    assert sorted(record["reason"] for record in records) == ["clean", "client_gone"]


def test_the_upstream_connection_of_one_who_left_serves_the_next(tmp_path: Path) -> None:
    """A sender that leaves costs no connection to the upstream."""
    with gated(tmp_path) as (pair, upstream):
        with connected(pair.port) as client:
            client.send(post(CLEAN))
            pair.upstream.wait_for(1)
        settle(pair)
        upstream.go.set()
        endings(pair, 1)
        with connected(pair.port) as client:
            client.send(post(CLEAN))
            assert client.read().status == 200
        assert pair.upstream.connections == 1


def test_a_hundred_who_leave_at_once_are_all_recorded(tmp_path: Path) -> None:
    """Each of them has its record and the ledger balances."""
    with gated(tmp_path) as (pair, upstream):
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(connected(pair.port)) for _ in range(100)]
            for client in clients:
                client.send(post(CLEAN))
            assert len(pair.upstream.wait_for(100)) == 100
            for client in clients:
                reset(client.socket)
        settle(pair)
        upstream.go.set()
        records = endings(pair, 100)
    assert {(record["outcome"], record["answered"]) for record in records} == {("delivered", False)}
