"""HTTP/1.1 as plain senders speak it: framing, persistence, half-closed connections."""

import socket
import threading
from pathlib import Path

import pytest

from support.events import CLEAN, RCS, event
from support.pair import Pair, paired
from support.raw import chunked, connected, post


def old(body: bytes, *fields: bytes) -> bytes:
    """The same event by HTTP/1.0."""
    return post(body, b"/cm/events", *fields).replace(b"HTTP/1.1", b"HTTP/1.0", 1)


def test_success_is_exactly_200_with_no_body(pair: Pair) -> None:
    """Whatever the upstream's body was, the sender gets a bare 200 with a date."""
    with connected(pair.port) as client:
        client.send(post(CLEAN))
        answer = client.read()
    assert answer.head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.values(b"Content-Length") == [b"0"]
    assert answer.values(b"Date")[0].endswith(b" GMT")
    assert answer.values(b"Connection") == []
    assert answer.body == b""


def test_single_bytes_make_the_same_request(pair: Pair) -> None:
    """A request that arrives byte by byte reaches the upstream like any other."""
    traces = pair.traces()
    body = b'{"channel":"SMS","timeUtc":"2025-09-03T08:00:05","from":{"number":"1"},'
    body += b'"to":{"number":"2"},"event":{"type":"x"}}'
    with connected(pair.port) as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in post(body):
            client.send(bytes([byte]))
        assert client.read().status == 200
    assert [seen.body for seen in traces.seen] == [body]
    assert traces.delivery()["bytes"] == len(body)


@pytest.mark.parametrize(
    "extension", [b"", b";a", b";a=b", b';a="b;c\\"";d=e'], ids=["none", "name", "value", "quoted"]
)
@pytest.mark.parametrize("size", [1, 7, len(CLEAN)], ids=lambda size: f"by {size}")
def test_chunks_become_one_body_with_a_length(pair: Pair, size: int, extension: bytes) -> None:
    """The upstream gets the bytes of all chunks with a Content-Length; extensions vanish."""
    traces = pair.traces()
    chunks = [CLEAN[at : at + size] for at in range(0, len(CLEAN), size)]
    with connected(pair.port) as client:
        client.send(chunked(*chunks, extension=extension))
        assert client.read().status == 200
    (seen,) = traces.seen
    assert seen.body == CLEAN
    assert seen.values(b"Content-Length") == [b"%d" % len(CLEAN)]
    assert seen.values(b"Transfer-Encoding") == []


def test_trailers_are_dropped_and_do_not_leak_into_the_next_request(pair: Pair) -> None:
    """Trailers reach neither their own request's fields nor those of the one behind it."""
    traces = pair.traces()
    trailers = b"X-Trailer: 1\r\nHost: evil\r\nX-Forwarded-For: 31.169.56.1\r\nX-Last: 2\r\n"
    with connected(pair.port) as client:
        client.send(chunked(CLEAN, trailers=trailers) + post(CLEAN))
        assert [client.read().status, client.read().status] == [200, 200]
    assert len(traces.seen) == 2
    for seen in traces.seen:
        assert seen.values(b"X-Trailer") == seen.values(b"X-Last") == []
        assert seen.values(b"Host") == [b"gate"]
        assert seen.values(b"X-Forwarded-For") == [b"127.0.0.10"]


def test_a_trailer_can_end_the_connection_but_not_change_the_next_request(pair: Pair) -> None:
    """`Connection: close` among the trailers leaves what follows unread."""
    traces = pair.traces()
    with connected(pair.port) as client:
        client.send(chunked(CLEAN, trailers=b"Connection: close\r\n") + post(CLEAN))
        assert client.read().status == 200
        assert client.read_rest() == b""
    assert traces.delivery()["reason"] == "clean"


def test_requests_follow_one_another_on_one_connection(pair: Pair) -> None:
    """A connection is kept until someone ends it, refusals of whole requests included."""
    traces = pair.traces()
    with connected(pair.port) as client:
        statuses = []
        for body in (CLEAN, b"{}", CLEAN, b"[", CLEAN):
            client.send(post(body))
            statuses.append(client.read().status)
        assert statuses == [200, 422, 200, 400, 200]
    assert [r["status"] for r in traces.deliveries(5)] == statuses


def test_empty_lines_before_a_request_are_skipped(pair: Pair) -> None:
    """Some senders end a body with an extra line end (RFC 9112 2.2)."""
    traces = pair.traces()
    with connected(pair.port) as client:
        client.send(b"\r\n" + post(CLEAN) + b"\r\n\r\n" + post(CLEAN))
        assert [client.read().status, client.read().status] == [200, 200]
    assert len(traces.deliveries(2)) == 2


@pytest.mark.parametrize("name", [b"Host", b"Content-Type", b"Content-Length", b"X-Other"])
def test_white_space_around_a_value_is_no_part_of_it(pair: Pair, name: bytes) -> None:
    """Optional white space on either side is legal and travels nowhere (RFC 9112 5)."""
    traces = pair.traces()
    lines = post(CLEAN, b"/cm/events", b"X-Other: a b").split(b"\r\n")
    place = next(i for i, line in enumerate(lines) if line.startswith(name))
    value = lines[place].partition(b": ")[2]
    lines[place] = name + b": \t " + value + b" \t "
    with connected(pair.port) as client:
        client.send(b"\r\n".join(lines))
        assert client.read().status == 200
    assert traces.seen[0].values(name) == [value]


