"""Whoever is not known to be allowed is foreign: what it is owed, and what it may take."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from support.events import CLEAN
from support.pair import Pair, paired
from support.proxy_header import v1, v2, v2_tcp4
from support.raw import Client, ask, connected, post, wait_until
from support.sidecar import ALLOWED, FOREIGN, PROXY

HEAD_TIMEOUT, BODY_TIMEOUT = 0.4, 0.4
TOTAL, STRANGERS, UNNAMED = 24, 4, 6


class Setup(NamedTuple):
    """How a stranger's request comes to the gate: what is before it, and which field is in it."""

    peer: str
    before: bytes
    field: bytes
    client: str | None


DIRECT = Setup(FOREIGN, b"", b"X: y", FOREIGN)
NAMED = Setup(PROXY, v1(FOREIGN), b"X: y", FOREIGN)
NOBODY = Setup(PROXY, v2(0x21, 0x00, b""), b"X: y", None)
FORWARDED = Setup(PROXY, b"", b"X-Forwarded-For: " + FOREIGN.encode(), FOREIGN)
UNFORWARDED = Setup(PROXY, b"", b"X: y", None)

# How a request can end without being delivered, and what is answered. None is a close.
ENDINGS: dict[str, tuple[bytes, int | None]] = {
    "clean": (post(CLEAN, b"/", b"%F"), 403),
    "no HTTP": (b"GARBAGE\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "a target that is none": (post(CLEAN, b"*", b"%F"), 400),
    "two Hosts": (post(CLEAN, b"/", b"%F", b"Host: gate"), 400),
    "an unknown expectation": (post(CLEAN, b"/", b"%F", b"Expect: x"), 417),
    "an upgrade": (post(CLEAN, b"/", b"%F", b"Connection: upgrade", b"Upgrade: websocket"), 400),
    "a broken length": (post(CLEAN, b"/", b"%F").replace(b"Length: ", b"Length: +"), 400),
    "too many fields": (post(CLEAN, b"/", b"%F", *(b"A: b" for _ in range(99))), 431),
    "a long head": (post(CLEAN, b"/", b"%F", b"A: " + b"b" * 20_000), 431),
    "half a head": (post(CLEAN, b"/", b"%F")[:60], 408),
    "half a body": (post(CLEAN, b"/", b"%F")[:-9], 403),
    "a large body": (post(b" " * 2**20 + CLEAN, b"/", b"%F"), 403),
    "another method": (post(CLEAN, b"/", b"%F").replace(b"POST", b"PUT", 1), 403),
    "broken chunks": (
        post(b"", b"/", b"%F").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"x",
        403,
    ),
}  # fmt: skip
# What the head is to tell is not known where it was not read.
UNREAD = ("no HTTP", "TLS", "a broken length", "too many fields", "a long head", "half a head")


def keys(proxy_protocol: bool) -> dict[str, str]:
    return {
        "source.proxy_protocol": str(proxy_protocol).lower(),
        "sidecar.head_timeout": f"{HEAD_TIMEOUT}s",
        "sidecar.body_timeout": f"{BODY_TIMEOUT}s",
    }


@pytest.fixture(scope="module")
def with_header(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A gate whose trusted proxies speak the PROXY protocol."""
    with paired(tmp_path_factory.mktemp("gate"), **keys(True)) as running:
        yield running


@pytest.fixture(scope="module")
def with_field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A gate whose trusted proxies name the client in a field."""
    with paired(tmp_path_factory.mktemp("gate"), **keys(False)) as running:
        yield running


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    "setup",
    [DIRECT, NAMED, NOBODY, FORWARDED, UNFORWARDED],
    ids=["direct", "named", "nobody", "forwarded", "unforwarded"],
)
def test_a_stranger_is_told_nothing_however_its_request_ends(
    with_header: Pair, with_field: Pair, setup: Setup, ending: str
) -> None:
    """An empty answer; the record has the client where it can be read, and nobody is guessed."""
    pair = with_header if setup.before else with_field
    request, status = ENDINGS[ending]
    traces = pair.traces()
    answer = ask(pair.port, setup.before + request.replace(b"%F", setup.field), setup.peer)
    assert (answer.status, answer.body) == (status, b"")
    assert answer.values(b"Content-Type") == []
    record = traces.delivery()
    by_field = setup in (FORWARDED, UNFORWARDED)
    assert record["client"] == (None if by_field and ending in UNREAD else setup.client)
    assert record["peer"] == setup.peer
    assert traces.untouched


@pytest.mark.parametrize(
    "setup",
    [
        Setup(ALLOWED, b"", b"X: y", ALLOWED),
        Setup(PROXY, v1(ALLOWED), b"X: y", ALLOWED),
        Setup(PROXY, b"", b"X-Forwarded-For: " + ALLOWED.encode(), ALLOWED),
    ],
    ids=["direct", "named", "forwarded"],
)
def test_the_allowed_are_told_what_is_wrong(
    with_header: Pair, with_field: Pair, setup: Setup
) -> None:
    """Of the same endings, with who they are in the record."""
    pair = with_header if setup.before else with_field
    for ending in ("two Hosts", "an unknown expectation", "another method", "half a body"):
        traces = pair.traces()
        request = ENDINGS[ending][0].replace(b"%F", setup.field)
        assert b'"reason"' in ask(pair.port, setup.before + request, setup.peer).body
        assert traces.delivery()["client"] == setup.client


FLOODS = {
    "garbage behind a PROXY header": v1(FOREIGN) + b"GARBAGE\r\n\r\n",
    "a broken PROXY header": b"PROXY TCP4 nobody\r\n",
    "an expectation behind a PROXY header": v2_tcp4(FOREIGN) + ENDINGS["an unknown expectation"][0],
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_a_flood_through_a_trusted_proxy_is_summed(with_header: Pair, flood: bytes) -> None:
    """At most fifty lines a second, whatever it consists of; the sums account for the others."""
    sent = 400
    began = time.monotonic()
    lines = len(with_header.gate.records("delivery"))
    for _ in range(sent):
        assert ask(with_header.port, flood, PROXY).body == b""
    seconds = int(time.monotonic() - began) + 2
    lines = len(with_header.gate.records("delivery")) - lines
    assert lines <= min(50 * seconds, sent - 1)


@pytest.fixture
def crowded() -> dict[str, str]:
    """Few places, and time enough to hold them."""
    return {
        "sidecar.max_connections": str(TOTAL),
        "sidecar.max_foreign_connections": str(STRANGERS),
        "sidecar.max_unnamed_connections": str(UNNAMED),
        "sidecar.head_timeout": "60s",
        "sidecar.keep_alive": "60s",
    }


def open_ones(clients: list[Client]) -> list[int]:
    """The places of those that are not closed."""
    for client in clients:
        client.socket.setblocking(False)
    found = []
    for place, client in enumerate(clients):
        try:
            while client.socket.recv(65536):
                pass
        except BlockingIOError:
            found.append(place)
        except OSError:
            pass
    return found


HEADS = {
    "nothing": b"",
    "half a PROXY header": v1(FOREIGN)[:9],
    "half a head of a named stranger": v1(FOREIGN) + post(CLEAN)[:40],
    "half a head of one that was allowed": v1(ALLOWED)[:-2],
}


@pytest.mark.parametrize("held", HEADS.values(), ids=HEADS)
def test_a_proxys_strangers_do_not_take_the_places_of_the_allowed(
    tmp_path: Path, crowded: dict[str, str], held: bytes
) -> None:
    """They hold a stranger's share, or that of those who named nobody; then the oldest goes."""
    with (
        paired(tmp_path, **{**crowded, "source.proxy_protocol": "true"}) as pair,
        contextlib.ExitStack() as stack,
    ):
        clients = [stack.enter_context(connected(pair.port, PROXY)) for _ in range(2 * TOTAL)]
        for client in clients:
            with contextlib.suppress(OSError):
                client.send(held)
        for _ in range(3):
            assert ask(pair.port, v1(ALLOWED) + post(CLEAN), PROXY).status == 200
            assert ask(pair.port, post(CLEAN)).status == 200
        share = STRANGERS if held.startswith(v1(FOREIGN)) else UNNAMED
        assert wait_until(lambda: len(open_ones(clients)) <= share)
        if share == UNNAMED:  # the last ones stayed, but for those that gave way to the allowed
            assert min(open_ones(clients)) >= len(clients) - UNNAMED


def test_connections_of_a_proxy_count_as_their_requests_do(
    tmp_path: Path, crowded: dict[str, str]
) -> None:
    """Each head names its client anew: unnamed, foreign, allowed, and with half a head unnamed."""
    allowed = post(CLEAN, b"/", b"X-Forwarded-For: " + ALLOWED.encode())
    foreign = post(CLEAN, b"/", b"X-Forwarded-For: " + FOREIGN.encode())
    with paired(tmp_path, **crowded) as pair, contextlib.ExitStack() as stack:
        kept = [stack.enter_context(connected(pair.port, PROXY)) for _ in range(UNNAMED)]
        for client in kept:  # named: they do not give way
            client.send(allowed)
            assert client.read().status == 200
        halves = [stack.enter_context(connected(pair.port, PROXY)) for _ in range(2 * TOTAL)]
        for client in halves:
            with contextlib.suppress(OSError):
                client.send(foreign[:40])
        assert wait_until(lambda: len(open_ones(halves)) == UNNAMED)
        for client in kept:
            client.send(allowed)
            assert client.read().status == 200
        # One that was allowed and now sends half a head is the youngest of those unnamed.
        kept[0].send(allowed[:40])
        assert wait_until(lambda: len(open_ones(halves)) == UNNAMED - 1)
        kept[0].send(allowed[40:])
        kept[0].socket.setblocking(True)
        assert kept[0].read().status == 200
        # Strangers beyond their share are answered and not kept.
        for place, client in enumerate(kept):
            client.socket.settimeout(10)
            client.send(foreign)
            answer = client.read()
            assert (answer.status, answer.body) == (403, b"")
            assert (answer.values(b"Connection") == [b"close"]) == (place >= STRANGERS)
