"""`Expect: 100-continue`: the 100 comes when the head has passed, and never for a refused one."""

from pathlib import Path

import pytest

from support.events import CLEAN
from support.pair import Pair, paired
from support.raw import connected, post
from support.sidecar import FOREIGN

FIELD = b"Expect: 100-continue"


@pytest.mark.parametrize("field", [FIELD, b"expect: 100-Continue"], ids=["plain", "mixed case"])
def test_a_passed_head_is_asked_for_its_body(pair: Pair, field: bytes) -> None:
    """The 100 comes before the body was sent, and the answer after it."""
    traces = pair.traces()
    head = post(CLEAN, b"/cm/events", field).removesuffix(CLEAN)
    with connected(pair.port) as client:
        client.send(head)
        assert client.read().status == 100
        assert traces.untouched
        client.send(CLEAN)
        assert client.read().status == 200
    assert traces.seen[0].values(b"Expect") == []
    assert traces.seen[0].body == CLEAN


@pytest.mark.parametrize(
    ("source", "target", "fields", "status"),
    [
        (FOREIGN, b"/", [], 403),
        ("127.0.0.10", b"*", [], 400),
        ("127.0.0.10", b"/", [b"Content-Type: text/plain"], 415),
        ("127.0.0.10", b"/", [b"Content-Encoding: gzip"], 415),
        ("127.0.0.10", b"/", [b"Upgrade: websocket"], 400),
    ],
    ids=["source", "target", "type", "encoding", "upgrade"],
)
def test_a_refused_head_is_not(
    pair: Pair, source: str, target: bytes, fields: list[bytes], status: int
) -> None:
    """A head that is refused gets its refusal first and no 100 ever."""
    traces = pair.traces()
    with connected(pair.port, source) as client:
        client.send(post(CLEAN, target, FIELD, *fields).removesuffix(CLEAN))
        assert client.read().status == status
        assert client.read_rest() == b""
    assert traces.untouched
    assert len(traces.deliveries(1)) == 1


def test_a_length_over_the_bound_is_refused_before_the_body(pair: Pair) -> None:
    """The sender of 10 GB learns of the 413 without sending any of it."""
    head = post(b"", b"/", FIELD).replace(b"Length: 0", b"Length: 10000000000")
    with connected(pair.port) as client:
        client.send(head)
        assert client.read().status == 413
        assert client.read_rest() == b""


def test_an_http_1_0_sender_is_never_sent_a_100(pair: Pair) -> None:
    """HTTP/1.0 has no interim answers (RFC 9110 15.2): the expectation is ignored."""
    head = post(CLEAN, b"/", FIELD).replace(b"HTTP/1.1", b"HTTP/1.0", 1).removesuffix(CLEAN)
    with connected(pair.port, seconds=0.2) as client:
        client.send(head)
        with pytest.raises(TimeoutError):
            client.read()
        client.socket.settimeout(5)
        client.send(CLEAN)
        assert client.read().status == 200


def test_a_request_in_the_queue_is_asked_when_its_turn_comes(tmp_path: Path) -> None:
    """A pipelined request that waits for its 100 gets it after the answers before it."""
    with (
        paired(tmp_path, **{"sidecar.body_timeout": "2s"}) as pair,
        connected(pair.port) as client,
    ):
        client.send(post(CLEAN) + post(CLEAN, b"/", FIELD).removesuffix(CLEAN))
        assert [client.read().status, client.read().status] == [200, 100]
        client.send(CLEAN)
        assert client.read().status == 200
