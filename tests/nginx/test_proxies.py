"""Who the client is behind trusted proxies: what they name plainly, else nobody."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from support.events import CLEAN
from support.nginx import FULL, Nginx, includes, running, settings, version, write
from support.ports import free_ports
from support.raw import connected, post
from support.receiver import Receiver, receiving
from support.sidecar import ALLOWED, FOREIGN, PROXY

PLAIN = "include hookgate-realip.conf;\ninclude hookgate-allow.conf;\nreturn 200 admitted;"


class Proxied:
    """The full front and the plain allowlist, both behind a trusted proxy."""

    def __init__(self, folder: Path, upstream: Receiver, *, protocol: bool, header: str) -> None:
        config = settings(upstream.url, folder, **{"source.header": header})
        config = replace(config, source=replace(config.source, proxy_protocol=protocol))
        write(folder, includes(config, folder))
        self.full, self.plain = free_ports(2)
        listen = f"listen 127.0.0.1:{{}} default_server{' proxy_protocol' * protocol};\n"
        servers = [(self.full, FULL), (self.plain, PLAIN)]
        self.http = "include hookgate-http.conf;" + "".join(
            f"server {{ {listen.format(port)}{text} }}\n" for port, text in servers
        )
        self.upstream = upstream
        self.process: Nginx

    def send(self, port: int, source: str, data: bytes) -> bytes:
        """All that comes back."""
        with connected(port, source) as client:
            client.socket.settimeout(0.4)
            try:
                client.send(data)
                return client.read_rest()
            except (TimeoutError, ConnectionError):
                return client.buffered


def _park(
    factory: pytest.TempPathFactory, *, protocol: bool = False, header: str = "x-forwarded-for"
) -> Iterator[Proxied]:
    folder = factory.mktemp("proxied")
    with receiving() as upstream:
        found = Proxied(folder, upstream, protocol=protocol, header=header)
        with running(folder, found.http, found.full) as found.process:
            yield found


@pytest.fixture(scope="module")
def by_field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    yield from _park(tmp_path_factory)


@pytest.fixture(scope="module")
def by_real_ip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    yield from _park(tmp_path_factory, header="x-real-ip")


@pytest.fixture(scope="module")
def by_protocol(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    yield from _park(tmp_path_factory, protocol=True)


_NOBODY = {
    "missing": (),
    "empty": ("X-Forwarded-For:",),
    "garbage": ("X-Forwarded-For: garbage",),
    "unknown": ("X-Forwarded-For: 31.169.56.1, unknown",),
    "nothing but proxies": ("X-Forwarded-For: 127.0.0.20, 127.0.0.20",),
    "a comma": ("X-Forwarded-For: ,",),
    "a port alone": ("X-Forwarded-For: :80",),
    "X-Real-IP instead": ("X-Real-IP: 31.169.56.1",),
    "Forwarded instead": ("Forwarded: for=31.169.56.1",),
    "underscores": ("X_Forwarded_For: 31.169.56.1",),
    "shorthand": ("X-Forwarded-For: 31.169.14337",),
    "hexadecimal": ("X-Forwarded-For: 0x1f.0xa9.0x38.0x01",),
    "one number": ("X-Forwarded-For: 531183617",),
    "a CIDR": ("X-Forwarded-For: 31.169.56.1/32",),
    "a scope": ("X-Forwarded-For: fe80::1%eth0",),
    "quotes": ('X-Forwarded-For: "31.169.56.1"',),
}
# Spellings that nginx understands and the policy does not: no proxy writes them of itself.
_ODD = {
    "leading zeros": ("X-Forwarded-For: 031.169.56.1",),
    "leading zeros within": ("X-Forwarded-For: 31.169.056.001",),
    "leading zeros, mapped": ("X-Forwarded-For: ::ffff:31.169.056.1",),
    "leading zeros, mapped, first": ("X-Forwarded-For: [::ffff:031.169.56.1]:80",),
    "trailing comma": ("X-Forwarded-For: 31.169.56.1,",),
    "leading zeros before a proxy": ("X-Forwarded-For: 031.169.56.1, 127.0.0.20",),
}
# Understood by nginx since 1.27.3.
(_ODD if version() >= (1, 27, 3) else _NOBODY)["IPv4 in brackets"] = (
    "X-Forwarded-For: [31.169.56.1]",
)


def event(*lines: str) -> bytes:
    return post(CLEAN, b"/cm/events", b"Connection: close", *(line.encode() for line in lines))


@pytest.mark.parametrize("name", [*_NOBODY, *_ODD])
def test_a_proxy_that_names_nobody_plainly_is_nobody(by_field: Proxied, name: str) -> None:
    """Its own address is never the client's: source_unresolved, an empty 403, nothing upstream."""
    count, seen = len(by_field.process.records()), len(by_field.upstream.seen)
    answer = by_field.send(by_field.full, PROXY, event(*(_NOBODY | _ODD)[name]))
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert answer.endswith(b"\r\n\r\n")
    record = by_field.process.wait_for_deliveries(count + 1)[-1]
    assert (record["reason"], record["client"]) == ("source_unresolved", None)
    assert record["peer"] == PROXY
    assert len(by_field.upstream.seen) == seen


