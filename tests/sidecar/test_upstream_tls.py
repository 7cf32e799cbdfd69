"""An https upstream is verified, by its chain and its name, before anything is sent to it."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from support import forked
from support.events import CLEAN
from support.raw import ask, post
from support.receiver import OK, Receiver, Seen, receiving
from support.scripted import scripted
from support.sidecar import Sidecar, sidecar


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def serving(leaf: trustme.LeafCert, client_authority: trustme.CA | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    if client_authority is not None:
        client_authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def pem(folder: Path, name: str, *blobs: trustme.Blob) -> str:
    path = folder / name
    path.write_bytes(b"".join(blob.bytes() for blob in blobs))
    return str(path)


@pytest.fixture
def upstream(authority: trustme.CA) -> Iterator[Receiver]:
    with receiving(tls=serving(authority.issue_cert("127.0.0.1", "localhost"))) as running:
        yield running


def assert_unreachable(gate: Sidecar, upstream: Receiver) -> None:
    answer = ask(gate.port, post(CLEAN))
    assert answer.status == 502
    assert gate.wait_for_deliveries(1)[0]["reason"] == "upstream_unreachable"
    assert upstream.seen == []


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_verified_upstream_gets_its_events(
    tmp_path: Path, authority: trustme.CA, upstream: Receiver, name: str
) -> None:
    """With the right CA, by address or by name, all is as with http and one handshake serves."""
    url = f"https://{name}:{upstream.port}"
    ca_file = pem(tmp_path, "ca.pem", authority.cert_pem)
    with sidecar(url, tmp_path, **{"upstream.ca_file": ca_file}) as gate:
        for _ in range(3):
            assert ask(gate.port, post(CLEAN)).status == 200
    assert [seen.body for seen in upstream.seen] == [CLEAN] * 3
    assert upstream.connections == 1


def test_an_upstream_of_another_authority_is_refused(tmp_path: Path, upstream: Receiver) -> None:
    """A chain that does not lead to the CA file is 502, and nothing is sent."""
    other = pem(tmp_path, "other.pem", trustme.CA().cert_pem)
    with sidecar(upstream.url, tmp_path, **{"upstream.ca_file": other}) as gate:
        assert_unreachable(gate, upstream)


def test_without_a_ca_file_the_systems_authorities_count(
    tmp_path: Path, upstream: Receiver
) -> None:
    """A private CA is not trusted by itself."""
    with sidecar(upstream.url, tmp_path) as gate:
        assert_unreachable(gate, upstream)


def test_an_upstream_of_another_name_is_refused(tmp_path: Path, authority: trustme.CA) -> None:
    """The right CA vouching for someone else is 502, and nothing is sent."""
    ca_file = pem(tmp_path, "ca.pem", authority.cert_pem)
    with (
        receiving(tls=serving(authority.issue_cert("example.org"))) as upstream,
        sidecar(upstream.url, tmp_path, **{"upstream.ca_file": ca_file}) as gate,
    ):
        assert_unreachable(gate, upstream)


@pytest.mark.parametrize("count", [3])
def test_failed_handshakes_leave_room_for_good_ones(
    tmp_path: Path, authority: trustme.CA, count: int
) -> None:
    """With one connection allowed, failures do not use it up."""
    ca_file = pem(tmp_path, "ca.pem", authority.cert_pem)
    right, wrong = authority.issue_cert("127.0.0.1"), authority.issue_cert("example.org")
    context = serving(wrong)
    keys = {"upstream.ca_file": ca_file, "upstream.max_connections": "1"}
    with receiving(tls=context) as upstream, sidecar(upstream.url, tmp_path, **keys) as gate:
        for _ in range(count):
            assert ask(gate.port, post(CLEAN)).status == 502
        right.configure_cert(context)
        assert ask(gate.port, post(CLEAN)).status == 200


def test_a_client_certificate_is_shown(tmp_path: Path, authority: trustme.CA) -> None:
    """With one the upstream lets us in; without, the delivery fails and is recorded."""
    clients = trustme.CA()
    client = clients.issue_cert("hookgate@example.org")
    ca_file = pem(tmp_path, "ca.pem", authority.cert_pem)
    together = pem(tmp_path, "both.pem", client.private_key_pem, *client.cert_chain_pems)
    cert = pem(tmp_path, "cert.pem", *client.cert_chain_pems)
    key = pem(tmp_path, "key.pem", client.private_key_pem)
    context = serving(authority.issue_cert("127.0.0.1"), clients)
    with receiving(tls=context) as upstream:
        for place, keys in enumerate(
            (
                {"upstream.client_cert": cert, "upstream.client_key": key},
                {"upstream.client_cert": together},
                {},
            )
        ):
            folder = tmp_path / str(place)
            folder.mkdir()
            with sidecar(upstream.url, folder, **{"upstream.ca_file": ca_file, **keys}) as gate:
                status = ask(gate.port, post(CLEAN)).status
                assert status == (200 if keys else 502)
                outcome = gate.wait_for_deliveries(1)[0]["outcome"]
                assert outcome == ("delivered" if keys else "failed")
        assert len(upstream.seen) == 2


def test_a_handshake_without_end_is_a_time_out(tmp_path: Path) -> None:
    """An upstream that accepts and says nothing costs the deadline and no more."""

    def silent(connection: socket.socket) -> bool:
        while connection.recv(65536):
            pass
        return False

    with scripted(silent) as upstream:
        url = upstream.url.replace("http:", "https:")
        with sidecar(url, tmp_path, **{"upstream.timeout": "500ms"}) as gate:
            assert ask(gate.port, post(CLEAN)).status == 504


def test_plain_http_behind_an_https_url_is_unreachable(tmp_path: Path) -> None:
    """Nothing is ever sent in the clear to an upstream that should be https."""
    received: list[bytes] = []

    def plain(connection: socket.socket) -> bool:
        received.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        return False

    with scripted(plain) as upstream:
        url = upstream.url.replace("http:", "https:")
        with sidecar(url, tmp_path) as gate:
            assert ask(gate.port, post(CLEAN)).status == 502
            assert gate.wait_for_deliveries(1)[0]["reason"] == "upstream_unreachable"
    assert not any(b"POST" in data or b"gate" in data for data in received)


def test_an_early_end_of_a_tls_answer_is_a_failure(tmp_path: Path, authority: trustme.CA) -> None:
    """A cut answer is told from a whole one by its length, as with http."""

    def cut(_: Seen) -> bytes:
        return b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nx" + Receiver.CLOSE

    ca_file = pem(tmp_path, "ca.pem", authority.cert_pem)
    with (
        receiving(cut, serving(authority.issue_cert("127.0.0.1"))) as upstream,
        sidecar(upstream.url, tmp_path, **{"upstream.ca_file": ca_file}) as gate,
    ):
        assert ask(gate.port, post(CLEAN)).status == 502
        upstream.respond = lambda _: OK
        assert ask(gate.port, post(CLEAN)).status == 200


@pytest.mark.parametrize("key", ["ca_file", "client_cert"])
def test_a_file_that_is_no_pem_is_told_at_the_start(tmp_path: Path, key: str) -> None:
    """The sidecar does not start; it exits with 2 and names the key, without a traceback."""
    (tmp_path / "x.pem").write_text("no certificate\n")
    environment = {
        "HOOKGATE_UPSTREAM__URL": "https://127.0.0.1:1",
        "HOOKGATE_SIDECAR__LISTEN": "127.0.0.1:0",
        f"HOOKGATE_UPSTREAM__{key.upper()}": str(tmp_path / "x.pem"),
    }
    done = forked.run(["serve"], tmp_path, environment)
    assert done.returncode == 2
    assert f"upstream.{key}" in done.stderr
    assert "Traceback" not in done.stderr
