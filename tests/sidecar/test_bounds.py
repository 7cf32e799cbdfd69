"""What one sender can cost the others: their time, and the process's memory."""

import contextlib
import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.admin import ON, Admin
from support.events import CLEAN
from support.pair import Pair, paired
from support.process import forget_peak, paused, resident
from support.raw import Client, ask, chunked, connected, post, wait_until
from support.sidecar import FOREIGN

MIB = 1 << 20
SENDERS = 32


def filled(item: bytes, end: bytes = b"]}") -> bytes:
    """A clean event and, beside it, a mebibyte of these items."""
    start = CLEAN[:-1] + b', "x": ['
    count = (MIB - len(start) - len(end)) // (len(item) + 1)
    return start + b",".join([item] * count) + end


BODIES = {
    "brackets": (filled(b"[]"), 400),
    "torn brackets": (filled(b"[]", b""), 400),
    "as many values as are allowed": (filled(b'"' + b"\\n" * 52 + b'"'), 200),
    "numbers": (filled(b"0." + b"123456789" * 12), 200),
}


@pytest.mark.parametrize(("body", "status"), BODIES.values(), ids=BODIES.keys())
def test_many_large_bodies_at_once_hold_up_nobody(tmp_path: Path, body: bytes, status: int) -> None:
    """An event that comes behind them all goes on among the first, and memory stays bounded."""
    request = post(body)
    with paired(tmp_path) as pair, contextlib.ExitStack() as stack:
        pid = pair.gate.process.pid
        senders = [stack.enter_context(connected(pair.port, seconds=30)) for _ in range(SENDERS)]
        event = stack.enter_context(connected(pair.port, seconds=30))
        event.send(post(CLEAN))  # from now on its head is known
        assert event.read().status == 200
        before = len(pair.gate.records())
        for sender in senders:
            sender.send(request[:-1])
        memory = forget_peak(pid)
        with paused(pid):
            for sender in senders:
                sender.send(request[-1:])
            event.send(post(CLEAN))
        assert event.read().status == 200
        assert [sender.read().status for sender in senders] == [status] * SENDERS
        pair.gate.wait_for_deliveries(SENDERS + 2)
        lines = [r["event"] for r in pair.gate.records()[before:] if r["seq"] != SENDERS + 2]
        forward = next(
            place
            for place, r in enumerate(pair.gate.records()[before:])
            if (r["event"], r["seq"]) == ("forward", SENDERS + 2)
        )
        assert len(lines) >= SENDERS
        assert forward < SENDERS // 2
        # Each body as it came and as it goes on, and what is made of one at a time.
        assert resident(pid, peak=True) < memory + 3 * SENDERS * MIB
        assert resident(pid, peak=True) < 200 * MIB


@pytest.fixture
def bounded(tmp_path: Path) -> Iterator[tuple[Pair, Admin]]:
    """A gate that holds 4 MiB of bodies."""
    keys = {"sidecar.max_buffered": "4MiB", "sidecar.body_timeout": "60s", **ON}
    with paired(tmp_path, **keys) as pair:
        yield pair, Admin(pair.gate)


def buffered(admin: Admin) -> float:
    return admin.value("hookgate_buffered_bytes")


def await_taken(admin: Admin, total: int, client: Client) -> None:
    """Until the body is held beside the others, or the client has its refusal to read."""
    readable = [client.socket]
    assert wait_until(
        lambda: buffered(admin) == total or bool(select.select(readable, [], [], 0)[0])
    )


LARGE = CLEAN + b" " * (MIB - len(CLEAN))


def hold(stack: contextlib.ExitStack, pair: Pair, count: int) -> list[Client]:
    """Senders whose bodies are all there but for a byte."""
    clients = [stack.enter_context(connected(pair.port)) for _ in range(count)]
    for client in clients:
        client.send(post(LARGE)[:-1])
    return clients


