"""A balancer's health checks: of the admin listener, and of the one that events come to."""

import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from support.admin import ON, Admin
from support.events import CLEAN
from support.pair import Pair, paired
from support.proxy_header import V6_CLIENT, v1, v2, v2_tcp4, v2_tcp6
from support.raw import ask, connected, post
from support.sidecar import ALLOWED, FOREIGN, PROXY

NOBODY = {
    "v2 LOCAL": v2(0x20, 0x00, b""),
    "v2 LOCAL with addresses": v2(0x20, 0x11, v2_tcp4(ALLOWED)[16:]),
    "v2 LOCAL with TLVs": v2(0x20, 0x00, b"\x04\x00\x01x"),
    "v2 PROXY unspecified": v2(0x21, 0x00, b""),
    "v2 PROXY unspecified with TLVs": v2(0x21, 0x00, b"\x03\x00\x04abcd"),
    "v2 PROXY unix": v2(0x21, 0x31, bytes(216)),
    "v1 UNKNOWN": b"PROXY UNKNOWN\r\n",
    "v1 UNKNOWN with an address": b"PROXY UNKNOWN ffff::1 ffff::1 1 2\r\n",
}
SOMEBODY = {
    "v1": v1(FOREIGN),
    "v2": v2_tcp4(FOREIGN),
    "v2 of IPv6": v2_tcp6(V6_CLIENT),
}
BROKEN = {
    "v1 without addresses": b"PROXY TCP4\r\n",
    "v1 too long": b"PROXY " + b"x" * 200 + b"\r\n",
    "v1 twice": v1(ALLOWED) * 2,
    "v2 twice": v2(0x20, 0x00, b"") * 2,
    "v2 of version 1": v2(0x10, 0x00, b""),
    "v2 too short for its addresses": v2(0x21, 0x11, b"\x7f\0\0\x01"),
    "v2 of 64 KiB": v2(0x20, 0x00, b"")[:14] + b"\xff\xff",
    "behind an empty line": b"\r\n" + v1(ALLOWED),
}
PROBE = b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    keys = {**ON, "source.proxy_protocol": "true", "sidecar.head_timeout": "300ms"}
    with paired(tmp_path_factory.mktemp("gate"), **keys) as running:
        yield running


@pytest.fixture(scope="module")
def admin(pair: Pair) -> Admin:
    return Admin(pair.gate)


@pytest.mark.parametrize("source", [ALLOWED, PROXY, FOREIGN])
@pytest.mark.parametrize("header", (NOBODY | SOMEBODY).values(), ids=(NOBODY | SOMEBODY).keys())
def test_a_probe_of_the_admin_listener_may_begin_with_a_header(
    admin: Admin, header: bytes, source: str
) -> None:
    """Whoever sends it and whomever it names: it is answered as without."""
    assert ask(admin.port, header + PROBE, source).status == 200


@pytest.mark.parametrize("header", (NOBODY | SOMEBODY).values(), ids=(NOBODY | SOMEBODY).keys())
def test_it_may_come_in_pieces(admin: Admin, header: bytes) -> None:
    """Byte by byte, a version 2 header's empty lines included."""
    with connected(admin.port) as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in header + PROBE[:6]:
            client.send(bytes((byte,)))
            time.sleep(0.001)
        client.send(PROBE[6:])
        assert client.read().status == 200
        assert client.read_rest() == b""


