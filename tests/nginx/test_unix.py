"""Unix sockets around nginx: its endpoint's, its own, and that of the sidecar behind it."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.events import CLEAN
from support.nginx import FULL, Nginx, check, includes, running, settings, site, write
from support.pair import Pair, paired
from support.ports import free_ports
from support.proxy_header import v1
from support.raw import ask, ask_at, post
from support.receiver import Receiver, receiving
from support.sidecar import ALLOWED, FOREIGN, PROXY

PAGE = Path(__file__).parents[2] / "docs" / "nginx.md"
FROM_ALLOWED = b"X-Forwarded-For: " + ALLOWED.encode()


def test_the_endpoint_may_be_behind_one(tmp_path: Path) -> None:
    """What passes goes there, byte for byte, and the record says so."""
    (port,) = free_ports(1)
    with receiving(path=tmp_path / "app with space.sock") as upstream:
        config = settings(upstream.url, tmp_path)
        write(tmp_path, includes(config, tmp_path))
        http = site(f"listen 127.0.0.1:{port} default_server;\n{FULL}")
        with running(tmp_path, http, port) as process:
            assert ask(port, post(CLEAN)).status == 200
            assert ask(port, post(CLEAN), FOREIGN).status == 403
            assert [seen.body for seen in upstream.seen] == [CLEAN]
            reasons = [record["reason"] for record in process.wait_for_deliveries(2)]
            assert reasons == ["clean", "source_not_allowed"]


@pytest.fixture(scope="module")
def fronts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Nginx, Receiver]]:
    """nginx as the whole front, on a Unix socket behind a proxy and on TCP."""
    folder = tmp_path_factory.mktemp("front")
    (port,) = free_ports(1)
    with receiving() as upstream:
        keys = {"source.trusted_proxies": f"unix,{PROXY}"}
        write(folder, includes(settings(upstream.url, folder, **keys), folder))
        listen = f"listen unix:{folder}/gate.sock default_server;\nlisten 127.0.0.1:{port};"
        with running(folder, site(f"{listen}\n{FULL}"), port) as process:
            yield process, upstream


CASES = {
    "an allowed client": ((FROM_ALLOWED,), 200, ALLOWED),
    "behind another proxy": ((FROM_ALLOWED + b", " + PROXY.encode(),), 200, ALLOWED),
    "a stranger": ((b"X-Forwarded-For: " + FOREIGN.encode(),), 403, FOREIGN),
    "nobody": ((), 403, None),
    "a word": ((b"X-Forwarded-For: unix:",), 403, None),
    "another field": ((b"X-Real-IP: " + ALLOWED.encode(),), 403, None),
}


@pytest.mark.parametrize(("fields", "status", "client"), CASES.values(), ids=CASES.keys())
def test_a_peer_on_its_own_socket_is_a_proxy_by_the_word(
    fronts: tuple[Nginx, Receiver], fields: tuple[bytes, ...], status: int, client: str | None
) -> None:
    """As in the sidecar: it names the client or nobody is known, and it is no hop itself."""
    process, upstream = fronts
    before, seen = len(process.records()), len(upstream.seen)
    answer = ask_at(process.folder / "gate.sock", post(CLEAN, b"/", *fields))
    assert answer.status == status
    record = process.wait_for_deliveries(before + 1)[-1]
    assert (record["client"], record["peer"]) == (client, "unix")
    if status == 200:
        expected = fields[0].partition(b": ")[2]
        assert upstream.seen[seen].values(b"x-forwarded-for") == [expected]
    else:
        assert len(upstream.seen) == seen


def test_others_are_judged_by_their_address(fronts: tuple[Nginx, Receiver]) -> None:
    """Also a trusted proxy that has one, which is a hop."""
    process, upstream = fronts
    assert ask(process.port, post(CLEAN)).status == 200
    assert ask(process.port, post(CLEAN, b"/", FROM_ALLOWED), FOREIGN).status == 403
    assert ask(process.port, post(CLEAN, b"/", FROM_ALLOWED), PROXY).status == 200
    assert upstream.seen[-1].values(b"x-forwarded-for") == [f"{ALLOWED}, {PROXY}".encode()]


def test_the_proxy_protocol_over_it(tmp_path: Path) -> None:
    """The header names the client."""
    path = tmp_path / "gate.sock"
    with receiving() as upstream:
        keys = {"source.trusted_proxies": "unix", "source.proxy_protocol": "true"}
        write(tmp_path, includes(settings(upstream.url, tmp_path, **keys), tmp_path))
        listen = f"listen unix:{path} proxy_protocol default_server;"
        with running(tmp_path, site(f"{listen}\n{FULL}")):
            assert ask_at(path, v1(ALLOWED) + post(CLEAN)).status == 200
            assert ask_at(path, v1(FOREIGN) + post(CLEAN, b"/", FROM_ALLOWED)).status == 403
            assert upstream.seen[0].values(b"x-forwarded-for") == [ALLOWED.encode()]


@pytest.mark.parametrize(
    ("listen", "rendered"),
    [
        (":8081", ["listen 8081 default_server;", "listen [::]:8081 default_server;"]),
        ("[::]:8081", ["listen [::]:8081 default_server;"]),
        ("0.0.0.0:8081", ["listen 0.0.0.0:8081 default_server;"]),
        ("unix:/run/a b.sock", ['listen "unix:/run/a b.sock" default_server;']),
    ],
)
def test_the_example_listens_where_the_configuration_says(
    tmp_path: Path, listen: str, rendered: list[str]
) -> None:
    """In nginx's words, which nginx takes."""
    keys = {"sidecar.listen": listen, "source.trusted_proxies": "unix"}
    text = includes(settings("http://127.0.0.1:9", tmp_path, **keys), tmp_path)["example.conf"]
    lines = re.findall(r"listen .*;", text)
    assert lines == rendered
    place = str(tmp_path / "a b.sock")
    http = "".join(
        f"server {{ {line.replace('/run/a b.sock', place).replace('8081', '1')} }}\n"
        for line in lines
    )
    status, said = check(tmp_path, http)
    assert status == 0 or "Address family not supported" in said, said


