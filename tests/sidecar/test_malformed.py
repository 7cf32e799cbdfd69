"""HTTP that two readers could take for two things is refused, recorded and never interpreted."""

import contextlib
import socket

import pytest

from support.events import CLEAN
from support.pair import Pair
from support.raw import chunked, connected, post
from support.sidecar import FOREIGN

LENGTH = b"Content-Length: %d" % len(CLEAN)
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(CLEAN), CLEAN)
JSON = b"Content-Type: application/json"


def head(*lines: bytes, line: bytes = b"POST /cm/events HTTP/1.1", end: bytes = b"\r\n") -> bytes:
    """A request head of these field lines, every line ended by `end`."""
    return end.join((line, *lines)) + end + end


def plain(*lines: bytes) -> bytes:
    """A clean event but for these field lines."""
    return head(b"Host: gate", JSON, LENGTH, *lines) + CLEAN


def coded(*lines: bytes, body: bytes = CHUNKS) -> bytes:
    """A chunked event but for these field lines or this body."""
    return head(b"Host: gate", JSON, *lines) + body


def lined(line: bytes) -> bytes:
    """A clean event but for its request line."""
    return head(b"Host: gate", JSON, LENGTH, line=line) + CLEAN


CHUNKED = b"Transfer-Encoding: chunked"

TWO_READINGS = {
    "length and chunked": head(b"Host: gate", JSON, LENGTH, CHUNKED) + CHUNKS,
    "chunked and length": head(b"Host: gate", JSON, CHUNKED, LENGTH) + CHUNKS,
    "zero length and chunked": head(b"Host: gate", JSON, b"Content-Length: 0", CHUNKED) + CHUNKS,
    "length twice, equal": plain(LENGTH),
    "length twice, unequal": plain(b"Content-Length: 1"),
    "length a list": head(b"Host: gate", JSON, b"Content-Length: 7, 7") + b'{"a":1}',
    "length with zeros before": head(b"Host: gate", JSON, b"Content-Length: 007") + b'{"a":1}',
    "length with a plus": head(b"Host: gate", JSON, b"Content-Length: +7") + b'{"a":1}',
    "length negative": head(b"Host: gate", JSON, b"Content-Length: -7") + b'{"a":1}',
    "length hexadecimal": head(b"Host: gate", JSON, b"Content-Length: 0x7") + b'{"a":1}',
    "length with a space inside": head(b"Host: gate", JSON, b"Content-Length: 7 7") + b'{"a":1}',
    "length fractional": head(b"Host: gate", JSON, b"Content-Length: 7.0") + b'{"a":1}',
    "length empty": head(b"Host: gate", JSON, b"Content-Length:") + b'{"a":1}',
    "length beyond 64 bits": head(b"Host: gate", JSON, b"Content-Length: 1" + b"0" * 20),
    "length in other digits": head(b"Host: gate", JSON, b"Content-Length: \xc2\xb9"),
    "length before a colon with space": head(b"Host: gate", JSON, b"Content-Length : 7"),
    "coding before chunked": coded(b"Transfer-Encoding: gzip, chunked"),
    "coding on a line before": coded(b"Transfer-Encoding: gzip", CHUNKED),
    "coding identity": coded(b"Transfer-Encoding: identity"),
    "coding other": coded(b"Transfer-Encoding: gzip"),
    "coding like chunked": coded(b"Transfer-Encoding: xchunked"),
    "coding quoted": coded(b'Transfer-Encoding: "chunked"'),
    "coding with a parameter": coded(b"Transfer-Encoding: chunked;a=b"),
    "coding after a comma": coded(b"Transfer-Encoding: ,chunked"),
    "coding before a vertical tab": coded(b"Transfer-Encoding: \x0bchunked"),
    "coding empty": coded(b"Transfer-Encoding:"),
    "chunked twice": coded(CHUNKED, CHUNKED),
    "chunked twice in a list": coded(b"Transfer-Encoding: chunked, chunked"),
    "chunked, then not": coded(b"Transfer-Encoding: chunked, identity"),
    "chunked before a colon with space": coded(b"Transfer-Encoding : chunked"),
    "chunked in 1.0": head(b"Host: gate", JSON, CHUNKED, line=b"POST / HTTP/1.0") + CHUNKS,
    "chunk size hexadecimal": coded(CHUNKED, body=b"0x2\r\n{}\r\n0\r\n\r\n"),
    "chunk size negative": coded(CHUNKED, body=b"-2\r\n{}\r\n0\r\n\r\n"),
    "chunk size beyond 64 bits": coded(CHUNKED, body=b"10000000000000002\r\n{}\r\n0\r\n\r\n"),
    "chunk size empty": coded(CHUNKED, body=b"\r\n{}\r\n0\r\n\r\n"),
    "chunk size before a space": coded(CHUNKED, body=b"2 \r\n{}\r\n0\r\n\r\n"),
    "chunk size before a bare LF": coded(CHUNKED, body=b"2\n{}\r\n0\r\n\r\n"),
    "chunk longer than its size": coded(CHUNKED, body=b"2\r\n{} \r\n0\r\n\r\n"),
    "chunk ended by a bare LF": coded(CHUNKED, body=b"2\r\n{}\n0\r\n\r\n"),
    "chunk extension with a bare LF": coded(CHUNKED, body=b"2;a=\nb\r\n{}\r\n0\r\n\r\n"),
    "chunk extension with a NUL": coded(CHUNKED, body=b'2;a="\0"\r\n{}\r\n0\r\n\r\n'),
    "trailer of length": coded(CHUNKED, body=b"2\r\n{}\r\n0\r\nContent-Length: 2\r\n\r\n"),
    "trailer of coding": coded(CHUNKED, body=b"2\r\n{}\r\n0\r\nTransfer-Encoding: x\r\n\r\n"),
    "trailer with a bare LF": coded(CHUNKED, body=b"2\r\n{}\r\n0\r\nA: 1\n\r\n"),
}