@pytest.mark.parametrize("header", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_header_is_no_http(admin: Admin, header: bytes) -> None:
    """Only a whole one is stepped over, once, at the beginning."""
    assert ask(admin.port, header + PROBE).status == 400


@pytest.mark.parametrize("header", (NOBODY | SOMEBODY).values(), ids=(NOBODY | SOMEBODY).keys())
def test_a_header_alone_waits_for_a_request(admin: Admin, header: bytes) -> None:
    """A check of the connection alone is let go when it closes, and nobody else waits."""
    with connected(admin.port) as client:
        client.send(header)
        assert admin.get("/healthz").status == 200
        client.socket.shutdown(socket.SHUT_WR)
        assert client.read_rest() == b""


PROBES = {
    "GET": PROBE,
    "GET of HTTP/1.0": b"GET / HTTP/1.0\r\n\r\n",
    "HEAD": b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    "OPTIONS": b"OPTIONS / HTTP/1.0\r\n\r\n",
}


@pytest.mark.parametrize("header", NOBODY.values(), ids=NOBODY.keys())
@pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES.keys())
def test_a_probe_of_the_event_listener_leaves_no_record(
    pair: Pair, header: bytes, probe: bytes
) -> None:
    """It is told nothing and is closed; in one packet or in several."""
    traces = pair.traces()
    for pieces in ([header + probe], [header, probe[:2], probe[2:]]):
        with connected(pair.port, PROXY) as client:
            for piece in pieces:
                client.send(piece)
                time.sleep(0.01)
            answer = client.read(to_head=True)
            assert (answer.status, answer.values(b"connection")) == (403, [b"close"])
            assert client.read_rest() == b""
    assert ask(pair.port, v1(ALLOWED) + post(CLEAN), PROXY).status == 200
    assert traces.delivery()["client"] == ALLOWED


@pytest.mark.parametrize("header", NOBODY.values(), ids=NOBODY.keys())
@pytest.mark.parametrize("sent", [b"", b"GE"], ids=["nothing", "two bytes"])
@pytest.mark.parametrize("closes", [True, False], ids=["and closes", "and waits"])
def test_a_check_of_the_connection_leaves_no_record(
    pair: Pair, header: bytes, sent: bytes, closes: bool
) -> None:
    """It closes by itself, or is closed when a head would be overdue."""
    traces = pair.traces()
    with connected(pair.port, PROXY) as client:
        client.send(header + sent)
        if closes:
            client.socket.shutdown(socket.SHUT_WR)
        assert client.read_rest() == b""
    assert ask(pair.port, v1(ALLOWED) + post(CLEAN), PROXY).status == 200
    assert traces.delivery()["client"] == ALLOWED


@pytest.mark.parametrize("header", NOBODY.values(), ids=NOBODY.keys())
def test_an_event_that_nobody_sent_is_refused_and_recorded(pair: Pair, header: bytes) -> None:
    """It may be one that the balancer could not name the sender of: someone will ask for it."""
    traces = pair.traces()
    with connected(pair.port, PROXY) as client:
        for piece in (header, b"P", post(CLEAN)[1:], post(CLEAN)):
            client.send(piece)
            time.sleep(0.01)
        assert [client.read().status for _ in range(2)] == [403, 403]
    assert {record["reason"] for record in traces.deliveries(2)} == {"source_unresolved"}
    assert traces.untouched


@pytest.mark.parametrize("header", SOMEBODY.values(), ids=SOMEBODY.keys())
def test_a_stranger_s_get_is_recorded_as_ever(pair: Pair, header: bytes) -> None:
    """A header that names somebody is no probe's."""
    traces = pair.traces()
    assert ask(pair.port, header + PROBE, PROXY).status == 403
    assert traces.delivery()["reason"] == "source_not_allowed"


def test_a_probe_behind_tls_leaves_no_record(tmp_path: Path) -> None:
    """The header comes first, then the handshake, then the request."""
    authority = trustme.CA()
    pem = tmp_path / "both.pem"
    authority.issue_cert("gate.example").private_key_and_cert_chain_pem.write_to_path(str(pem))
    keys = {"source.proxy_protocol": "true", "sidecar.tls_cert": str(pem)}
    with paired(tmp_path, **keys) as running:
        traces = running.traces()
        with connected(running.port, PROXY) as client:
            client.send(NOBODY["v2 LOCAL"])
            client.socket = trusting(authority).wrap_socket(
                client.socket, server_hostname="gate.example"
            )
            client.send(PROBE)
            assert client.read().status == 403
        assert traces.deliveries(0) == []


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context
