"""Whoever is no reader of this page gets nothing of it: the whole table, on sockets."""

import json
from pathlib import Path

import pytest

from support.live import TOKEN, living, request
from support.raw import connected
from support.sidecar import ALLOWED

from .conftest import Shown

MUST = {
    b"x-content-type-options": b"nosniff",
    b"cache-control": b"no-store",
    b"referrer-policy": b"no-referrer",
    b"x-frame-options": b"DENY",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
}
NAVIGATION = {"Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:9999"}, 200),
        ({"Host": "[::1]:9190"}, 200),
        ({"Host": "LIVE.example.com"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Host": "localhost.evil.example:9190"}, 421),
        ({"Host": "live.example.com@evil.example"}, 421),
        ({"Host": "2130706433"}, 421),
        ({"Host": "127.1"}, 421),
        ({"Host": ""}, 400),
        ({"Sec_Fetch_Site": "same-origin"}, 200),
        ({"Sec_Fetch_Site": "none"}, 200),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        # A link leads to the page, which has no figure in it; a frame does not.
        ({"Sec_Fetch_Site": "cross-site", **NAVIGATION}, 200),
        ({"Sec_Fetch_Site": "cross-site", **NAVIGATION, "Sec_Fetch_Dest": "iframe"}, 403),
        ({"Origin": "http://127.0.0.1"}, 200),
        ({"Origin": "https://127.0.0.1"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:8000"}, 403),
        ({"Origin": "null"}, 403),
        ({"Method": "OPTIONS"}, 405),
        ({"Method": "DELETE"}, 405),
        ({"Method": "TRACE"}, 405),
        ({"Upgrade": "websocket", "Connection": "Upgrade"}, 200),
    ],
    ids=str,
)
def test_who_gets_the_page(shown: Shown, fields: dict[str, str], status: int) -> None:
    assert shown.live.ask("/", None, ALLOWED, **fields).status == status


def test_a_head_that_is_too_long_is_not_read(shown: Shown) -> None:
    with connected(shown.live.port) as client:
        client.send(request("/", X="x" * 17_000)[:-4])
        assert client.read().status == 400


def test_what_is_no_request_leaves_no_line(tmp_path: Path) -> None:
    """Whoever can connect could fill a disk with them."""
    junk = b"\0\xff\r\n\r\n", b"GET /\xff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    upgrade = request("/", Connection="upgrade", Upgrade="websocket")
    with living(tmp_path, "--gate", "http://127.0.0.1:9") as live:
        for data in (*junk, upgrade):
            with connected(live.port) as client:
                client.send(data)
                client.read()
        assert live.ask("/login", b"wrong").status == 403
        assert live.stop() == 0
        events = [json.loads(line)["event"] for line in live.log.whole().splitlines()]
    assert events == ["live.listening", "live.wrong_token"]


def test_two_hosts_are_refused(shown: Shown) -> None:
    with connected(shown.live.port) as client:
        client.send(request("/").replace(b"\r\n\r\n", b"\r\nHost: evil.example\r\n\r\n"))
        assert client.read().status == 400


@pytest.mark.parametrize("target", ["/", "/page.js", "/page.css", "/events", "/login", "/none"])
def test_every_answer_has_every_field_that_protects(shown: Shown, target: str) -> None:
    """Refusals, files and what is not there."""
    for fields in ({}, {"Host": "evil.example"}, {"Origin": "null"}):
        reply = shown.live.ask(target, None, ALLOWED, **fields)
        assert {name: reply.values(name) for name in MUST} == {n: [v] for n, v in MUST.items()}
        (policy,) = reply.values(b"content-security-policy")
        assert policy.startswith(b"default-src 'none'; script-src 'self'")
        assert b"frame-ancestors 'none'" in policy
        assert b"unsafe" not in policy
        assert reply.values(b"server") == []
        assert reply.values(b"access-control-allow-origin") == []


@pytest.mark.parametrize(
    "cookie",
    ["", "hookgate-live-00000000=x", "{name}=", "{name}=AAAA", "{name}={value}x", "{name}=\xff"],
)
def test_figures_want_a_cookie_of_this_process(shown: Shown, cookie: str) -> None:
    name, _, value = shown.live.log_in().partition("=")
    reply = shown.live.ask("/events", Cookie=cookie.format(name=name, value=value))
    assert reply.status == 401


def test_a_cookie_alone_does_not_help_another_site(shown: Shown) -> None:
    """As the browser would send it from a page at another port, which is the same site."""
    cookie = shown.live.log_in()
    for site in ("same-site", "cross-site"):
        assert shown.live.ask("/events", Cookie=cookie, Sec_Fetch_Site=site).status == 403
    assert shown.live.ask("/events", Cookie=cookie, Host="evil.example").status == 421
    assert shown.live.ask("/logout", b"", Cookie=cookie, Origin="http://evil.example").status == 403
    with shown.live.reading(cookie) as states:
        assert b" 200 " in states.head()


def test_the_cookie_is_only_for_requests_of_this_page(shown: Shown) -> None:
    reply = shown.live.ask("/login", TOKEN.encode() + b"\n")
    (cookie,) = reply.values(b"set-cookie")
    assert {part.strip().lower() for part in cookie.split(b";")[1:]} == {
        b"httponly", b"path=/", b"samesite=strict",
    }  # fmt: skip
    behind_tls = shown.live.ask("/login", TOKEN.encode(), Origin="https://127.0.0.1")
    (cookie,) = behind_tls.values(b"set-cookie")
    assert cookie.startswith(b"__Host-hookgate-live-")
    assert b"secure" in cookie.lower()


def test_a_session_ends_with_its_logout(shown: Shown) -> None:
    """A page that is open is let go as well."""
    cookie = shown.live.log_in()
    with shown.live.reading(cookie) as states:
        states.head()
        states.next()
        assert shown.live.ask("/logout", b"", Cookie=cookie).status == 204
        with pytest.raises(EOFError):
            states.until(lambda _: False)
    assert shown.live.ask("/events", Cookie=cookie).status == 401
