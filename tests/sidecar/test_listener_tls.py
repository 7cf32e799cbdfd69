"""TLS on the listener: what gets through a handshake, and what a handshake may cost."""

import contextlib
import os
import signal
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
from support.process import descriptors
from support.proxy_header import v1, v2_tcp4
from support.raw import Client, Reply, post, wait_until
from support.sidecar import ALLOWED, FOREIGN, PROXY

DEADLINE = 0.6
STRANGERS = 3
CLIENT_SECONDS = 10


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def keys_of(
    folder: Path, leaf: trustme.LeafCert, client_ca: trustme.CA | None = None
) -> dict[str, str]:
    leaf.private_key_and_cert_chain_pem.write_to_path(str(folder / "leaf.pem"))
    keys = {"sidecar.tls_cert": str(folder / "leaf.pem"), "sidecar.head_timeout": f"{DEADLINE}s"}
    if client_ca is not None:
        client_ca.cert_pem.write_to_path(str(folder / "clients.pem"))
        keys["sidecar.tls_client_ca"] = str(folder / "clients.pem")
    return keys


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[Pair]:
    keys = {
        **keys_of(tmp_path_factory.mktemp("keys"), authority.issue_cert("gate")),
        "source.proxy_protocol": "true",
        "sidecar.max_foreign_connections": str(STRANGERS),
    }
    with paired(tmp_path_factory.mktemp("gate"), **keys) as running:
        yield running


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@contextlib.contextmanager
def secured(
    port: int, context: ssl.SSLContext, source: str = ALLOWED, before: bytes = b""
) -> Iterator[Client]:
    """A client over TLS, which sends `before` in the clear first."""
    client = Client(port, source, CLIENT_SECONDS)
    try:
        client.send(before)
        client.socket = context.wrap_socket(client.socket, server_hostname="gate")
        yield client
    finally:
        client.socket.close()


def ask_securely(
    port: int, context: ssl.SSLContext, data: bytes, source: str = ALLOWED, before: bytes = b""
) -> Reply:
    with secured(port, context, source, before) as client:
        client.send(data)
        return client.read()


def test_events_come_over_tls(pair: Pair, authority: trustme.CA) -> None:
    """Many on one connection, and upstream is told that it was https."""
    with secured(pair.port, trusting(authority)) as client:
        for _ in range(3):
            client.send(post(CLEAN))
            assert client.read().status == 200
    assert (b"X-Forwarded-Proto", b"https") in pair.upstream.seen[-1].fields


@pytest.mark.parametrize("body", [CLEAN, CLEAN + b" " * 900_000], ids=["small", "large"])
def test_bodies_arrive_whole(pair: Pair, authority: trustme.CA, body: bytes) -> None:
    """Whatever records they are cut into."""
    assert ask_securely(pair.port, trusting(authority), post(body)).status == 200
    assert pair.upstream.seen[-1].body == body


def test_a_refusal_is_seen_by_who_still_sends(pair: Pair, authority: trustme.CA) -> None:
    """The answer to a head comes through while the body is on its way, and then the end."""
    with secured(pair.port, trusting(authority)) as client:
        head = post(b"").replace(b"Length: 0", b"Length: 2000000")
        client.send(head + b"x" * 300_000)
        answer = client.read()
        assert answer.status == 413
        with contextlib.suppress(OSError):
            client.socket.settimeout(8)
            while client.socket.recv(65536):
                pass


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_newer_are_spoken(
    pair: Pair, authority: trustme.CA, version: ssl.TLSVersion
) -> None:
    """Both versions in use."""
    context = trusting(authority)
    context.minimum_version = context.maximum_version = version
    assert ask_securely(pair.port, context, post(CLEAN)).status == 200


@pytest.mark.filterwarnings("ignore:.*TLSv1_1 is deprecated:DeprecationWarning")
def test_tls_1_1_is_not(pair: Pair, authority: trustme.CA) -> None:
    """Even a client that would lower its own bounds gets no further than the hello."""
    context = trusting(authority)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask_securely(pair.port, context, post(CLEAN))


