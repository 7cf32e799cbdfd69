"""Two endpoints in one nginx, each with its own policy, upstream and log."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hookgate.config.build import load
from hookgate.nginx import RenderError, render
from support.events import CLEAN
from support.ledger import read_ledger
from support.nginx import Nginx, check, running, settings, write
from support.ports import free_ports
from support.raw import ask, post, wait_until
from support.receiver import Receiver, receiving
from support.sidecar import ALLOWED, FOREIGN, PROXY

PAGE = Path(__file__).parents[2] / "docs" / "nginx.md"
OTHER = "127.0.0.30"


def documented(mark: str) -> str:
    """What the page shows inside `http`, with the files in nginx's own folder."""
    pattern = rf"<!-- {mark} -->\s*```nginx\nhttp {{\n(.*?)\n}}\n```"
    found = re.search(pattern, PAGE.read_text(), re.DOTALL)
    assert found, f"docs/nginx.md shows no site after <!-- {mark} -->"
    return found[1].replace("include hookgate/", "include ")


def bare(http: str) -> str:
    """A whole nginx.conf with nothing in it that the page does not show."""
    return f"pid nginx.pid;\nerror_log error.log info;\nevents {{}}\nhttp {{\n{http}\n}}\n"


@pytest.mark.parametrize("mark", ["nginx-front", "nginx-two"])
def test_the_page_s_own_site_starts_without_a_warning(
    tmp_path: Path, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing has to be known that it does not show."""
    config = load(None, {"upstream.url": "http://127.0.0.1:8080"}, {})
    for name in ("", "orders"):
        write(tmp_path, render(config, str(tmp_path / f"{name}.jsonl"), name))
    monkeypatch.setattr("support.nginx.main", bare)
    ports = free_ports(2)
    http = documented(mark)
    for shown, port in zip(("8081", "8082"), ports, strict=True):
        http = http.replace(f"listen {shown}", f"listen 127.0.0.1:{port}")
    status, said = check(tmp_path, http)
    assert status == 0, said
    assert "[warn]" not in said


@dataclass(frozen=True)
class Site:
    """One nginx: `first` and `orders` by port, `by_name` both on one port."""

    first: int
    orders: int
    by_name: int
    folder: Path
    process: Nginx
    upstreams: tuple[Receiver, Receiver]

    def records(self, name: str) -> list[dict[str, object]]:
        return read_ledger(self.folder / name, growing=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("two")
    first, orders, by_name = free_ports(3)
    with receiving() as one, receiving() as two:
        keys = {"source.allow": ALLOWED, "source.trusted_proxies": PROXY}
        write(folder, render(settings(one.url, folder, **keys), str(folder / "first.jsonl")))
        (folder / "hookgate.toml").write_text(
            '[[route]]\npath = "/orders"\n[request]\nmethods = ["PUT"]\n'
        )
        keys = {"source.allow": OTHER, "source.trusted_proxies": ""}
        write(
            folder,
            render(settings(two.url, folder, **keys), str(folder / "orders.jsonl"), "orders"),
        )
        includes = {
            "": "include hookgate-realip.conf; include hookgate-location.conf;",
            "orders": "include hookgate-orders-realip.conf; include hookgate-orders-location.conf;",
        }
        http = f"""
            include hookgate-http.conf;
            include hookgate-orders-http.conf;
            server {{ listen 127.0.0.1:{first} default_server; {includes[""]} }}
            server {{ listen 127.0.0.1:{orders} default_server; {includes["orders"]} }}
            server {{ listen 127.0.0.1:{by_name}; server_name first; {includes[""]} }}
            server {{ listen 127.0.0.1:{by_name}; server_name orders; {includes["orders"]} }}
        """
        with running(folder, http, first) as process:
            yield Site(first, orders, by_name, folder, process, (one, two))


def order(host: bytes = b"gate") -> bytes:
    return post(CLEAN, b"/orders", host=host).replace(b"POST", b"PUT", 1)


CASES = {
    "the first one's sender": ("first", ALLOWED, post(CLEAN), 200),
    "another one's sender": ("first", OTHER, post(CLEAN), 403),
    "a stranger": ("first", FOREIGN, post(CLEAN), 403),
    "through its proxy": (
        "first",
        PROXY,
        post(CLEAN, b"/", b"X-Forwarded-For: " + ALLOWED.encode()),
        200,
    ),
    "a method of the other": ("first", ALLOWED, order(), 405),
    "the order's sender": ("orders", OTHER, order(), 200),
    "the first one's, to the order's": ("orders", ALLOWED, order(), 403),
    "through a proxy of the first": ("orders", PROXY, order(), 403),
    "a method of the first": ("orders", OTHER, post(CLEAN, b"/orders"), 405),
    "no route of the order's": ("orders", OTHER, order().replace(b"/orders", b"/other"), 404),
}


@pytest.mark.parametrize(
    ("to", "source", "request_bytes", "status"), CASES.values(), ids=CASES.keys()
)
def test_each_goes_by_its_own_policy(
    site: Site, to: str, source: str, request_bytes: bytes, status: int
) -> None:
    """Ranges, proxies, methods, routes, endpoint and log."""
    port, log = (site.first, "first.jsonl") if to == "first" else (site.orders, "orders.jsonl")
    other = "orders.jsonl" if to == "first" else "first.jsonl"
    mine, theirs = site.upstreams if to == "first" else site.upstreams[::-1]
    seen, missed = len(mine.seen), len(theirs.seen)
    before, others = len(site.records(log)), len(site.records(other))
    assert ask(port, request_bytes, source).status == status
    assert wait_until(lambda: len(site.records(log)) == before + 1)
    assert site.records(log)[-1]["status"] == status
    assert len(site.records(other)) == others
    assert (len(mine.seen) - seen, len(theirs.seen) - missed) == (int(status == 200), 0)


def test_they_may_share_an_address(site: Site) -> None:
    """Told apart by the name that the sender asks for."""
    assert ask(site.by_name, post(CLEAN, host=b"first"), ALLOWED).status == 200
    assert ask(site.by_name, order(b"orders"), OTHER).status == 200
    assert ask(site.by_name, post(CLEAN, host=b"first"), OTHER).status == 403
    assert ask(site.by_name, order(b"orders"), ALLOWED).status == 403


def test_no_name_of_one_is_another_s() -> None:
    """Whatever the name is, also a word that stands in the names of the only one."""
    keys = {"upstream.url": "http://127.0.0.1:8080", "source.trusted_proxies": "10.0.0.0/8,unix"}
    config = load(None, keys, {})

    def names(name: str) -> set[str]:
        text = "".join(render(config, "/log", name).values())
        found = set(re.findall(r"\$(hookgate_\w+)|\?<(hookgate_\w+)>", text))
        others = re.findall(r"^(?:log_format|upstream) \w+", text, re.MULTILINE)
        assert len(found) > 30
        return {f"${one or other}" for one, other in found} | set(others)

    taken = names("")
    for name in ("log", "by", "source", "observed", "own", "orders", "endpoint", "o", "a1"):
        mine = names(name)
        assert not mine & taken, name
        taken |= mine


@pytest.mark.parametrize(
    "name", ["Orders", "1st", "a_b", "a-b", "a b", "é", "a" * 17, "$x", "../x"]
)
def test_a_name_that_nginx_could_not_have_is_refused(name: str) -> None:
    """With what one looks like."""
    config = load(None, {"upstream.url": "http://127.0.0.1:8080"}, {})
    with pytest.raises(RenderError, match="is no name for a rendering"):
        render(config, "/log", name)