def test_http_1_0_ends_with_its_answer(pair: Pair) -> None:
    """Without asking to keep the connection, an HTTP/1.0 sender sees it close."""
    with connected(pair.port) as client:
        client.send(old(CLEAN))
        answer = client.read()
        assert answer.status == 200
        assert answer.values(b"Connection") == [b"close"]
        assert client.read_rest() == b""


def test_http_1_0_keeps_the_connection_on_request(pair: Pair) -> None:
    """`Connection: keep-alive` is granted, and said so."""
    with connected(pair.port) as client:
        for _ in range(2):
            client.send(old(CLEAN, b"Connection: Keep-Alive"))
            answer = client.read()
            assert answer.status == 200
            assert answer.values(b"Connection") == [b"keep-alive"]


@pytest.mark.parametrize("option", [b"close", b"Close", b"x, close", b"close, x"])
def test_connection_close_is_heeded_and_what_follows_ignored(pair: Pair, option: bytes) -> None:
    """The answer says `close`, and a request behind it is neither read nor recorded."""
    traces = pair.traces()
    with connected(pair.port) as client:
        client.send(post(CLEAN, b"/cm/events", b"Connection: " + option) + post(CLEAN))
        answer = client.read()
        assert answer.status == 200
        assert answer.values(b"Connection") == [b"close"]
        assert client.read_rest() == b""
    assert traces.delivery()["reason"] == "clean"
    assert len(traces.seen) == 1


def test_a_half_closed_sender_gets_its_answers(pair: Pair) -> None:
    """Whoever ends its sending side after its requests still sees every answer."""
    with connected(pair.port) as client:
        client.send(post(CLEAN) + post(b"{}") + post(CLEAN))
        client.socket.shutdown(socket.SHUT_WR)
        assert [client.read().status for _ in range(3)] == [200, 422, 200]
        assert client.read_rest() == b""


def test_a_half_closed_sender_waits_for_a_slow_upstream(tmp_path: Path) -> None:
    """The answer still arrives when the upstream takes its time after the sender's end."""
    ended = threading.Event()

    def respond(_: object) -> bytes:
        ended.wait(30)
        return b"HTTP/1.1 500 Broken\r\nContent-Length: 4\r\n\r\nslow"

    with paired(tmp_path, respond) as pair, connected(pair.port) as client:
        client.send(post(CLEAN))
        client.socket.shutdown(socket.SHUT_WR)
        pair.upstream.wait_for(1)
        ended.set()
        answer = client.read()
        assert (answer.status, answer.body) == (500, b"slow")
        assert client.read_rest() == b""
        assert pair.gate.wait_for_deliveries(1)[0]["answered"] is True


@pytest.mark.parametrize("sent", [20, 100, -1], ids=["in the line", "in the head", "in the body"])
def test_a_sender_that_ends_within_a_request_has_left(pair: Pair, sent: int) -> None:
    """Nothing goes upstream and the record says that it was aborted, without a status."""
    traces = pair.traces()
    with connected(pair.port) as client:
        client.send(post(CLEAN)[:sent])
        client.socket.shutdown(socket.SHUT_WR)
        assert client.read_rest() == b""
    record = traces.delivery()
    assert (record["outcome"], record["reason"]) == ("aborted", "client_gone")
    assert (record["status"], record["answered"]) == (None, False)
    assert traces.untouched


def test_a_connection_without_a_request_leaves_no_record(pair: Pair) -> None:
    """Connecting and leaving, as health checks do, is no delivery."""
    traces = pair.traces()
    with connected(pair.port):
        pass
    with connected(pair.port) as client:
        client.send(b"\r\n\r\n")
        client.socket.shutdown(socket.SHUT_WR)
        assert client.read_rest() == b""
    assert traces.deliveries(0) == []


def test_a_get_is_answered_with_what_is_allowed(pair: Pair) -> None:
    """405 names the methods; a HEAD's answer has no body."""
    with connected(pair.port) as client:
        for method in (b"GET", b"HEAD"):
            client.send(method + b" / HTTP/1.1\r\nHost: gate\r\n\r\n")
            answer = client.read()
            assert answer.status == 405
            assert answer.values(b"Allow") == [b"POST"]
            assert bool(answer.body) is (method == b"GET")


def test_the_record_names_what_came(pair: Pair) -> None:
    """One delivery's record holds where it came from, what it was and how it ended."""
    traces = pair.traces()
    with connected(pair.port) as client:
        client.send(post(event(reference=RCS["reference"]), b"/cm/events?secret=1"))
        assert client.read().status == 200
    record = traces.delivery()
    assert record["front"] == "sidecar"
    assert (record["peer"], record["client"]) == ("127.0.0.10", "127.0.0.10")
    assert (record["method"], record["path"]) == ("POST", "/cm/events")
    assert record["reference"] == RCS["reference"]
    assert record["sha256"] == traces.seen[0].digest
    assert traces.seen[0].values(b"X-Request-Id") == [record["request_id"].encode()]
    assert traces.forwards() == 1
