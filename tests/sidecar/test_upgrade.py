"""An offer of another protocol is passed over: what follows is HTTP/1.1, and nothing else."""

import pytest

from support.events import CLEAN, event
from support.pair import Pair
from support.raw import chunked, connected, post

OFFER = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQ")
OFFERED = post(CLEAN, b"/cm/events", *OFFER)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
IN_CHUNKS = chunked(CLEAN[:99], CLEAN[99:]).replace(
    b"\r\nHost", b"\r\nConnection: upgrade\r\nUpgrade: h2c\r\nHost", 1
)
MANY_LINES = event(label="\r\n\r\n".join("ab")).replace(b"{", b"{" + b"\r\n\r\n" * 200, 1)


@pytest.mark.parametrize(
    "request_bytes",
    [OFFERED, IN_CHUNKS, post(CLEAN.ljust(300_000), b"/cm/events", *OFFER)],
    ids=["with a length", "in chunks", "large"],
)
@pytest.mark.parametrize("together", [True, False], ids=["in one packet", "one by one"])
def test_the_connection_goes_on(pair: Pair, request_bytes: bytes, together: bool) -> None:
    """Each event is delivered whole, with an offer or without, and the answers offer nothing."""
    traces = pair.traces()
    script = [request_bytes, post(CLEAN), request_bytes, request_bytes, post(CLEAN)]
    with connected(pair.port) as client:
        for data in [b"".join(script)] if together else script:
            client.send(data)
            if not together:
                assert client.read().status == 200
        if together:
            assert [client.read().status for _ in script] == [200] * len(script)
        client.send(post(b"{}"))
        last = client.read()
        assert last.status == 422
        assert last.values(b"Upgrade") == last.values(b"Connection") == []
    assert len(traces.deliveries(6)) == 6
    assert [seen.body.strip() for seen in traces.seen] == [CLEAN] * 5
    for seen in traces.seen:
        assert seen.values(b"Upgrade") == seen.values(b"HTTP2-Settings") == []


@pytest.mark.parametrize("by_bytes", [False, True])
@pytest.mark.parametrize(
    ("begun", "told"),
    [
        (PREFACE, "HTTP/2; HTTP/1.1 is spoken here"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "TLS, to a listener without it"),
        (b"\x17\x03", "Invalid method encountered"),
    ],
)
def test_another_protocol_is_called_by_its_name(
    pair: Pair, begun: bytes, told: str, *, by_bytes: bool
) -> None:
    traces = pair.traces()
    with connected(pair.port) as client:
        (client.send_by_bytes if by_bytes else client.send)(begun)
        assert client.read().status == 400
    (record,) = traces.deliveries(1)
    assert record["errors"] == [told]


def test_cut_into_bytes_it_is_the_same(pair: Pair) -> None:
    """The head comes in pieces, and so does what an upgrade would have made another protocol."""
    traces = pair.traces()
    with connected(pair.port) as client:
        client.send_by_bytes(OFFERED + IN_CHUNKS)
        assert [client.read().status for _ in range(2)] == [200, 200]
    assert [seen.body for seen in traces.seen] == [CLEAN] * 2


def test_a_body_is_asked_for(pair: Pair) -> None:
    """100 Continue, and no 101."""
    head = post(CLEAN, b"/cm/events", *OFFER, b"Expect: 100-continue").removesuffix(CLEAN)
    with connected(pair.port) as client:
        client.send(head)
        assert client.read().status == 100
        client.send(CLEAN)
        assert client.read().status == 200


@pytest.mark.parametrize("first", [OFFERED, IN_CHUNKS], ids=["with a length", "in chunks"])
def test_the_other_protocol_is_refused_where_it_begins(pair: Pair, first: bytes) -> None:
    """Whoever takes its offer for accepted sends HTTP/2: that is no request."""
    traces = pair.traces()
    with connected(pair.port) as client:
        client.send(first + PREFACE)
        assert [client.read().status for _ in range(2)] == [200, 400]
        assert client.read_rest() == b""
    reasons = {record["reason"] for record in traces.deliveries(2)}
    assert reasons == {"clean", "malformed_http"}
    assert len(traces.seen) == 1


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (post(b"", b"/cm/events", *OFFER), 400),
        (OFFERED.replace(b"POST", b"PUT", 1), 405),
        (post(b"{", b"/cm/events", *OFFER), 400),
        (post(CLEAN, b"/cm/events", b"Content-Type: text/plain", *OFFER), 415),
    ],
    ids=["no body", "another method", "no JSON", "another media type"],
)
def test_what_is_refused_is_read_to_its_end(pair: Pair, request_bytes: bytes, status: int) -> None:
    """The next request on the connection is a request of its own."""
    with connected(pair.port) as client:
        client.send(request_bytes + OFFERED)
        assert [client.read().status for _ in range(2)] == [status, 200]


def test_a_body_of_many_empty_lines_ends_the_connection(pair: Pair) -> None:
    """As it does without an offer: what comes behind is not read."""
    pieces = [MANY_LINES[start : start + 50] for start in range(0, len(MANY_LINES), 50)]
    request = chunked(*pieces).replace(
        b"\r\nHost", b"\r\nConnection: upgrade\r\nUpgrade: h2c\r\nHost", 1
    )
    traces = pair.traces()
    with connected(pair.port) as client:
        client.send(request + OFFERED)
        assert client.read().status == 200
        assert client.read_rest() == b""
    assert traces.delivery()["reason"] == "clean"
    assert [seen.body for seen in traces.seen] == [MANY_LINES]
