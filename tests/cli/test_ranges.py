"""`hookgate ranges check`."""

import contextlib
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import netaddr
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from hookgate.networks.ranges import REVIEWED, SHIPPED, WATCHED
from hookgate_cli.ranges.announced import read_announced
from hookgate_cli.ranges.comparison import Standing, compare
from hookgate_cli.ranges.source import RIPESTAT, SourceError, read
from support.calling import Call

ALLOWED, OTHERS = SHIPPED["cm.com"].cidrs, WATCHED["cm.com-other"].cidrs
NOW, EARLIER = "2026-11-29T08:00:00", "2026-11-20T08:00:00"
SECRET = "canary-0031699999999"


def prefix(cidr: str, end: str = NOW) -> dict[str, Any]:
    return {"prefix": cidr, "timelines": [{"starttime": "2026-11-15T08:00:00", "endtime": end}]}


def answer(*prefixes: Any, **members: Any) -> dict[str, Any]:
    """As the page documents it, with what it documents of every data call."""
    return {
        "messages": [], "see_also": [], "version": "1.2", "data_call_name": "announced-prefixes",
        "data_call_status": "supported", "cached": False, "query_id": "1", "process_time": 17,
        "data": {
            "prefixes": list(prefixes), "query_starttime": "2026-11-15T08:00:00",
            "query_endtime": NOW, "resource": "15447", "latest_time": NOW,
            "earliest_time": "2000-08-01T00:00:00", **members,
        },
        "status": "ok", "status_code": 200, "time": "2026-11-29T08:00:01.123456",
    }  # fmt: skip


AGREED = [prefix(cidr) for cidr in (*ALLOWED, *OTHERS)]


def write(*prefixes: Any, **members: Any) -> str:
    Path("announced.json").write_text(json.dumps(answer(*prefixes, **members)))
    return "announced.json"


class Handler(BaseHTTPRequestHandler):
    """Does what the path says; whoever hangs ends with its server."""

    server: "Server"
    asked: list[str] = []  # noqa: RUF012  # of one test module

    def do_GET(self) -> None:
        self.asked.append(self.path)
        body = json.dumps(answer(*AGREED)).encode()
        match self.path.partition("?")[0]:
            case "/moved":
                self.send_response(302)
                self.send_header("Location", "/")
                self.send_header("Content-Length", str(1 << 30))
                self.end_headers()
                self.server.over.wait(30)  # for who reads none of it
            case "/broken":
                self.send_error(500)
            case "/hangs":
                self.server.over.wait(30)
            case "/drips":
                for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 10_000:
                    if self.server.over.wait(0.01):
                        break
                    self.wfile.write(bytes([byte]))
            case "/endless":
                self.send_response(200)
                self.send_header("Content-Length", str(1 << 30))
                self.end_headers()
                with contextlib.suppress(OSError):
                    while not self.server.over.is_set():
                        self.wfile.write(b" " * 65536)
            case "/short":
                self.answer(body, len(body) + 1)
            case "/gzip":
                self.answer(body, len(body), {"Content-Encoding": "gzip"})
            case "/closes":
                pass
            case "/whoami":
                named = self.headers.get("Authorization", "nobody")
                self.answer(json.dumps({"status": named}).encode(), None)
            case _:
                self.answer(body, len(body))

    def answer(self, body: bytes, length: int | None, fields: dict[str, str] | None = None) -> None:
        self.send_response(200)
        for name, value in (fields or {}).items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """One whose requests end with it."""

    daemon_threads = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.over = threading.Event()


