"""Endpoints that cannot be connected to, each for a cause of its own."""

import contextlib
import datetime as dt
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import trustme

from .receiver import receiving
from .scripted import Act, answering, reset, scripted, unaccepting

OURS, OTHERS = trustme.CA(), trustme.CA()
# RFC 8446 6: a fatal alert, handshake_failure.
_REFUSAL = b"\x15\x03\x03\x00\x02\x02\x28"
_DAY = dt.timedelta(days=1)
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True)
class Unwell:
    """Where it is, and what has to be configured so that nothing else is wrong."""

    url: str
    keys: dict[str, str] = field(default_factory=dict)


Make = Callable[[Path], contextlib.AbstractContextManager[Unwell]]


def https(url: str) -> str:
    return url.replace("http:", "https:")


def trusting(folder: Path) -> dict[str, str]:
    """The key that trusts our CA."""
    file = folder / "ca.pem"
    OURS.cert_pem.write_to_path(str(file))
    return {"upstream.ca_file": str(file)}


def serving(leaf: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    return context


def _at(url: str) -> Make:
    @contextlib.contextmanager
    def make(_: Path) -> Iterator[Unwell]:
        yield Unwell(url)

    return make


@contextlib.contextmanager
def nobody(_: Path) -> Iterator[Unwell]:
    """A port that is taken, and that nobody listens on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield Unwell(f"http://127.0.0.1:{bound.getsockname()[1]}")


def with_tls(make: Callable[[], ssl.SSLContext], *, plain: bool = False) -> Make:
    @contextlib.contextmanager
    def run(folder: Path) -> Iterator[Unwell]:
        with receiving(tls=make()) as upstream:
            url = upstream.url.replace("https:", "http:") if plain else upstream.url
            yield Unwell(url, {} if plain else trusting(folder))

    return run


def _wanting_certificates(newest: ssl.TLSVersion) -> Callable[[], ssl.SSLContext]:
    def make() -> ssl.SSLContext:
        context = serving(OURS.issue_cert("127.0.0.1"))
        OTHERS.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        context.maximum_version = newest
        return context

    return make


def greeting(greet: Act, *, tls: bool = False) -> Make:
    """One that does this with each connection before it is asked for anything."""

    @contextlib.contextmanager
    def run(_: Path) -> Iterator[Unwell]:
        with scripted(answering(_OK)) as upstream:
            upstream.greet = greet
            yield Unwell(https(upstream.url) if tls else upstream.url)

    return run


def _sending(data: bytes, *, after_hello: bool = False, stay: bool = False) -> Act:
    def act(connection: socket.socket) -> bool:
        if after_hello:
            connection.recv(65536)
        connection.sendall(data)
        while stay and connection.recv(65536):
            pass
        return False

    return act


def _resetting_after_hello(connection: socket.socket) -> None:
    connection.recv(65536)
    reset(connection)


@contextlib.contextmanager
def _unaccepting(_: Path) -> Iterator[Unwell]:
    with unaccepting() as listener:
        yield Unwell(f"http://127.0.0.1:{listener.getsockname()[1]}")


# Where the connection fails: what it is, its cause, and how it is made.
UNCONNECTABLE: list[tuple[str, str, Make]] = [
    ("a port that nobody listens on", "refused", nobody),
    # Linux has no route to it for TCP, whatever the network is.
    ("an address with no route", "no_route", _at("http://255.255.255.255:9")),
    ("a name that is none", "name_unknown", _at(f"http://{'x' * 64}.invalid:9")),
    (
        "another CA's certificate",
        "tls_untrusted",
        with_tls(lambda: serving(OTHERS.issue_cert("127.0.0.1"))),
    ),
    (
        "a certificate of yesterday",
        "tls_expired",
        with_tls(lambda: serving(OURS.issue_cert(
            "127.0.0.1", not_after=dt.datetime.now(dt.UTC) - _DAY
        ))),
    ),
    (
        "a certificate of tomorrow",
        "tls_expired",
        with_tls(lambda: serving(OURS.issue_cert(
            "127.0.0.1", not_before=dt.datetime.now(dt.UTC) + _DAY
        ))),
    ),
    (
        "another name's certificate",
        "tls_name",
        with_tls(lambda: serving(OURS.issue_cert("example.org"))),
    ),
    (
        "another address's certificate",
        "tls_name",
        with_tls(lambda: serving(OURS.issue_cert("127.0.0.2"))),
    ),
    ("one that speaks http", "tls_none", greeting(
        _sending(b"HTTP/1.1 400 Bad Request\r\n\r\n", after_hello=True), tls=True
    )),
    ("one that refuses TLS", "tls_failed", greeting(
        _sending(_REFUSAL, after_hello=True), tls=True
    )),
    ("one that hangs up at hello", "closed_early", greeting(
        _sending(b"", after_hello=True), tls=True
    )),
    ("one that resets at hello", "reset", greeting(_resetting_after_hello, tls=True)),
    ("TLS 1.2 that wants a certificate", "tls_failed", with_tls(
        _wanting_certificates(ssl.TLSVersion.TLSv1_2)
    )),
]  # fmt: skip
# Where it is there, and fails before anything was sent or asked.
UNUSABLE: list[tuple[str, str, Make]] = [
    ("one that accepts and hangs up", "closed_early", greeting(_sending(b""))),
    ("one that accepts and resets", "reset", greeting(reset)),
    ("one that greets", "not_http", greeting(_sending(b"SSH-2.0-x\r\n", stay=True))),
    ("TLS 1.3 that wants a certificate", "tls_client", with_tls(
        _wanting_certificates(ssl.TLSVersion.TLSv1_3)
    )),
]  # fmt: skip
# Where time runs out.
UNANSWERING: list[tuple[str, str, Make]] = [
    ("one that accepts nobody", "timeout_connect", _unaccepting),
    ("one that never shakes hands", "timeout_tls", greeting(_sending(b"", stay=True), tls=True)),
]