@pytest.mark.parametrize("name", _NOBODY)
def test_the_plain_allowlist_does_not_take_the_proxy_for_the_client(
    by_field: Proxied, name: str
) -> None:
    """There it is a stranger like any other."""
    assert by_field.send(by_field.plain, PROXY, event(*_NOBODY[name])).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("name", _ODD)
def test_the_plain_allowlist_reads_addresses_as_nginx_does(by_field: Proxied, name: str) -> None:
    """Without hookgate-http.conf there is no map that would know odd spellings."""
    assert by_field.send(by_field.plain, PROXY, event(*_ODD[name])).startswith(b"HTTP/1.1 200 ")


_NAMED = {
    "allowed": (("X-Forwarded-For: 31.169.56.1",), "31.169.56.1", True),
    "allowed, IPv6 mapped": (("X-Forwarded-For: ::ffff:31.169.56.1",), "31.169.56.1", True),
    "behind two proxies": (("X-Forwarded-For: 31.169.56.1, 127.0.0.20",), "31.169.56.1", True),
    "foreign": (("X-Forwarded-For: 31.169.64.1",), "31.169.64.1", False),
    "forged in front": (("X-Forwarded-For: 31.169.56.1, 203.0.113.9",), "203.0.113.9", False),
    "forged line in front": (
        ("X-Forwarded-For: 31.169.56.1", "X-Forwarded-For: 203.0.113.9"),
        "203.0.113.9",
        False,
    ),
    "IPv6": (("X-Forwarded-For: 2001:db8::1",), "2001:db8::1", False),
    "IPv6 with a port": (("X-Forwarded-For: [2001:db8::1]:443",), "2001:db8::1", False),
}


@pytest.mark.parametrize("name", _NAMED)
def test_a_proxy_is_believed_from_the_right(by_field: Proxied, name: str) -> None:
    """The nearest address that is no proxy's is the client, in both uses."""
    lines, client, admitted = _NAMED[name]
    status = b"HTTP/1.1 200 " if admitted else b"HTTP/1.1 403 "
    count = len(by_field.process.records())
    assert by_field.send(by_field.full, PROXY, event(*lines)).startswith(status)
    assert by_field.process.wait_for_deliveries(count + 1)[-1]["client"] == client
    assert by_field.send(by_field.plain, PROXY, event(*lines)).startswith(status)


@pytest.mark.parametrize("source", [FOREIGN, "127.0.0.21"])
def test_nobody_else_is_believed(by_field: Proxied, source: str) -> None:
    """The field of a peer that is no trusted proxy changes nothing, in both uses."""
    for port in (by_field.full, by_field.plain):
        answer = by_field.send(port, source, event("X-Forwarded-For: 31.169.56.1"))
        assert answer.startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("31.169.56.1", "clean"),
        ("31.169.56.1:99", "clean"),
        ("::ffff:31.169.56.1", "clean"),
        ("031.169.56.1", "source_unresolved"),
        ("::ffff:031.169.56.1", "source_unresolved"),
        ("unknown", "source_unresolved"),
        ("127.0.0.20", "source_unresolved"),
        ("31.169.64.1", "source_not_allowed"),
    ],
)
def test_x_real_ip_names_one_client(by_real_ip: Proxied, value: str, reason: str) -> None:
    """Spelt plainly, or nobody."""
    count = len(by_real_ip.process.records())
    by_real_ip.send(by_real_ip.full, PROXY, event(f"X-Real-IP: {value}"))
    assert by_real_ip.process.wait_for_deliveries(count + 1)[-1]["reason"] == reason


def _v2(command: int, family: int, addresses: bytes) -> bytes:
    signature = bytes.fromhex("0d0a0d0a000d0a515549540a")
    length = len(addresses).to_bytes(2, "big")
    return signature + bytes([0x20 | command, family]) + length + addresses