@contextlib.contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[str]:
    with Server(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            scheme = "http" if tls is None else "https"
            yield f"{scheme}://127.0.0.1:{server.server_address[1]}"
        finally:
            server.over.set()
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving() as url:
        yield url


def test_it_asks_ripestat_over_https() -> None:
    assert RIPESTAT.startswith(
        "https://stat.ripe.net/data/announced-prefixes/data.json?resource=AS"
    )


def test_ranges_that_agree_are_said_with_the_day_of_the_review(call: Call) -> None:
    result = call("ranges", "check", "--source", write(*AGREED))
    assert (result.status, result.err) == (0, "")
    assert "AS15447 as of 2026-11-29 08:00Z: 5 prefixes announced" in result.out
    for cidr in ALLOWED:
        assert f"{cidr:<20} allowed, announced as it is" in result.out
    for cidr in OTHERS:
        assert f"{cidr:<20} announced, not allowed, watched" in result.out
    assert f"last reviewed on {REVIEWED}" in result.out


@pytest.mark.parametrize(
    ("prefixes", "line"),
    [
        (AGREED[1:], "31.169.56.0/21       allowed, not announced"),
        (
            [prefix("31.169.56.0/22"), *AGREED[1:]],
            "31.169.56.0/21       allowed, announced in part only: 31.169.56.0/22",
        ),
        (
            [prefix("31.169.56.0/21", EARLIER), *AGREED[1:]],
            "31.169.56.0/21       announced until 2026-11-20, no more",
        ),
        ([*AGREED, prefix("203.0.113.0/24")], "203.0.113.0/24       announced, not allowed"),
        ([*AGREED, prefix("2001:db8::/32")], "2001:db8::/32        announced, not allowed"),
        (
            [prefix("31.169.48.0/20"), *AGREED[1:]],
            "31.169.48.0/20       announced, allowed in part only",
        ),
        ([], "188.94.184.0/22      allowed, not announced"),
    ],
    ids=["gone", "halved", "withdrawn", "new", "IPv6", "wider", "nothing"],
)
def test_what_differs_is_said_and_found(call: Call, prefixes: list[Any], line: str) -> None:
    result = call("ranges", "check", "--source", write(*prefixes))
    assert result.status == 1
    assert line in result.out.splitlines() or f"  {line}" in result.out.splitlines()


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (
            [prefix("31.169.56.0/22"), prefix("31.169.60.0/22")],
            "announced, in parts: 31.169.56.0/22",
        ),
        ([prefix("31.169.56.0/21"), prefix("31.169.57.0/24")], "announced as it is"),
    ],
)
def test_a_range_in_whole_parts_agrees(call: Call, first: list[Any], words: str) -> None:
    result = call("ranges", "check", "--source", write(*first, *AGREED[1:]))
    assert result.status == 0
    assert words in result.out


def test_the_mend_ends_what_is_found(call: Call) -> None:
    """Followed to the letter; what was watched before is watched still."""
    source = write(prefix("31.169.48.0/20"), *AGREED[1:], prefix("2001:db8::/32"))
    result = call("ranges", "check", "--source", source)
    mend = "\n".join(line.strip() for line in result.out.splitlines()[-3:-1])
    assert mend.startswith("[source]\nwatch = [")
    Path("hookgate.toml").write_text(mend)
    again = call("ranges", "check", "--source", source)
    assert (again.status, again.err) == (0, "")
    assert "31.169.56.0/21       allowed, announced, within 31.169.48.0/20" in again.out


def test_ranges_of_ones_own_are_expected_nowhere(call: Call) -> None:
    Path("hookgate.toml").write_text('[source]\nallow = ["cm.com", "127.0.0.1"]\n')
    result = call("ranges", "check", "--source", write(*AGREED), "--json")
    assert result.status == 0
    assert result.json["allowed"][-1] == {"range": "127.0.0.1/32", "announced": "own", "as": []}
    assert (result.json["agrees"], result.json["reviewed"]) == (True, REVIEWED.isoformat())


def test_it_asks_a_server(call: Call, server: str) -> None:
    assert call("ranges", "check", "--source", f"{server}/data.json").status == 0


def test_it_asks_over_tls_whom_it_trusts(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    with serving(context) as url:
        refused = call("ranges", "check", "--source", url)
        assert (refused.status, "no certificate that is trusted" in refused.err) == (3, True)
        ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        assert call("ranges", "check", "--source", url).status == 0


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/moved", "answered 302, and not 200"),
        ("/broken", "answered 500, and not 200"),
        ("/endless", "answered with more than 1 MiB"),
        ("/short", "could not be reached, or broke off"),
        ("/gzip", "a compressed body"),
        ("/closes", "could not be reached, or broke off"),
    ],
)
def test_a_server_that_is_not_right_is_told_from_a_finding(
    call: Call, server: str, path: str, words: str
) -> None:
    result = call("ranges", "check", "--source", f"{server}{path}?token={SECRET}")
    assert (result.status, result.out) == (3, "")
    assert words in result.err
    assert SECRET not in result.err


def test_a_redirect_is_not_followed(call: Call, server: str) -> None:
    Handler.asked.clear()
    call("ranges", "check", "--source", f"{server}/moved")
    assert Handler.asked == ["/moved"]


@pytest.mark.parametrize("path", ["/hangs", "/drips"])
def test_whoever_hangs_is_waited_for_in_all(path: str) -> None:
    """A byte now and then is no reason to wait on."""
    with serving() as url, pytest.raises(SourceError, match=r"whole within 0\.3 seconds"):
        read(f"{url}{path}", 0.3)


