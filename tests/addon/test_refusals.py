"""What mitmproxy refuses by itself, or lets through half read, leaves one record each."""

import socket

import pytest

from support.events import CLEAN
from support.mitmdump import MITMPROXY, Running
from support.raw import ask, connected, post
from support.sidecar import ALLOWED, FOREIGN

HEAD = b"POST /cm/events HTTP/1.1\r\nHost: gate\r\nContent-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(CLEAN)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNK = b"%x\r\n%s\r\n" % (len(CLEAN), CLEAN)


def line(start: bytes, *fields: bytes) -> bytes:
    """A clean event with this request line and more fields."""
    return start + b"\r\n" + post(CLEAN, b"/", *fields).partition(b"\r\n")[2]


# Those that mitmproxy answers by itself are marked so by the HTML of their answers.
MALFORMED = {
    "length and chunked": HEAD + LENGTH + CHUNKED + b"\r\n" + CHUNK + b"0\r\n\r\n",
    "two lengths": HEAD + LENGTH + LENGTH + b"\r\n" + CLEAN,
    "length 007": HEAD + b"Content-Length: 007\r\n\r\n1234567",
    "length +7": HEAD + b"Content-Length: +7\r\n\r\n1234567",
    "length -1": HEAD + b"Content-Length: -1\r\n\r\n",
    "gzip, chunked": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNK + b"0\r\n\r\n",
    "identity": HEAD + b"Transfer-Encoding: identity\r\n\r\n" + CLEAN,
    "unknown coding": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n" + CLEAN,
    "two codings": HEAD + CHUNKED + CHUNKED + b"\r\n" + CHUNK + b"0\r\n\r\n",
    "chunked in 1.0": (HEAD + CHUNKED).replace(b"1.1", b"1.0") + b"\r\n" + CHUNK + b"0\r\n\r\n",
    "folded": line(b"POST / HTTP/1.1", b"X: a\r\n b"),
    "folded first": b"POST / HTTP/1.1\r\n X: y\r\n\r\n",
    "no request line": b"garbage\r\n\r\n",
    "no version": b"POST /cm/events\r\nHost: a\r\n\r\n",
    "HTTP/9": line(b"POST / HTTP/9"),
    "HTTP/1.2": line(b"POST / HTTP/1.2"),
    "HTTP/2.0": line(b"POST / HTTP/2.0"),
    "no colon": line(b"POST / HTTP/1.1", b"nocolon"),
    "empty name": line(b"POST / HTTP/1.1", b": x"),
    "space after name": line(b"POST / HTTP/1.1", b"X : x"),
    "name no token": line(b"POST / HTTP/1.1", b"X(: x"),
    "NUL": line(b"POST / HTTP/1.1", b"X: a\0b"),
    "CR": line(b"POST / HTTP/1.1", b"X: a\rb"),
    "CONNECT": b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    "CONNECT without port": b"CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n",
    "connect": b"connect a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    "absolute": line(b"POST http://gate/cm/events HTTP/1.1"),
    "absolute https": line(b"POST https://gate/cm/events HTTP/1.1"),
    "absolute ftp": line(b"POST ftp://gate:21/cm/events HTTP/1.1"),
    "absolute HTTP": line(b"POST HTTP://gate/cm/events HTTP/1.1"),
    "asterisk": line(b"OPTIONS * HTTP/1.1"),
    "no Host": line(b"POST / HTTP/1.1").replace(b"Host: gate\r\n", b""),
    "two Hosts": line(b"POST / HTTP/1.1", b"Host: x"),
    "upgrade": line(b"POST / HTTP/1.1", b"Connection: Upgrade", b"Upgrade: h2c, websocket"),
    "websocket": b"GET / HTTP/1.1\r\nHost: gate\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_cannot_be_framed_is_400_closed_and_recorded_once(
    running: Running, data: bytes
) -> None:
    """A clean event that follows on the same connection is never read."""
    traces = running.traces()
    with connected(running.port) as client:
        client.send(data + post(CLEAN))
        assert client.read().status == 400
        try:
            assert client.read_rest() == b""
        except ConnectionResetError:
            pass  # unread bytes were left
    assert traces.untouched
    record = running.only_record(traces)
    assert (record["outcome"], record["reason"]) == ("refused", "malformed_http")
    assert (record["status"], record["peer"]) == (400, "127.0.0.10")