_PEERS = bytes([31, 169, 56, 1, 127, 0, 0, 1, 0, 1, 0, 2])
_LINE = b"PROXY TCP4 31.169.56.1 127.0.0.1 1 2\r\n"
_REFUSED = {
    "missing": b"",
    "UNKNOWN": b"PROXY UNKNOWN\r\n",
    "UNKNOWN with addresses": b"PROXY UNKNOWN 31.169.56.1 127.0.0.1 1 2\r\n",
    "LOCAL": _v2(0, 0, b""),
    "LOCAL with addresses": _v2(0, 0x11, _PEERS),
    "UNSPEC": _v2(1, 0, b""),
    "ended by LF": _LINE.replace(b"\r", b""),
    "ended by CR": _LINE.replace(b"\n", b""),
    "two spaces": _LINE.replace(b"TCP4 ", b"TCP4  "),
    "lower case": _LINE.lower(),
    "no ports": b"PROXY TCP4 31.169.56.1 127.0.0.1\r\n",
    "no address": b"PROXY TCP4\r\n",
    "a name for an address": _LINE.replace(b"31.169.56.1", b"localhost"),
    "a port of 65536": _LINE.replace(b"1 2", b"65536 2"),
    "leading zeros": _LINE.replace(b"31.169", b"031.169"),
    "leading zeros within": _LINE.replace(b"56.1", b"056.001"),
    "doubled": _LINE * 2,
    "doubled, of both versions": _LINE + _v2(1, 0x11, _PEERS),
    "version 3": _v2(1, 0x11, _PEERS).replace(b"\x21\x11", b"\x31\x11"),
    "too short for its family": _v2(1, 0x11, _PEERS[:4]),
    "itself": _LINE.replace(b"31.169.56.1", b"127.0.0.20"),
    "a foreign client": _LINE.replace(b"31.169.56.1", b"31.169.64.1"),
    "a line without end": b"PROXY TCP4 " + b"1" * 2000 + b"\r\n",
}


@pytest.mark.parametrize("name", _REFUSED)
def test_without_a_well_formed_proxy_header_nothing_is_delivered(
    by_protocol: Proxied, name: str
) -> None:
    """It closes, or answers a refusal, whoever the header would be from."""
    seen = len(by_protocol.upstream.seen)
    for port in (by_protocol.full, by_protocol.plain):
        answer = by_protocol.send(port, PROXY, _REFUSED[name] + event())
        plain_misreads = port == by_protocol.plain and name.startswith("leading zeros")
        assert answer[:13] in (b"", b"HTTP/1.1 400 ", b"HTTP/1.1 403 ") or plain_misreads
    assert len(by_protocol.upstream.seen) == seen


_WELL_FORMED = {
    "version 1": _LINE,
    "version 2": _v2(1, 0x11, _PEERS),
    "IPv6": b"PROXY TCP6 ::ffff:31.169.56.1 ::1 1 2\r\n",
    # nginx looks at the address whatever its family is called, and keeps a port's number only.
    "IPv4 as TCP6": _LINE.replace(b"TCP4", b"TCP6"),
    "leading zeros of a port": _LINE.replace(b" 1 2", b" 0001 2"),
}


@pytest.mark.parametrize("name", _WELL_FORMED)
def test_a_well_formed_proxy_header_names_the_client(by_protocol: Proxied, name: str) -> None:
    """From the trusted proxy it is believed, and a field that says otherwise is not."""
    count = len(by_protocol.process.records())
    data = _WELL_FORMED[name] + event("X-Forwarded-For: 203.0.113.9")
    assert by_protocol.send(by_protocol.full, PROXY, data).startswith(b"HTTP/1.1 200 ")
    record = by_protocol.process.wait_for_deliveries(count + 1)[-1]
    assert (record["client"], record["peer"]) == ("31.169.56.1", PROXY)
    seen = by_protocol.upstream.seen[-1]
    assert seen.values(b"x-forwarded-for") == [b"31.169.56.1, " + PROXY.encode()]
    assert by_protocol.send(by_protocol.plain, PROXY, data).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("name", _WELL_FORMED)
def test_a_strangers_proxy_header_names_nobody(by_protocol: Proxied, name: str) -> None:
    """From a peer that is no trusted proxy it is read and not believed."""
    seen = len(by_protocol.upstream.seen)
    for port in (by_protocol.full, by_protocol.plain):
        answer = by_protocol.send(port, FOREIGN, _WELL_FORMED[name] + event())
        assert answer.startswith(b"HTTP/1.1 403 ")
    assert len(by_protocol.upstream.seen) == seen


def test_an_allowed_peer_speaks_for_itself(by_protocol: Proxied) -> None:
    """Whoever it names, it is the client."""
    count = len(by_protocol.process.records())
    data = _LINE.replace(b"31.169.56.1", b"203.0.113.9") + event()
    assert by_protocol.send(by_protocol.full, ALLOWED, data).startswith(b"HTTP/1.1 200 ")
    assert by_protocol.process.wait_for_deliveries(count + 1)[-1]["client"] == ALLOWED