BROKEN_TEXT = {
    "folded value": plain(b"X: 1\r\n 2"),
    "folded by a tab": plain(b"X: 1\r\n\t2"),
    "folded first line": head(b" Host: gate", JSON, LENGTH) + CLEAN,
    "lines ended by LF": head(b"Host: gate", JSON, LENGTH, end=b"\n") + CLEAN,
    "lines ended by CR": head(b"Host: gate", JSON, LENGTH, end=b"\r") + CLEAN,
    "one line ended by LF": plain(b"X: 1\nY: 2"),
    "one line ended by CR": plain(b"X: 1\rY: 2"),
    "head ended by LF": plain()[: -len(CLEAN) - 2] + b"\n" + CLEAN,
    "NUL in a value": plain(b"X: 1\x002"),
    "NUL in a name": plain(b"X\0Y: 1"),
    "NUL in the target": lined(b"POST /cm\0/events HTTP/1.1"),
    "NUL in the method": lined(b"PO\0ST /cm/events HTTP/1.1"),
    "escape in a value": plain(b"X: \x1b[31m"),
    "delete in a value": plain(b"X: \x7f"),
    "delete in the target": lined(b"POST /cm\x7f/events HTTP/1.1"),
    "space in a name": plain(b"X Y: 1"),
    "no colon": plain(b"X"),
    "name empty": plain(b": 1"),
    "name beyond ASCII": plain(b"X\xe9: 1"),
}

WRONG_HOST = {
    "no Host": head(JSON, LENGTH) + CLEAN,
    "no Host in 1.0": head(JSON, LENGTH, line=b"POST /cm/events HTTP/1.0") + CLEAN,
    "two Hosts, equal": plain(b"Host: gate"),
    "two Hosts, unequal": plain(b"host: other"),
    "Host empty": head(b"Host:", JSON, LENGTH) + CLEAN,
    "Host with a space": head(b"Host: ga te", JSON, LENGTH) + CLEAN,
    "Host with a path": head(b"Host: gate/x", JSON, LENGTH) + CLEAN,
    "Host with a user": head(b"Host: a@gate", JSON, LENGTH) + CLEAN,
    "Host with a port that is none": head(b"Host: gate:8a", JSON, LENGTH) + CLEAN,
    "Host with two ports": head(b"Host: gate:80:80", JSON, LENGTH) + CLEAN,
    "Host an open bracket": head(b"Host: [::1", JSON, LENGTH) + CLEAN,
    "Host beyond ASCII": head(b"Host: g\xc3\xa5te", JSON, LENGTH) + CLEAN,
}