@pytest.mark.parametrize(
    "data", [post(CLEAN), b"\x16\x03\x01\xff\xff" + b"\0" * 100, b"\0", v1(ALLOWED)]
)
def test_what_is_no_tls_never_gets_to_http(pair: Pair, data: bytes) -> None:
    """The connection ends, without a record: nobody made a request."""
    traces = pair.traces()
    client = Client(pair.port, ALLOWED, CLIENT_SECONDS)
    with client.socket:
        client.send(data)
        client.socket.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            assert not client.read_rest().startswith(b"HTTP")
    assert traces.deliveries(0) == []


def test_a_handshake_has_a_deadline(pair: Pair) -> None:
    """One that stalls is ended, and leaves nothing behind."""
    pid = pair.gate.process.pid
    before = descriptors(pid)
    with Client(pair.port, ALLOWED, CLIENT_SECONDS).socket as silent:
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            assert silent.recv(1) == b""
        assert DEADLINE / 2 < time.monotonic() - began < CLIENT_SECONDS
    assert wait_until(lambda: descriptors(pid) <= before)


def test_a_handshake_does_not_hold_a_stop(tmp_path: Path, authority: trustme.CA) -> None:
    """Half-open ones end with the last call of a drain."""
    keys = {**keys_of(tmp_path, authority.issue_cert("gate")), "sidecar.head_timeout": "60s"}
    with paired(tmp_path, **keys) as pair, contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(Client(pair.port, ALLOWED).socket)
        assert ask_securely(pair.port, trusting(authority), post(CLEAN)).status == 200
        began = time.monotonic()
        assert pair.gate.stop() == 0
        assert time.monotonic() - began < 15  # which is what a drain may take


def test_handshakes_of_strangers_are_not_free(pair: Pair, authority: trustme.CA) -> None:
    """Half-open ones fill their share; one more is closed and recorded; the allowed get in."""
    traces = pair.traces()
    with contextlib.ExitStack() as stack:
        for _ in range(STRANGERS):
            stack.enter_context(Client(pair.port, FOREIGN).socket)
        further = stack.enter_context(Client(pair.port, FOREIGN).socket)
        with contextlib.suppress(ConnectionError):
            assert further.recv(1) == b""
        assert ask_securely(pair.port, trusting(authority), post(CLEAN)).status == 200
    records = traces.deliveries(2)
    assert [(r["reason"], r["answered"]) for r in records] == [
        ("overloaded", False),
        ("clean", True),
    ]
    assert wait_until(lambda: answers_403(pair.port, trusting(authority)), 8), (
        "places are free when handshakes have ended"
    )


def answers_403(port: int, context: ssl.SSLContext) -> bool:
    with contextlib.suppress(OSError, EOFError):
        return ask_securely(port, context, post(CLEAN), FOREIGN).status == 403
    return False


@pytest.mark.parametrize("header", [v1(ALLOWED), v2_tcp4(ALLOWED)], ids=["v1", "v2"])
@pytest.mark.parametrize("together", [True, False], ids=["one packet", "apart"])
def test_a_proxy_header_comes_before_tls(
    pair: Pair, authority: trustme.CA, header: bytes, together: bool
) -> None:
    """Exactly the header is read, whether the hello is behind it already or not."""
    traces = pair.traces()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    hello = trusting(authority).wrap_bio(incoming, outgoing, server_hostname="gate")
    client = Client(pair.port, PROXY, CLIENT_SECONDS)
    with client.socket:
        if not together:
            client.send(header)
            header = b""
        with contextlib.suppress(ssl.SSLWantReadError):
            hello.do_handshake()
        client.send(header + outgoing.read())
        while True:
            incoming.write(client.socket.recv(65536))
            with contextlib.suppress(ssl.SSLWantReadError):
                hello.do_handshake()
                break
        hello.write(post(CLEAN))
        client.send(outgoing.read())
        answer = b""
        while not answer:
            incoming.write(client.socket.recv(65536))
            with contextlib.suppress(ssl.SSLWantReadError):
                answer = hello.read(65536)
    assert answer.startswith(b"HTTP/1.1 200 ")
    record = traces.delivery()
    assert (record["client"], record["peer"]) == (ALLOWED, PROXY)