def test_a_password_of_the_user_s_goes_nowhere(
    call: Call, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login somebody password {SECRET}\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert read(f"{server}/whoami") == b'{"status": "nobody"}'


@pytest.mark.parametrize(
    "source", ["nowhere.json", ".", "ftp://example.com/x", "http://", "https://[::1"]
)
def test_what_is_no_source_is_said(call: Call, source: str) -> None:
    result = call("ranges", "check", "--source", source)
    assert (result.status, result.out) == (3, "")
    assert result.err.startswith("hookgate: ")
    assert ("write one of https or http" in result.err) is source.startswith("ftp:")


def test_a_wrong_configuration_is_a_misuse(call: Call) -> None:
    Path("hookgate.toml").write_text("[source]\nallow = []\n")
    assert call("ranges", "check", "--source", write(*AGREED)).status == 2


HOSTILE: dict[str, Any] = {
    "empty": b"",
    "HTML": b"<html>busy</html>",
    "a list": b"[]",
    "a text": b'"ok"',
    "twice the same key": b'{"data": {}, "data": {}}',
    "deep": b'{"data": ' + b"[" * 100 + b"]" * 100 + b"}",
    "crowded": b'{"data": [' + b"0," * 300_000 + b"0]}",
    "no data": {"status": "ok"},
    "data of another type": {"data": []},
    "no prefixes": {"data": {"resource": "15447"}},
    "prefixes of another type": {"data": {"prefixes": {"31.169.56.0/21": {}}}},
    "a prefix that is no object": answer("31.169.56.0/21"),
    "a prefix without a text": answer({"prefix": 5}),
    "no network": answer({"prefix": f"31.169.56.0/21 {SECRET}"}),
    "host bits": answer({"prefix": "31.169.56.1/21"}),
    "too long a prefix": answer({"prefix": "31.169.56.0/33"}),
    "times of another type": answer({"prefix": "31.169.56.0/21", "timelines": {}}),
    "a period that is no object": answer({"prefix": "31.169.56.0/21", "timelines": [1]}),
    "no time": answer(prefix("31.169.56.0/21", f"yesterday {SECRET}")),
    "a time before all": answer(prefix("31.169.56.0/21", "0001-01-01T00:00:00+14:00")),
    "everything": answer(prefix("0.0.0.0/0")),
    "too many": answer(*({"prefix": "31.169.56.0/21"} for _ in range(10_001))),
    "another network's": answer(*AGREED, resource="3333"),
    "no such time": answer(*AGREED, query_endtime="soon"),
    "an error": {"status": "error", "data": {"prefixes": []}},
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_such_answer_is_refused_and_not_quoted(call: Call, text: Any) -> None:
    data = text if isinstance(text, bytes) else json.dumps(text).encode()
    Path("announced.json").write_bytes(data)
    result = call("ranges", "check", "--source", "announced.json")
    assert (result.status, result.out) == (3, "")
    assert SECRET not in result.err


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.just("31.169.56.0/21"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["prefix", "timelines", "endtime", "x"]), inner, max_size=3
        )
    ),
    max_leaves=9,
)


@given(
    st.dictionaries(
        st.sampled_from(["data", "status", "x"]),
        TREES
        | st.dictionaries(
            st.sampled_from(["prefixes", "resource", "query_endtime"]), TREES, max_size=3
        ),
        max_size=3,
    )
    | TREES
)
def test_any_json_is_an_answer_or_is_refused(tree: Any) -> None:
    """Whatever stands where."""
    with contextlib.suppress(SourceError):
        assert read_announced(json.dumps(tree).encode()).prefixes is not None


NETWORKS = st.lists(
    st.builds(
        lambda number, length: netaddr.IPNetwork(f"10.0.{number}.0/{length}").cidr,
        st.integers(0, 15),
        st.integers(20, 26),
    ),
    max_size=4,
)


@given(NETWORKS, NETWORKS, NETWORKS)
def test_each_address_agrees_or_is_found(
    allow: list[netaddr.IPNetwork],
    watch: list[netaddr.IPNetwork],
    announced: list[netaddr.IPNetwork],
) -> None:
    """Beside sets of addresses."""
    found = compare(allow, allow, watch, announced)
    said = netaddr.IPSet(announced)
    assert found.agrees == (
        netaddr.IPSet(allow) <= said and said <= netaddr.IPSet(allow) | netaddr.IPSet(watch)
    )
    for network, standing, _ in found.allowed:
        whole = netaddr.IPSet([network])
        assert (standing is Standing.NONE) == whole.isdisjoint(said)
        assert standing.agrees == (whole <= said)
    rest = netaddr.IPSet([network for beside in found.beside for network in beside.rest])
    assert rest == said - netaddr.IPSet(allow)


def test_as_many_prefixes_as_may_come_are_compared(call: Call) -> None:
    """The largest networks have fewer."""
    many = ({"prefix": f"10.{number >> 8}.{number & 255}.0/24"} for number in range(5000))
    result = call("ranges", "check", "--source", write(*AGREED, *many))
    assert result.status == 1
    assert "5005 prefixes announced" in result.out