WRONG_LINE = {
    "absolute form": lined(b"POST http://gate/cm/events HTTP/1.1"),
    "absolute form of another scheme": lined(b"POST gopher://gate/cm/events HTTP/1.1"),
    "asterisk": lined(b"OPTIONS * HTTP/1.1"),
    "asterisk of a POST": lined(b"POST * HTTP/1.1"),
    "no slash": lined(b"POST cm/events HTTP/1.1"),
    "authority": lined(b"CONNECT gate:443 HTTP/1.1"),
    "CONNECT of a path": lined(b"CONNECT /cm/events HTTP/1.1"),
    "space in the target": lined(b"POST /cm events HTTP/1.1"),
    "tab after the method": lined(b"POST\t/cm/events HTTP/1.1"),
    "no target": lined(b"POST HTTP/1.1"),
    "method in lower case": lined(b"post /cm/events HTTP/1.1"),
    "method that is no token": lined(b"PO(ST /cm/events HTTP/1.1"),
    "version 0.9": lined(b"POST /cm/events HTTP/0.9"),
    "version 1.2": lined(b"POST /cm/events HTTP/1.2"),
    "version 2.0": lined(b"POST /cm/events HTTP/2.0"),
    "version 11": lined(b"POST /cm/events HTTP/11.1"),
    "version in lower case": lined(b"POST /cm/events http/1.1"),
    "protocol ICE": lined(b"POST /cm/events ICE/1.0"),
    "protocol ICE, its own method": lined(b"SOURCE /cm/events ICE/1.0"),
    "protocol RTSP": lined(b"POST /cm/events RTSP/1.0"),
    "protocol RTSP, its own method": lined(b"SETUP /cm/events RTSP/1.0"),
    "RTSP's method by HTTP": lined(b"SETUP /cm/events HTTP/1.1"),
    "version with a space behind": lined(b"POST /cm/events HTTP/1.1 "),
    "version in one digit": lined(b"POST /cm/events HTTP/1"),
    "version with a zero": lined(b"POST /cm/events HTTP/1.10"),
    "two spaces before the target": lined(b"POST  /cm/events HTTP/1.1"),
    "many spaces before the target": lined(b"POST" + b" " * 99 + b"/cm/events HTTP/1.1"),
    "two spaces before the version": lined(b"POST /cm/events  HTTP/1.1"),
    "vertical tab after the method": lined(b"POST\x0b/cm/events HTTP/1.1"),
    "tab before the target": lined(b"POST \t/cm/events HTTP/1.1"),
    "form feed before the target": lined(b"POST \x0c/cm/events HTTP/1.1"),
    "tab before the version": lined(b"POST /cm/events \tHTTP/1.1"),
    "form feed in place of a space": lined(b"POST /cm/events\x0cHTTP/1.1"),
    "space before the method": lined(b" POST /cm/events HTTP/1.1"),
    "line feed before": lined(b"\nPOST /cm/events HTTP/1.1"),
    "carriage return before": lined(b"\rPOST /cm/events HTTP/1.1"),
    "two carriage returns before": lined(b"\r\r\nPOST /cm/events HTTP/1.1"),
    "line feed behind an empty line": lined(b"\r\n\nPOST /cm/events HTTP/1.1"),
    "line feeds around an empty line": lined(b"\n\r\n\nPOST /cm/events HTTP/1.1"),
    "request line ended by LF": plain().replace(b"\r\n", b"\n", 1),
    "HTTP/0.9": b"GET /cm/events\r\n\r\n",
    "HTTP/0.9 with fields": lined(b"POST /cm/events"),
}

OTHER_PROTOCOL = {
    "upgrade to WebSocket": head(
        b"Host: gate",
        b"Connection: Upgrade",
        b"Upgrade: websocket",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        line=b"GET /cm/events HTTP/1.1",
    ),
    "upgrade to WebSocket by POST": plain(b"Connection: upgrade", b"Upgrade: WebSocket"),
    "upgrade to WebSocket without Connection": plain(b"Upgrade: websocket"),
    "upgrade to WebSocket or h2c": plain(b"Connection: upgrade", b"Upgrade: h2c,websocket"),
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
    "TLS hello": bytes.fromhex("16030100f8010000f40303") + bytes(range(256)),
    "SSH banner": b"SSH-2.0-OpenSSH_9.6\r\n",
    "PROXY line": b"PROXY TCP4 127.0.0.10 127.0.0.1 5 80\r\n" + post(CLEAN),
    "PROXY block": b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12) + post(CLEAN),
    "high bytes": b"\xff\xfe\xfd",
}

MALFORMED = {**TWO_READINGS, **BROKEN_TEXT, **WRONG_HOST, **WRONG_LINE, **OTHER_PROTOCOL}

