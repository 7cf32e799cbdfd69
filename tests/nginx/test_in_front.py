"""nginx ends TLS in front of the sidecar, with the site that docs/nginx.md shows."""

import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from support.events import CLEAN
from support.nginx import running
from support.ports import free_ports
from support.raw import post
from support.receiver import Receiver, receiving
from support.sidecar import ALLOWED, FOREIGN, Sidecar, sidecar

PAGE = Path(__file__).parents[2] / "docs" / "nginx.md"


@dataclass(frozen=True)
class Chain:
    """nginx on `port`, the sidecar behind it, the upstream behind that."""

    port: int
    authority: trustme.CA
    gate: Sidecar
    upstream: Receiver

    def send(self, source: str, *lines: bytes) -> bytes:
        """All that comes back to an event."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        with (
            socket.create_connection(
                ("127.0.0.1", self.port), 10, source_address=(source, 0)
            ) as plain,
            context.wrap_socket(plain, server_hostname="hooks.example") as client,
        ):
            client.sendall(post(CLEAN, b"/cm/events", b"Connection: close", *lines))
            data = b""
            while more := client.recv(65536):
                data += more
            return data


def documented(port: int, behind: int, pem: Path) -> str:
    """The site of the page, on other ports and with another certificate."""
    found = re.search(r"<!-- nginx-in-front -->\s*```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found, "docs/nginx.md shows no site after <!-- nginx-in-front -->"
    text = found[1]
    for pattern, new in (
        (r"listen +(?:\S+:)?443 ssl", f"listen 127.0.0.1:{port} ssl"),
        (r"127\.0\.0\.1:8081", f"127.0.0.1:{behind}"),
        (r"(ssl_certificate +)\S+;", rf"\g<1>{pem};"),
        (r"(ssl_certificate_key +)\S+;", rf"\g<1>{pem};"),
    ):
        text, count = re.subn(pattern, new, text)
        assert count == 1, pattern
    return text


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    folder = tmp_path_factory.mktemp("chain")
    authority = trustme.CA()
    pem = folder / "both.pem"
    authority.issue_cert("hooks.example").private_key_and_cert_chain_pem.write_to_path(str(pem))
    (port,) = free_ports(1)
    keys = {"source.trusted_proxies": "127.0.0.1/32"}
    with (
        receiving() as upstream,
        sidecar(upstream.url, folder, **keys) as gate,
        running(folder, documented(port, gate.port, pem), port),
    ):
        yield Chain(port, authority, gate, upstream)


def test_the_clients_address_arrives(chain: Chain) -> None:
    """In the ledger and at the upstream, with the scheme that the sender used."""
    count = len(chain.gate.records("delivery"))
    assert chain.send(ALLOWED).startswith(b"HTTP/1.1 200 ")
    record = chain.gate.wait_for_deliveries(count + 1)[-1]
    assert (record["client"], record["peer"]) == (ALLOWED, "127.0.0.1")
    assert record["reason"] == "clean"
    seen = chain.upstream.seen[-1]
    assert seen.body == CLEAN
    assert seen.values(b"x-forwarded-proto") == [b"https"]
    assert seen.values(b"x-forwarded-for") == [f"{ALLOWED}, 127.0.0.1".encode()]
    assert seen.values(b"x-forwarded-host") == [b"gate"]


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (b"X-Forwarded-For: 31.169.56.1",),
        (b"X-Forwarded-For: 31.169.56.1", b"X-Forwarded-For: 127.0.0.10"),
        (b"X-Forwarded-For: 31.169.56.1,",),
        (b"X-Real-IP: 31.169.56.1", b"Forwarded: for=31.169.56.1"),
        (b"Connection: X-Forwarded-For",),
    ],
    ids=["plain", "forged", "forged twice", "trailing comma", "other fields", "named away"],
)
def test_a_stranger_stays_one(chain: Chain, lines: tuple[bytes, ...]) -> None:
    """What it says of itself does not help: 403, empty, nothing upstream."""
    count, seen = len(chain.gate.records("delivery")), len(chain.upstream.seen)
    answer = chain.send(FOREIGN, *lines)
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert answer.endswith(b"\r\n\r\n")
    record = chain.gate.wait_for_deliveries(count + 1)[-1]
    assert (record["reason"], record["client"]) == ("source_not_allowed", FOREIGN)
    assert len(chain.upstream.seen) == seen


FORGED = (
    b"X-Forwarded-Host: evil.example",
    b"x-forwarded-host: worse.example",
    b"X-Forwarded-Proto: http",
    b"X-Forwarded-Port: 1",
    b"X-Forwarded-Server: evil.example",
    b"X-Forwarded-Prefix: /evil",
    b"X_Forwarded_Host: evil.example",
    b"X-Real-IP: 203.0.113.9",
    b"Forwarded: for=203.0.113.9;host=evil.example;proto=http",
)


@pytest.mark.parametrize("lines", [*((line,) for line in FORGED), FORGED], ids=str)
def test_what_a_sender_says_of_itself_does_not_reach_the_endpoint(
    chain: Chain, lines: tuple[bytes, ...]
) -> None:
    """nginx vouches for its own values alone."""
    count = len(chain.upstream.seen)
    assert chain.send(ALLOWED, *lines).startswith(b"HTTP/1.1 200 ")
    seen = chain.upstream.seen[count]
    assert seen.values(b"X-Forwarded-Host") == [b"gate"]
    assert seen.values(b"X-Forwarded-Proto") == [b"https"]
    assert seen.values(b"X-Forwarded-For") == [f"{ALLOWED}, 127.0.0.1".encode()]
    for forged in (b"evil", b"worse", b"203.0.113.9", b"X-Forwarded-P", b"Forwarded:"):
        assert forged not in seen.head.replace(b"X-Forwarded-Proto", b"")


def test_an_allowed_sender_cannot_speak_for_another(chain: Chain) -> None:
    """Its own field is not what the sidecar reads."""
    count = len(chain.gate.records("delivery"))
    assert chain.send(ALLOWED, b"X-Forwarded-For: 203.0.113.9").startswith(b"HTTP/1.1 200 ")
    assert chain.gate.wait_for_deliveries(count + 1)[-1]["client"] == ALLOWED
