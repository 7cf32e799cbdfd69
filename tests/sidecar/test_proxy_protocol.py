"""The PROXY protocol in front of HTTP: from whom it is wanted, and what becomes of every fault."""

import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.events import CLEAN
from support.pair import Pair, paired
from support.process import descriptors
from support.proxy_header import SIGNATURE, v1, v2, v2_tcp4, v2_tcp6
from support.raw import Client, ask, connected, post, wait_until
from support.scripted import reset
from support.sidecar import ALLOWED, FOREIGN, PROXY

DEADLINE = 0.6
HEADERS = {"v1": v1(ALLOWED), "v2": v2_tcp4(ALLOWED), "v2 with tlvs": v2_tcp4(ALLOWED, b"\x04\0\0")}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    keys = {"source.proxy_protocol": "true", "sidecar.head_timeout": f"{DEADLINE}s"}
    with paired(tmp_path_factory.mktemp("gate"), **keys) as running:
        yield running


@pytest.fixture(scope="module")
def patient_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """With the deadline that is the default."""
    with paired(tmp_path_factory.mktemp("gate"), **{"source.proxy_protocol": "true"}) as running:
        yield running


def forwarded_for(pair: Pair) -> bytes:
    return pair.upstream.seen[-1].head.lower().partition(b"x-forwarded-for: ")[2].splitlines()[0]


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_a_header_names_the_client(pair: Pair, header: bytes) -> None:
    """In one packet with its request: the client is allowed, recorded, and told upstream."""
    traces = pair.traces()
    assert ask(pair.port, header + post(CLEAN), PROXY).status == 200
    record = traces.delivery()
    assert (record["client"], record["peer"]) == (ALLOWED, PROXY)
    assert forwarded_for(pair) == f"{ALLOWED}, {PROXY}".encode()


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_a_header_may_come_byte_by_byte(patient_pair: Pair, header: bytes) -> None:
    """Within the deadline, and its connection then serves many requests."""
    with connected(patient_pair.port, PROXY) as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in header:
            client.send(bytes((byte,)))
            time.sleep(0.002)
        for _ in range(3):
            client.send(post(CLEAN))
            assert client.read().status == 200


def test_fields_of_the_sender_are_not_believed(pair: Pair) -> None:
    """A proxy of this kind lets fields pass as they are, so they prove nothing."""
    fields = (
        b"X-Forwarded-For: " + ALLOWED.encode(),
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Host: other",
    )
    traces = pair.traces()
    assert ask(pair.port, v1(FOREIGN) + post(CLEAN, b"/", *fields), PROXY).status == 403
    assert traces.delivery()["reason"] == "source_not_allowed"
    assert traces.untouched
    assert ask(pair.port, v1(ALLOWED) + post(CLEAN, b"/", *fields), PROXY).status == 200
    head = pair.upstream.seen[-1].head.lower()
    assert b"x-forwarded-proto: http\r\n" in head + b"\r\n"
    assert b"x-forwarded-host: gate\r\n" in head + b"\r\n"


NOBODY = {
    "v1 unknown": b"PROXY UNKNOWN\r\n",
    "v1 unknown with an address": b"PROXY UNKNOWN %b 127.0.0.1 1 2\r\n" % ALLOWED.encode(),
    "v2 local": v2(0x20, 0x00, b""),
    "v2 local with an address": v2(0x20, 0x11, v2_tcp4(ALLOWED)[16:]),
    "v2 unspecified": v2(0x21, 0x00, b""),
    "v2 unix": v2(0x21, 0x31, bytes(216)),
    "v2 udp": v2(0x21, 0x12, v2_tcp4(ALLOWED)[16:]),
    "the proxy itself": v1(PROXY),
    "the proxy itself, v2": v2_tcp4(PROXY),
    "the proxy itself, mapped": v2_tcp6(f"::ffff:{PROXY}"),
}


@pytest.mark.parametrize("header", NOBODY.values(), ids=NOBODY.keys())
def test_who_is_nobody_is_not_guessed(pair: Pair, header: bytes) -> None:
    """No client and an allowed one in a field: every request is refused all the same."""
    field = b"X-Forwarded-For: " + ALLOWED.encode()
    traces = pair.traces()
    with connected(pair.port, PROXY) as client:
        client.send(header)
        for _ in range(2):
            client.send(post(CLEAN, b"/", field))
            assert client.read().status == 403
    records = traces.deliveries(2)
    assert {record["reason"] for record in records} == {"source_unresolved"}
    assert {record["client"] for record in records} == {None}
    assert traces.untouched


BROKEN = {
    "missing": (b"", "missing"),
    "lower case": (v1(ALLOWED).lower(), "missing"),
    "a space before": (b" " + v1(ALLOWED), "missing"),
    "a line before": (b"\r\n" + v1(ALLOWED), "missing"),
    "LF alone": (v1(ALLOWED).replace(b"\r", b""), "malformed"),
    "a leading zero in a port": (v1(ALLOWED).replace(b"443", b"0443"), "malformed"),
    "a leading zero in an address": (v1("127.0.0.010"), "no address"),
    "a port too large": (v1(ALLOWED).replace(b"443", b"70000"), "port beyond"),
    "a port missing": (v1(ALLOWED).replace(b" 443", b""), "malformed"),
    "two spaces": (v1(ALLOWED).replace(b" 443", b"  443"), "malformed"),
    "another family": (v1(ALLOWED).replace(b"TCP4", b"TCP6"), "no address"),
    "udp": (v1(ALLOWED).replace(b"TCP4", b"UDP4"), "malformed"),
    "too long": (v1(ALLOWED).replace(b" 443", b" " + b"4" * 99), "longer than"),
    "v2 signature bent": (v2_tcp4(ALLOWED).replace(b"QUIT\n", b"QUIT\r"), "missing"),
    "v2 of version 1": (v2(0x11, 0x11, v2_tcp4(ALLOWED)[16:]), "unknown version"),
    "v2 of another command": (v2(0x2F, 0x11, v2_tcp4(ALLOWED)[16:]), "unknown version"),
    "v2 of another family": (v2(0x21, 0x51, v2_tcp4(ALLOWED)[16:]), "unknown address family"),
    "v2 too short": (v2(0x21, 0x11, v2_tcp4(ALLOWED)[16:27]), "too short"),
    "v2 said longer than it is": (
        v2_tcp4(ALLOWED).replace(b"\0\x0c", b"\0\x20"),
        "TLVs do not fit",
    ),
    "v2 of 64 KiB": (SIGNATURE + b"\x21\x11\xff\xff", "longer than"),
}


