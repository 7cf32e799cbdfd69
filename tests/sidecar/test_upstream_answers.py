"""What the upstream answers decides: a 2xx head is 200 and no more, anything else is relayed."""

import socket

import pytest

from support.faulty import AT_ONCE, Faulty, answer_head
from support.scripted import answering, endless, slowly

KIB = 1 << 10
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

DELIVERED = {
    "200": answering(OK, stay=True),
    "200 in single bytes": slowly(OK, 0),
    "200 without a reason": answering(b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", stay=True),
    "201": answering(answer_head(b"201 Created", b"Location: /x", b"Content-Length: 0"), stay=True),
    "202 with a body": answering(
        answer_head(b"202 Accepted", b"Content-Length: 4") + b"body", stay=True
    ),
    "204": answering(answer_head(b"204 No Content"), stay=True),
    "299": answering(answer_head(b"299 Odd", b"Content-Length: 0"), stay=True),
    "100 before": answering(answer_head(b"100 Continue") + OK, stay=True),
    "100 and 103 before": answering(
        answer_head(b"100 Continue"), answer_head(b"103 Early Hints", b"Link: a"), OK, stay=True
    ),
}  # fmt: skip


def answer_unread(connection: socket.socket) -> bool:
    """The answer and the end of the connection in one segment: no time is between the two."""
    connection.send(OK, socket.MSG_MORE)
    connection.shutdown(socket.SHUT_WR)
    return False


BROKEN_BEHIND = {
    "a length where no body can be": answering(
        answer_head(b"204 No Content", b"Content-Length: 5"), stay=True
    ),
    "200 by HTTP/1.0": answering(b"HTTP/1.0 200 OK\r\n\r\nhello"),
    "body without end": endless(answer_head(b"200 OK"), piece=bytes(KIB)),
    "body over the bound": answering(
        answer_head(b"200 OK", b"Content-Length: 100000") + bytes(100_000), stay=True
    ),
    "body shorter than announced": answering(answer_head(b"200 OK", b"Content-Length: 9") + b"x"),
    "body reset": answering(answer_head(b"200 OK", b"Content-Length: 9"), reset_after=True),
    "body that stops": answering(answer_head(b"200 OK", b"Content-Length: 9") + b"x", stay=True),
    "broken chunk": answering(answer_head(b"200 OK", b"Transfer-Encoding: chunked") + b"zz\r\n"),
    "more than was announced": answering(OK + b"garbage", stay=True),
    "a second answer": answering(OK + answer_head(b"500 No"), stay=True),
    "before the request was read": answer_unread,
}  # fmt: skip


@pytest.mark.parametrize("answer", DELIVERED, ids=lambda name: name)
def test_a_2xx_head_is_delivered_and_its_connection_reused(
    faulty_pair: Faulty, answer: str
) -> None:
    """The sender gets exactly 200 with no body; a clean exchange leaves its connection."""
    exchanged = faulty_pair.exchange(DELIVERED[answer], 200, "clean")
    assert exchanged.seconds < AT_ONCE
    assert exchanged.answer.body == b""
    expected = int(answer[:3]) if answer.startswith("2") else 200
    assert faulty_pair.gate.records()[-1]["upstream_status"] == expected
    faulty_pair.assert_recovers(reused=True)


@pytest.mark.parametrize("fault", BROKEN_BEHIND, ids=lambda name: name)
def test_a_2xx_head_is_delivered_whatever_follows(faulty_pair: Faulty, fault: str) -> None:
    """What comes behind the head changes nothing but that the connection is not reused."""
    exchanged = faulty_pair.exchange(BROKEN_BEHIND[fault], 200, "clean")
    assert exchanged.seconds < AT_ONCE
    assert exchanged.answer.body == b""
    faulty_pair.assert_recovers(reused=False)


RELAYED = [
    (b"300 Multiple Choices", [b"Location: /x"]),
    (b"400 Bad Request", [b"Content-Type: application/json"]),
    (b"404 Not Found", [b"Content-Type: text/html; charset=utf-8", b"X-a: 1", b"x-A: 2"]),
    (b"410 Gone", [b"Set-Cookie: a=b", b"Set-Cookie: c=d"]),
    (b"429 Too Many Requests", [b"Retry-After: 120"]),
    (b"500 Internal Server Error", []),
    (b"503 Service Unavailable", [b"Retry-After: 7", b"Content-Type: text/plain"]),
    (b"599 Odd", []),
    (b"999 Odder", []),
]


@pytest.mark.parametrize(("status", "fields"), RELAYED, ids=lambda value: str(value)[2:5])
def test_any_other_status_is_relayed_with_its_body_and_fields(
    faulty_pair: Faulty, status: bytes, fields: list[bytes]
) -> None:
    """The sender sees what the upstream said, minus what belongs to that connection."""
    hop = [
        b"Connection: X-Hop, keep-alive",
        b"X-Hop: 1",
        b"Keep-Alive: timeout=5",
        b"Proxy-Authenticate: Basic",
        b"Trailer: X-T",
        b"Upgrade: h2c",
    ]
    act = answering(answer_head(status, *hop, *fields, b"Content-Length: 4") + b"body")
    code = int(status[:3])
    answer = faulty_pair.exchange(act, code, "upstream_rejected").answer
    assert answer.body == b"body"
    lines = answer.head.split(b"\r\n")[1:]
    assert [line for line in lines if not line.startswith((b"Date:", b"Content-Length:"))] == fields
    delivery = faulty_pair.gate.records()[-1]
    assert (delivery["outcome"], delivery["upstream_status"]) == ("failed", code)


def test_a_304_is_relayed_without_a_length(faulty_pair: Faulty) -> None:
    """It would be that of another answer's body (RFC 9110 8.6)."""
    act = answering(answer_head(b"304 Not Modified", b"Content-Length: 9", b"ETag: x"))
    answer = faulty_pair.exchange(act, 304, "upstream_rejected").answer
    assert (answer.values(b"etag"), answer.values(b"content-length")) == ([b"x"], [])


@pytest.mark.parametrize(
    "data",
    [
        answer_head(b"500 No", b"Transfer-Encoding: chunked")
        + b"3;a=b\r\nbod\r\n1\r\ny\r\n0\r\nT: 1\r\n\r\n",
        answer_head(b"500 No") + b"body",
        b"HTTP/1.0 500 No\r\n\r\nbody",
        answer_head(b"500 No", b"Content-Length: 4") + b"body",
    ],
    ids=["chunks", "ended by closing", "HTTP/1.0", "length"],
)
def test_a_relayed_body_may_be_framed_in_any_way(faulty_pair: Faulty, data: bytes) -> None:
    """The sender always gets it with a length."""
    exchanged = faulty_pair.exchange(answering(data), 500, "upstream_rejected")
    assert exchanged.answer.body == b"body"


def test_the_largest_answer_is_relayed_whole(faulty_pair: Faulty) -> None:
    """Up to `upstream.max_response` a body is relayed byte for byte."""
    sent = bytes(range(256)) * 256
    act = answering(answer_head(b"500 No", b"Content-Length: %d" % len(sent)), sent)
    exchanged = faulty_pair.exchange(act, 500, "upstream_rejected")
    assert exchanged.answer.body == sent