@pytest.mark.parametrize("framing", ["announced", "chunked"])
def test_bodies_that_are_held_have_a_bound(bounded: tuple[Pair, Admin], framing: str) -> None:
    """Beyond it 503 before more is read, recorded; who is within it is served to the end."""
    pair, admin = bounded
    with contextlib.ExitStack() as stack:
        clients = hold(stack, pair, 3)
        assert wait_until(lambda: buffered(admin) == 3 * (MIB - 1))
        further = stack.enter_context(connected(pair.port))
        if framing == "announced":
            further.send(post(LARGE)[: -len(LARGE)])
        else:
            further.send(chunked(LARGE[: MIB * 3 // 4])[: -len(b"0\r\n\r\n")])
        answer = further.read()
        assert answer.status == 503
        assert int(answer.values(b"Retry-After")[0]) > 0
        assert buffered(admin) == 3 * (MIB - 1)
        for client in clients:
            client.send(LARGE[-1:])
            assert client.read().status == 200
    assert wait_until(lambda: buffered(admin) == 0)
    assert ask(pair.port, post(LARGE)).status == 200
    (refused,) = [r for r in pair.gate.records("delivery") if r["status"] == 503]
    assert (refused["reason"], refused["outcome"]) == ("overloaded", "failed")
    assert refused["bytes"] == 0 or framing == "chunked"


def test_an_event_finds_room_whatever_is_held(bounded: tuple[Pair, Admin]) -> None:
    """No body may be larger than what it leaves free, so that large ones never fill all of it."""
    pair, admin = bounded
    with contextlib.ExitStack() as stack:
        for size in (MIB, MIB, MIB, MIB, MIB // 2, MIB // 2, MIB // 4, MIB // 4, MIB // 8):
            client = stack.enter_context(connected(pair.port))
            held = int(buffered(admin))
            client.send(chunked(b" " * size)[: -len(b"0\r\n\r\n")])
            # One after the other: of those that grow together each may be the one too many.
            await_taken(admin, held + size, client)
        assert wait_until(lambda: buffered(admin) > 3 * MIB)
        with connected(pair.port) as client:
            for _ in range(3):
                client.send(post(CLEAN))
                assert client.read().status == 200
        assert buffered(admin) < 4 * MIB
    assert wait_until(lambda: buffered(admin) == 0)


def test_whoever_leaves_gives_back_what_was_held(bounded: tuple[Pair, Admin]) -> None:
    """Within the body or behind it; and what is refused for something else is not held."""
    pair, admin = bounded
    with contextlib.ExitStack() as stack:
        hold(stack, pair, 2)
        assert wait_until(lambda: buffered(admin) == 2 * (MIB - 1))
    assert wait_until(lambda: buffered(admin) == 0)
    wrong = post(LARGE).replace(b"json", b"xml")[:-1]
    with connected(pair.port) as client, connected(pair.port, FOREIGN) as stranger:
        client.send(wrong)
        assert client.read().status == 415
        with contextlib.suppress(OSError):
            stranger.send(post(LARGE)[:-1])
        assert stranger.read().status == 403
        assert buffered(admin) == 0
    for body in (LARGE[:-1] + b"}", b"{" + LARGE[1:], LARGE):
        ask(pair.port, post(body))
        assert buffered(admin) == 0


def test_a_body_in_tiny_pieces_takes_no_more_than_another(bounded: tuple[Pair, Admin]) -> None:
    """A chunk of two bytes is no object of its own: half a mebibyte of them stays as much."""
    pair, admin = bounded
    pid = pair.gate.process.pid
    body = CLEAN + b" " * (MIB // 2 - len(CLEAN))
    ask(pair.port, post(body))
    before = forget_peak(pid)
    with connected(pair.port, seconds=30) as client:
        data = chunked(*(body[at : at + 2] for at in range(0, len(body), 2)))
        client.send(data[: -len(b"0\r\n\r\n")])
        assert wait_until(lambda: buffered(admin) == len(body))
        assert resident(pid, peak=True) - before < 6 * MIB
        client.send(b"0\r\n\r\n")
        assert client.read().status == 200