def shown(mark: str, language: str) -> str:
    """A block of the page."""
    found = re.search(rf"<!-- {mark} -->\s*```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found, mark
    return found[1]


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, int]]:
    """The page's nginx in front of the page's sidecar, without TLS, and nginx's port."""
    folder = tmp_path_factory.mktemp("behind")
    (port,) = free_ports(1)
    own = "/run/hookgate/hookgate.sock"
    toml = tomllib.loads(shown("sidecar-unix", "toml").replace(own, f"{folder}/gate.sock"))
    keys = {f"{section}.{k}": v for section, rows in toml.items() for k, v in rows.items()}
    keys["source.trusted_proxies"] = ",".join(keys["source.trusted_proxies"])
    server = shown("nginx-in-front", "nginx").partition("\nserver ")[2]
    server = re.sub(r"listen 443 ssl;", f"listen 127.0.0.1:{port};", f"server {server}")
    server = re.sub(r" *ssl_.*\n", "", server)
    upstream = shown("nginx-unix", "nginx").replace(own, f"{folder}/gate.sock")
    # Its worker is root here, and needs no group.
    with paired(folder, **keys) as pair, running(folder, f"{upstream}\n{server}", port):
        yield pair, port


def test_nginx_in_front_over_a_unix_socket(behind: tuple[Pair, int]) -> None:
    """The client's address arrives, a stranger's too, whatever either says of itself."""
    pair, port = behind
    traces = pair.traces()
    forged = b"X-Forwarded-For: " + ALLOWED.encode()
    assert ask(port, post(CLEAN)).status == 200
    assert ask(port, post(CLEAN, b"/", forged), FOREIGN).status == 403
    records = traces.deliveries(2)
    assert [record["client"] for record in records] == [ALLOWED, FOREIGN]
    assert {record["peer"] for record in records} == {"unix"}
    assert traces.seen[0].values(b"x-forwarded-for") == [ALLOWED.encode()]
