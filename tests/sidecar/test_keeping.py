"""Refusals that are kept, on connections: in their order, within their time, to their end."""

import fcntl
import threading
import time
from pathlib import Path

from support.events import CLEAN, event
from support.kept import files, items, narrow
from support.ledger import assert_balanced, assert_chained
from support.raw import ask, connected, post
from support.receiver import receiving
from support.sidecar import Sidecar, sidecar

NOWHERE, NARROW = b"/nowhere", b"/narrow"


def assert_whole(gate: Sidecar) -> None:
    """It ended well, and nothing is missing."""
    assert gate.stop() == 0
    assert_chained(gate.audit)
    assert_balanced(gate.audit)


def test_answers_keep_the_order_of_their_requests(tmp_path: Path) -> None:
    """What is kept waits for the disk, and those behind it wait for its answer."""
    bodies = (CLEAN, b"/cm/events"), (CLEAN, NOWHERE), (CLEAN, b"/cm/events"), (CLEAN, NARROW)
    requests = [post(body, path) for body, path in (*bodies, (b"{", NARROW))]
    with receiving() as upstream, sidecar(upstream.url, tmp_path, **narrow(tmp_path)) as gate:
        with connected(gate.port) as client:
            client.send(b"".join(requests))
            assert [client.read().status for _ in requests] == [200, 404, 200, 422, 400]
            client.send(post(CLEAN))
            assert client.read().status == 200
        assert_whole(gate)
        assert len(upstream.seen) == 3
    assert sorted(item.body for item in items(tmp_path)) == sorted([CLEAN, CLEAN, b"{"])


def test_a_body_that_is_too_slow_ends_in_the_refusal(tmp_path: Path) -> None:
    """Nothing is kept of it, and the connection ends as after any time-out."""
    with sidecar(
        "http://127.0.0.1:1", tmp_path, **narrow(tmp_path), **{"sidecar.body_timeout": "300ms"}
    ) as gate:
        with connected(gate.port) as client:
            client.send(post(CLEAN, NOWHERE)[:-1])
            assert client.read().status == 404
            assert client.is_closed()
        assert_whole(gate)
        (record,) = gate.records("delivery")
    assert (record["reason"], record["not_kept"]) == ("path_not_routed", "incomplete")
    assert (record["bytes"], record["answered"]) == (len(CLEAN) - 1, True)
    assert files(tmp_path) == []


def test_a_sender_that_leaves_before_the_end_is_refused_all_the_same(tmp_path: Path) -> None:
    """The record says that nobody was there to be told."""
    with sidecar("http://127.0.0.1:1", tmp_path, **narrow(tmp_path)) as gate:
        with connected(gate.port) as client:
            client.send(post(CLEAN, NOWHERE)[:-1])
        (record,) = gate.wait_for_deliveries(1)
        assert_whole(gate)
    assert (record["reason"], record["not_kept"]) == ("path_not_routed", "incomplete")
    assert record["answered"] is False


def test_where_there_is_no_room_the_refusal_stands(tmp_path: Path) -> None:
    """A body that is only wanted to be kept makes nobody else wait, and is not waited for."""
    bound = {"sidecar.max_in_flight": "1"}
    with sidecar("http://127.0.0.1:1", tmp_path, **narrow(tmp_path), **bound) as gate:
        with connected(gate.port) as client:
            client.send(post(CLEAN, NOWHERE)[:-1])
            time.sleep(0.2)
            assert ask(gate.port, post(event(reference="second"), NOWHERE)).status == 404
            client.send(CLEAN[-1:])
            assert client.read().status == 404
        assert_whole(gate)
        told = [(r.get("not_kept"), "kept" in r) for r in gate.records("delivery")]
    assert told == [("incomplete", False), (None, True)]


def test_a_stop_waits_for_what_is_being_kept(tmp_path: Path) -> None:
    """Its sender is answered, and its line is there."""
    with sidecar("http://127.0.0.1:1", tmp_path, **narrow(tmp_path, custody=True)) as gate:
        assert ask(gate.port, post(event(reference="first"), NARROW)).status == 200
        with (tmp_path / "quarantine/lock").open("rb+") as lock, connected(gate.port) as client:
            fcntl.flock(lock, fcntl.LOCK_EX)
            client.send(post(CLEAN, NARROW))
            time.sleep(0.2)
            stopping = threading.Thread(target=gate.stop)
            stopping.start()
            time.sleep(0.2)
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert client.read().status == 200
            stopping.join()
        assert_whole(gate)
        records = gate.records("delivery")
    assert [record["custody"] for record in records] == [True, True]
    assert len(files(tmp_path)) == 2
