"""No stranger gets past the includes, whatever stands around them and whatever it sends."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.nginx import FULL, Nginx, includes, running, settings, write
from support.ports import free_ports
from support.raw import connected
from support.receiver import Receiver, receiving
from support.sidecar import ALLOWED, FOREIGN
from support.sites import AT_SERVER, ATTEMPTS, IN_LOCATION, PLAIN, TREASURE

SHIPPED = Path(__file__).parents[2] / "nginx"
LISTENING = {"IPv4": "127.0.0.1:{port}", "IPv4 mapped by IPv6": "[::]:{port} ipv6only=off"}
OWN_LOG = "/var/log/nginx/hookgate-audit.jsonl"


def sites() -> dict[str, str]:
    """The text of each server below its `listen`."""
    allow = "include hookgate-allow.conf;"
    return {
        **{f"server, {name}": f"{allow}\n{text}" for name, text in AT_SERVER.items()},
        **{f"location, {n}": text.replace("{allow}", allow) for n, text in IN_LOCATION.items()},
        **{
            f"full front, {name}": f"{FULL}\n{below}"
            for name, text in AT_SERVER.items()
            if "location / {" not in (below := text.replace("location / {", "location /treasure {"))
        },
        "full front": FULL,
    }


SITES = sites()
SOME = (
    "server, return in a location",
    "server, allow all further in",
    "location, static",
    "full front",
)
PLACES = [("IPv4", name) for name in SITES] + [("IPv4 mapped by IPv6", name) for name in SOME]


@dataclass(frozen=True)
class Park:
    """One nginx with every site on a port of its own, for each way to listen."""

    ports: dict[tuple[str, str], int]
    upstream: Receiver
    process: Nginx


def park(
    folder: Path, upstream: Receiver, files: dict[str, str]
) -> tuple[str, dict[tuple[str, str], int]]:
    """The files around the sites, and the text of the `http` block."""
    write(folder, files)
    (folder / "static").mkdir()
    for path in ("treasure.txt", "treasure.txt.txt", "inner"):
        (folder / "static" / path).write_text(TREASURE)
    (folder / "users").write_text("user:{PLAIN}pass\n")
    places = PLACES
    ports = dict(zip(places, free_ports(len(places)), strict=True))
    servers = [
        f"server {{ listen {LISTENING[how].format(port=port)}; {SITES[name]} }}"
        for (how, name), port in ports.items()
    ]
    behind = f"upstream behind {{ server 127.0.0.1:{upstream.port}; }}"
    # How long nginx waits for the rest of a body that it will not read: its answer ends then.
    lingering = "lingering_timeout 50ms;"
    return "\n".join(["include hookgate-http.conf;", lingering, behind, *servers]), ports


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Park]:
    """The committed files, byte for byte but for where the log is written."""
    folder = tmp_path_factory.mktemp("shipped")
    files = {p.name: p.read_text() for p in SHIPPED.glob("hookgate-*.conf")}
    assert OWN_LOG in files["hookgate-location.conf"]
    files["hookgate-location.conf"] = files["hookgate-location.conf"].replace(
        OWN_LOG, str(folder / "audit.jsonl")
    )
    with receiving() as upstream:
        http, ports = park(folder, upstream, files)
        with running(folder, http, next(iter(ports.values()))) as process:
            yield Park(ports, upstream, process)


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Park]:
    """The same with a loopback address among the allowed, and a trusted proxy."""
    folder = tmp_path_factory.mktemp("extended")
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(TREASURE)}\r\n\r\n{TREASURE}".encode()
    with receiving(lambda _: answer) as upstream:
        config = settings(
            upstream.url, folder, **{"checks.method": "observe", "checks.media_type": "observe"}
        )
        http, ports = park(folder, upstream, includes(config, folder))
        with running(folder, http, next(iter(ports.values()))) as process:
            yield Park(ports, upstream, process)


def everything(port: int, source: str, data: bytes) -> bytes:
    """All that comes back before the connection ends, or has nothing more to say."""
    with connected(port, source) as client:
        client.socket.settimeout(0.5)
        try:
            client.send(data)
            return client.read_rest()
        except (TimeoutError, ConnectionError):
            return client.buffered


@pytest.mark.parametrize(("how", "name"), PLACES)
def test_an_admitted_sender_gets_the_treasure_of_every_site(
    extended: Park, how: str, name: str
) -> None:
    """The sites work: what strangers are kept from is there."""
    answer = everything(extended.ports[how, name], ALLOWED, PLAIN)
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    assert TREASURE.encode() in answer


_REFUSALS = {b"100", b"400", b"403", b"417", b"431"}
# nginx's own, where nothing but the plain allowlist is included.
_OWN_REFUSALS = {b"404", b"405", b"413", b"414", b"500", b"505"}


def assert_kept_out(found: Park, how: str, name: str) -> None:
    """No attempt brings a stranger the treasure, an answer but a refusal, or a page of nginx's."""
    full = name.startswith("full front")
    upstream = found.upstream.connections
    for attempt, data in ATTEMPTS.items():
        answer = everything(found.ports[how, name], FOREIGN, data)
        assert TREASURE.encode() not in answer, attempt
        statuses = set(re.findall(rb"^HTTP/1.1 ([0-9]{3})", answer, re.MULTILINE))
        assert statuses <= (_REFUSALS if full else _REFUSALS | _OWN_REFUSALS), attempt
        assert statuses or attempt == "HTTP/0.9", attempt
        if full or statuses <= {b"100", b"403"}:
            assert b"<" not in answer, attempt
        if full:
            assert b"content-type" not in answer.lower(), attempt
    assert found.upstream.connections == upstream


@pytest.mark.parametrize(("how", "name"), PLACES)
def test_a_stranger_gets_nothing_of_the_shipped_files(shipped: Park, how: str, name: str) -> None:
    """Every attempt at every site: refused, with an empty 403 at most, and nothing upstream."""
    assert_kept_out(shipped, how, name)


@pytest.mark.parametrize("name", SOME)
def test_a_stranger_gets_nothing_where_others_are_admitted(extended: Park, name: str) -> None:
    """The same where the allowlist has addresses near the stranger's, and a trusted proxy."""
    assert_kept_out(extended, "IPv4", name)


UNREAD = {
    "400": ATTEMPTS["two Hosts"],
    "405": b"TRACE / HTTP/1.1\r\nHost: gate.example\r\n\r\n",
    "494": b"GET / HTTP/1.1\r\nHost: gate.example\r\nX-A: " + b"a" * 40_000 + b"\r\n\r\n",
    "501": b"POST / HTTP/1.1\r\nHost: gate.example\r\nTransfer-Encoding: gzip\r\n\r\n",
}


@pytest.mark.parametrize("status", UNREAD)
def test_a_named_location_for_bad_requests_comes_before_the_plain_allowlist(
    tmp_path: Path, status: str
) -> None:
    """What hookgate-allow.conf says of itself: the full front alone answers these by itself."""
    inner = f"location @inner {{ return 200 {TREASURE}; }} error_page {status} = @inner;"
    plain, full = free_ports(2)
    write(tmp_path, includes(settings("http://127.0.0.1:9", tmp_path), tmp_path))
    http = f"""include hookgate-http.conf;
        server {{ listen 127.0.0.1:{plain}; include hookgate-allow.conf; {inner} }}
        server {{ listen 127.0.0.1:{full}; {FULL} {inner} }}"""
    with running(tmp_path, http, plain):
        assert TREASURE.encode() in everything(plain, FOREIGN, UNREAD[status])
        assert TREASURE.encode() not in everything(full, FOREIGN, UNREAD[status])