@pytest.mark.parametrize(("header", "why"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_header_ends_the_connection(pair: Pair, header: bytes, why: str) -> None:
    """One 400, one record that says what was wrong, and the request behind it is not read."""
    traces = pair.traces()
    with connected(pair.port, PROXY) as client:
        client.send(header + post(CLEAN, b"/", b"X-Forwarded-For: " + ALLOWED.encode()))
        answer = client.read()
        assert (answer.status, answer.values(b"Connection")) == (400, [b"close"])
        assert client.read_rest() == b""
    record = traces.delivery()
    assert (record["reason"], record["peer"]) == ("malformed_http", PROXY)
    assert "PROXY" in record["errors"][0]
    assert why in record["errors"][0]
    assert ALLOWED not in record["errors"][0]
    assert traces.untouched


DOUBLED = {
    f"{one} then {other}": HEADERS[one] + HEADERS[other]
    for one in ("v1", "v2")
    for other in ("v1", "v2")
}


@pytest.mark.parametrize("headers", DOUBLED.values(), ids=DOUBLED.keys())
def test_a_second_header_is_no_http(pair: Pair, headers: bytes) -> None:
    """Only the first is read; what follows is taken for a request and is none."""
    traces = pair.traces()
    assert ask(pair.port, headers + post(CLEAN), PROXY).status == 400
    assert traces.delivery()["reason"] == "malformed_http"
    assert traces.untouched


@pytest.mark.parametrize("source", [ALLOWED, FOREIGN])
@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_nobody_else_may_send_a_header(pair: Pair, source: str, header: bytes) -> None:
    """From a peer that is no trusted proxy it is broken HTTP, whoever it names."""
    traces = pair.traces()
    assert ask(pair.port, header + post(CLEAN), source).status == 400
    assert traces.delivery()["reason"] == "malformed_http"
    assert traces.untouched


def test_others_connect_as_ever(pair: Pair) -> None:
    """Allowed peers and strangers are judged by their own address."""
    assert ask(pair.port, post(CLEAN), ALLOWED).status == 200
    assert ask(pair.port, post(CLEAN), FOREIGN).status == 403


@pytest.mark.parametrize("end", [1, 5, 6, 20, -1])
@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_half_a_header_is_waited_for_until_the_deadline(
    pair: Pair, header: bytes, end: int
) -> None:
    """However far it came: 400 then, and a record; the same where its sender closes at once."""
    traces = pair.traces()
    began = time.monotonic()
    with connected(pair.port, PROXY) as slow, connected(pair.port, PROXY) as cut:
        cut.send(header[:end])
        cut.socket.shutdown(socket.SHUT_WR)
        slow.send(header[:end])
        assert cut.read().status == 400
        assert slow.read().status == 400
        assert time.monotonic() - began >= DEADLINE - 0.05
    errors = [record["errors"][0] for record in traces.deliveries(2)]
    assert ("short" in errors[0], "slowly" in errors[1]) == (True, True)


def test_half_a_header_and_a_reset_leave_a_record(pair: Pair) -> None:
    """Nobody is there to be answered, but something was begun."""
    traces = pair.traces()
    with connected(pair.port, PROXY) as client:
        client.send(v1(ALLOWED)[:20])
        time.sleep(0.05)
        reset(client.socket)
    assert "short" in traces.delivery()["errors"][0]


def test_dripping_does_not_move_the_deadline(pair: Pair) -> None:
    """It is one for the whole header, not one for each byte."""
    with connected(pair.port, PROXY) as client:
        for byte in v1(ALLOWED)[:-1]:
            client.send(bytes((byte,)))
            if select.select([client.socket], [], [], 0.05)[0]:
                break
        else:
            pytest.fail("each byte bought time")
        assert client.read().status == 400


def test_a_proxy_that_says_nothing_leaves_nothing(pair: Pair) -> None:
    """A probe that connects, or connects and waits, is no delivery."""
    pid = pair.gate.process.pid
    traces = pair.traces()
    before = descriptors(pid)
    with connected(pair.port, PROXY) as waiting:
        with connected(pair.port, PROXY):
            pass
        assert waiting.read_rest() == b""
    assert wait_until(lambda: descriptors(pid) <= before)
    assert traces.deliveries(0) == []


def test_waiting_for_a_header_costs_no_processor(pair: Pair) -> None:
    """Half a header does not wake the loop until more of it comes."""

    def ticks() -> int:
        fields = Path(f"/proc/{pair.gate.process.pid}/stat").read_text().split()
        return int(fields[13]) + int(fields[14])

    clients = [Client(pair.port, PROXY) for _ in range(20)]
    try:
        for client in clients:
            client.send(v1(ALLOWED)[:20])
        before = ticks()
        time.sleep(DEADLINE / 2)
        assert ticks() - before < 15
    finally:
        for client in clients:
            client.socket.close()