@pytest.mark.parametrize("before", [b"", b"PROXY TCP4 x\r\n"], ids=["missing", "malformed"])
def test_a_broken_proxy_header_ends_it_before_tls(
    pair: Pair, authority: trustme.CA, before: bytes
) -> None:
    """Nothing can be answered, so the connection is closed; the record says why."""
    traces = pair.traces()
    with pytest.raises(OSError):
        ask_securely(pair.port, trusting(authority), post(CLEAN), PROXY, before)
    record = traces.delivery()
    assert (record["reason"], record["answered"]) == ("malformed_http", False)
    assert "PROXY" in record["errors"][0]


def test_only_certificates_of_the_client_ca_get_to_http(
    tmp_path: Path, authority: trustme.CA
) -> None:
    """With one: served. With none, or another authority's: no handshake, no request."""
    clients, others = trustme.CA(), trustme.CA()
    keys = keys_of(tmp_path, authority.issue_cert("gate"), clients)
    with paired(tmp_path, **keys) as pair:
        known, unknown = trusting(authority), trusting(authority)
        clients.issue_cert("cm").configure_cert(known)
        others.issue_cert("cm").configure_cert(unknown)
        assert ask_securely(pair.port, known, post(CLEAN)).status == 200
        for context in (unknown, trusting(authority)):
            with pytest.raises((OSError, EOFError)):
                ask_securely(pair.port, context, post(CLEAN))
        assert len(pair.gate.wait_for_deliveries(1)) == 1
        assert len(pair.upstream.seen) == 1


def test_a_new_certificate_serves_what_connects_from_now_on(
    tmp_path: Path, authority: trustme.CA
) -> None:
    """A reload with the file replaced: the old connection goes on, the next sees the new one."""
    renewed = trustme.CA()
    keys = {**keys_of(tmp_path, authority.issue_cert("gate")), "sidecar.head_timeout": "60s"}
    with paired(tmp_path, **keys) as pair, secured(pair.port, trusting(authority)) as old:
        keys_of(tmp_path, renewed.issue_cert("gate"))
        os.kill(pair.gate.process.pid, signal.SIGHUP)
        pair.gate.wait_for_log("gate.reload_applied")
        assert ask_securely(pair.port, trusting(renewed), post(CLEAN)).status == 200
        old.send(post(CLEAN))
        assert old.read().status == 200


@pytest.mark.parametrize("held", [b"", post(CLEAN, b"/", b"X-Forwarded-For: " + FOREIGN.encode())])
def test_who_ignores_that_tls_ends_keeps_no_place(
    tmp_path: Path, authority: trustme.CA, held: bytes
) -> None:
    """A proxy's strangers that are evicted, or over their share, are gone whatever they do then."""
    keys = {
        **keys_of(tmp_path, authority.issue_cert("gate")),
        "sidecar.max_connections": "20",
        "sidecar.max_foreign_connections": "4",
        "sidecar.max_unnamed_connections": "4",
        "sidecar.head_timeout": "60s",
        **ON,
    }
    context = trusting(authority)
    with paired(tmp_path, **keys) as pair, contextlib.ExitStack() as stack:
        admin = Admin(pair.gate)
        for _ in range(40):
            client = stack.enter_context(secured(pair.port, context, PROXY))
            if held:
                client.send(held)
                client.socket.recv(12)
            # Nothing more is read: neither the end of TLS nor that of the connection.
            assert admin.value("hookgate_connections") <= 20
        assert wait_until(lambda: admin.value("hookgate_connections") <= 4)
        assert ask_securely(pair.port, context, post(CLEAN)).status == 200