UNMET = {
    "another": plain(b"Expect: 200-ok"),
    "a list": plain(b"Expect: 100-continue, 200-ok"),
    "100-continue twice": plain(b"Expect: 100-continue", b"Expect: 100-continue"),
    "100-continue with a parameter": plain(b"Expect: 100-continue;q=1"),
    "empty": plain(b"Expect:"),
}


def assert_refused(pair: Pair, data: bytes, status: int, reason: str) -> None:
    """One answer, one record, the connection closed, and not a byte upstream."""
    traces = pair.traces()
    with connected(pair.port, seconds=8) as client:
        client.send(data)
        answer = client.read()
        assert answer.status == status
        assert answer.values(b"Content-Type") == [b"application/problem+json"]
        assert b'"%s"' % reason.encode() in answer.body
        assert client.read_rest() == b""
    record = traces.delivery()
    assert (record["outcome"], record["reason"]) == ("refused", reason)
    assert (record["status"], record["answered"]) == (status, True)
    assert traces.untouched


@pytest.mark.parametrize("vector", MALFORMED, ids=lambda name: name)
def test_malformed_http_is_refused_and_the_connection_closed(pair: Pair, vector: str) -> None:
    """It is answered 400, recorded once, and the connection ends there."""
    assert_refused(pair, MALFORMED[vector], 400, "malformed_http")


@pytest.mark.parametrize("vector", MALFORMED, ids=lambda name: name)
def test_nothing_behind_malformed_http_is_read(pair: Pair, vector: str) -> None:
    """A clean event in the same packet, behind it, is neither forwarded nor recorded."""
    assert_refused(pair, MALFORMED[vector] + post(CLEAN), 400, "malformed_http")


@pytest.mark.parametrize("behind", [b"", post(CLEAN)], ids=["alone", "followed"])
@pytest.mark.parametrize("vector", UNMET, ids=lambda name: name)
def test_an_unknown_expectation_is_answered_417(pair: Pair, vector: str, behind: bytes) -> None:
    """Only `100-continue`, said once, can be expected; anything else ends the connection."""
    assert_refused(pair, UNMET[vector] + behind, 417, "expectation_failed")


@pytest.mark.parametrize("vector", ["length and chunked", "no Host", "TLS hello", "absolute form"])
def test_a_stranger_learns_nothing_from_malformed_http(pair: Pair, vector: str) -> None:
    """From outside the ranges the same is refused with an empty body."""
    traces = pair.traces()
    with connected(pair.port, FOREIGN, 8) as client:
        client.send(MALFORMED[vector])
        answer = client.read()
        assert (answer.status, answer.body) == (400, b"")
        assert answer.values(b"Content-Type") == []
        assert client.read_rest() == b""
    assert traces.delivery()["reason"] == "malformed_http"
    assert traces.untouched


@pytest.mark.parametrize("vector", WRONG_LINE, ids=lambda name: name)
def test_a_wrong_line_behind_a_clean_request_is_refused(pair: Pair, vector: str) -> None:
    """Behind a body with a length, one in chunks, and an empty line, all in one packet."""
    for first in (post(CLEAN), chunked(CLEAN[:50], CLEAN[50:]), post(CLEAN) + b"\r\n"):
        traces = pair.traces()
        with connected(pair.port, seconds=8) as client:
            client.send(first + MALFORMED[vector] + post(CLEAN))
            assert [client.read().status, client.read().status] == [200, 400]
            assert client.read_rest() == b""
        # Broken HTTP is recorded at once, what stands before it when it is delivered.
        reasons = {record["reason"] for record in traces.deliveries(2)}
        assert reasons == {"clean", "malformed_http"}
        assert len(traces.seen) == 1


BY_BYTES = {**WRONG_LINE, "one line ended by LF": BROKEN_TEXT["one line ended by LF"]}


@pytest.mark.parametrize("vector", BY_BYTES, ids=lambda name: name)
def test_malformed_http_arriving_byte_by_byte_is_refused_all_the_same(
    pair: Pair, vector: str
) -> None:
    """How the bytes are cut into packets makes no difference."""
    traces = pair.traces()
    with connected(pair.port, seconds=8) as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(ConnectionError):
            for byte in MALFORMED[vector]:
                client.send(bytes([byte]))
        assert client.read().status == 400
    assert traces.delivery()["reason"] == "malformed_http"
    assert traces.untouched