UNANSWERED = {
    "chunk size": HEAD + CHUNKED + b"\r\nzz\r\n\r\n",
    "negative chunk": HEAD + CHUNKED + b"\r\n-5\r\nabcde\r\n0\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
    "TLS that is none": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(700),
}


@pytest.mark.parametrize("data", UNANSWERED.values(), ids=UNANSWERED.keys())
def test_what_mitmproxy_closes_without_an_answer_is_recorded_once(
    running: Running, data: bytes
) -> None:
    """The connection ends; the record says `malformed_http`, and that nobody was answered."""
    traces = running.traces()
    with connected(running.port) as client:
        client.send(data)
        try:
            assert not client.read_rest().startswith(b"HTTP/1.1 200")
        except ConnectionResetError:
            pass
    assert traces.untouched
    record = running.only_record(traces)
    assert (record["reason"], record["status"]) == ("malformed_http", 400)
    assert record["answered"] is False


REFUSED = {
    "foreign": (b"POST / HTTP/1.1", b"", FOREIGN, 403, "source_not_allowed"),
    "method": (b"PUT / HTTP/1.1", b"", ALLOWED, 405, "method_not_allowed"),
    "media type": (b"POST / HTTP/1.1", b"X: y", ALLOWED, 415, "content_type_missing"),
    "no Host": (b"POST / HTTP/1.1", b"", ALLOWED, 400, "malformed_http"),
    "head": (b"POST / HTTP/1.1", b"X: " + b"a" * 20_000, ALLOWED, 431, "head_too_large"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("expect", [b"", b"Expect: 100-continue\r\n"], ids=["", "expecting"])
@pytest.mark.parametrize(
    ("body", "answered"),
    [
        (CHUNK + b"0\r\n\r\n", True),
        (b"zz\r\n" + CLEAN, False),
        (CHUNK + b"-1\r\n", False),
        (CHUNK, False),
    ],
    ids=["whole", "broken", "broken later", "cut off"],
)
def test_a_refused_head_is_recorded_as_answered_only_where_it_was(
    running: Running, name: str, body: bytes, answered: bool, expect: bytes
) -> None:
    """What it was refused for is recorded either way, with its method and path."""
    start, more, source, status, reason = REFUSED[name]
    fields = [more] if more else [b"Content-Type: application/json"]
    if name != "no Host":
        fields.append(b"Host: gate")
    head = b"\r\n".join((start, *fields)) + b"\r\n" + expect + CHUNKED + b"\r\n"
    traces = running.traces()
    with connected(running.port, source) as client:
        client.send(head + body)
        if answered:
            assert client.read().status == status
        elif body == CHUNK:
            client.socket.shutdown(socket.SHUT_RDWR)
        else:
            with pytest.raises((EOFError, ConnectionError)):
                client.read()
    record = traces.delivery()
    assert (record["outcome"], record["reason"], record["status"]) == ("refused", reason, status)
    assert record["answered"] is answered
    if name != "head":
        assert (record["method"], record["path"]) == (start.split()[0].decode(), "/")


def test_a_broken_chunk_ending_never_lets_a_second_request_through(running: Running) -> None:
    """h11 of mitmproxy 11 takes any two bytes for the ending: judged once, then closed."""
    traces = running.traces()
    broken = HEAD + CHUNKED + b"\r\n" + CHUNK[:-2] + b"XX0\r\n\r\n"
    with connected(running.port) as client:
        client.send(broken + post(CLEAN))
        rest = client.read_rest()
    record = traces.delivery()
    if MITMPROXY < 12:
        assert rest.count(b"HTTP/1.1 ") == 1
        assert record["reason"] == "clean"
        assert [seen.body for seen in traces.seen] == [CLEAN]
    else:
        assert rest == b""
        assert record["reason"] == "malformed_http"
        assert traces.seen == []
    assert ask(running.port, post(CLEAN)).status == 200
    traces.deliveries(2)


@pytest.mark.parametrize("size", [4097, 4098, 300_000])
@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
def test_a_body_over_the_bound_is_413_and_recorded_once(
    running: Running, size: int, chunked: bool
) -> None:
    """One byte over is the gate's to refuse, more is mitmproxy's; the record is the same."""
    body = b" " * size
    framing = (
        CHUNKED + b"\r\n%x\r\n%s\r\n0\r\n\r\n" % (size, body)
        if chunked
        else b"Content-Length: %d\r\n\r\n%s" % (size, body)
    )
    traces = running.traces()
    assert ask(running.port, HEAD + framing).status == 413
    assert traces.untouched
    record = running.only_record(traces)
    assert (record["reason"], record["errors"]) == ("body_too_large", ["more than 4096 bytes"])


@pytest.mark.parametrize("field", [b"X: " + b"y" * 20_000, b"\r\n".join([b"X: y"] * 200)])
def test_a_head_over_the_bounds_is_431(running: Running, field: bytes) -> None:
    """mitmproxy bounds no head; the gate judges it by the sidecar's bounds once it is read."""
    traces = running.traces()
    assert ask(running.port, post(CLEAN, b"/", field)).status == 431
    assert traces.untouched
    assert running.only_record(traces)["reason"] == "head_too_large"


@pytest.mark.parametrize("expectation", [b"200-ok", b"100-continue, x"])
def test_an_unknown_expectation_is_417(running: Running, expectation: bytes) -> None:
    """Only 100-continue can be expected."""
    traces = running.traces()
    assert ask(running.port, post(CLEAN, b"/", b"Expect: " + expectation)).status == 417
    assert running.only_record(traces)["reason"] == "expectation_failed"


def test_only_a_screened_head_gets_its_100(running: Running) -> None:
    """A stranger that waits for 100 is not asked for a body."""
    head, _, body = post(CLEAN, b"/", b"Expect: 100-continue").partition(b"\r\n\r\n")
    traces = running.traces()
    with connected(running.port) as client:
        client.send(head + b"\r\n\r\n")
        assert client.read().status == 100
        client.send(body)
        assert client.read().status == 200
    with connected(running.port, FOREIGN) as client:
        client.send(head + b"\r\n\r\n" + body)
        assert client.read().status == 403
    assert [r["status"] for r in traces.deliveries(2)] == [200, 403]


def test_pipelined_requests_are_answered_in_order_until_one_is_broken(running: Running) -> None:
    """Each has its record; what follows the broken one is not read."""
    traces = running.traces()
    with connected(running.port) as client:
        client.send(post(CLEAN) + post(b"{}") + post(CLEAN) + b"garbage\r\n\r\n" + post(CLEAN))
        assert [client.read().status for _ in range(4)] == [200, 422, 200, 400]
    reasons = [record["reason"] for record in traces.deliveries(4)]
    assert reasons == ["clean", "contract_violation", "clean", "malformed_http"]
    assert len(traces.seen) == 2


# mitmproxy has taken the line apart, or the line ends away, before any addon sees the head.
INVISIBLE = {
    "two spaces": line(b"POST  /  HTTP/1.1"),
    "tab": line(b"POST\t/ HTTP/1.1"),
    "vertical tab": line(b"POST\x0b/ HTTP/1.1"),
    "space before": line(b" POST / HTTP/1.1"),
    "bare line feed": line(b"POST / HTTP/1.1").replace(b"gate\r\n", b"gate\n"),
    "white space around a value": line(b"POST / HTTP/1.1", b"X: \x0bx\x0c"),
}


@pytest.mark.parametrize("data", INVISIBLE.values(), ids=INVISIBLE.keys())
def test_what_mitmproxy_mends_reaches_the_upstream_mended(running: Running, data: bytes) -> None:
    """The upstream gets the plain form of what was judged, never the odd one."""
    traces = running.traces()
    assert ask(running.port, data).status == 200
    assert traces.delivery()["reason"] == "clean"
    [seen] = traces.seen
    assert seen.request_line == b"POST / HTTP/1.1"
    assert seen.values(b"x") in ([], [b"x"])
    assert not set(seen.head.replace(b"\r\n", b"")) & {9, 10, 11, 12, 13}
    assert seen.body == CLEAN
