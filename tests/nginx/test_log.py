"""The log is a ledger: a line of ASCII JSON for each request, whatever was sent."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookgate.ledger.audit.stats import summarise
from hookgate.ledger.reading.reader import find_files, in_order, read
from support.conformance import NGINX_MEMBERS
from support.events import CLEAN
from support.examples import many
from support.ledger import Growing
from support.nginx import Nginx, nginx
from support.raw import ask, connected, post, wait_until
from support.receiver import Receiver, receiving
from support.sidecar import ALLOWED, FOREIGN, PROXY

_RAW = st.binary(max_size=80)
_NO_ENDS = _RAW.map(lambda data: data.replace(b"\r", b"").replace(b"\n", b""))
_WORD = _NO_ENDS.map(lambda data: data.replace(b" ", b""))
_NASTY = st.sampled_from(
    [b'"', b"\\", b'","x":"', b"\\u0000", b"\x80", b"\xff", b"\x1b[31m", b"\xe2\x80\xa8", b"%00",
     b"$hookgate_reason", b"${x}", b"\t", b"\x7f", b"?", b"#", b"/" * 300, b"a" * 300]
)  # fmt: skip
_TEXT = st.lists(st.one_of(_WORD, _NASTY), max_size=4).map(b"".join)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory, upstream: Receiver) -> Iterator[Nginx]:
    keys = {"checks.media_type": "observe", "checks.method": "observe"}
    with nginx(upstream.url, tmp_path_factory.mktemp("log"), **keys) as running:
        yield running


def told(front: Nginx, data: bytes, source: str = ALLOWED) -> None:
    """Send it, leave, and see that exactly one more line is there, and what it may hold."""
    ledger = Growing(front.audit)
    with connected(front.port, source) as client:
        client.socket.settimeout(0.3)
        try:
            client.send(data)
            client.read()
        except (TimeoutError, ConnectionError, EOFError, ValueError, IndexError):
            pass

    lines = ledger.wait()
    assert lines
    for line in lines:
        assert line.isascii()
        assert all(0x20 <= byte < 0x7F for byte in line)
        record = json.loads(line)
        assert record.keys() == NGINX_MEMBERS
        assert all(len(text) <= 256 for text in record.values() if isinstance(text, str))
        assert "secret" not in line.decode()


_HYPOTHESIS = settings(
    max_examples=many(100),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@_HYPOTHESIS
@given(_TEXT, st.sampled_from([ALLOWED, FOREIGN, PROXY]))
def test_any_target_is_a_line(front: Nginx, target: bytes, source: str) -> None:
    """Quotes, backslashes, control characters and bytes above 0x7F among them."""
    told(front, post(CLEAN, b"/" + target + b"?secret"), source)


@_HYPOTHESIS
@given(_TEXT, st.sampled_from([b"Content-Type", b"Host", b"X-Forwarded-For", b"X-Request-Id",
                               b"Content-Encoding", b"Expect", b"Upgrade", b"Content-Length"]),
       st.sampled_from([ALLOWED, FOREIGN, PROXY]))  # fmt: skip
def test_any_field_is_a_line(front: Nginx, value: bytes, name: bytes, source: str) -> None:
    """The fields that records are made of, with any value."""
    lines = {b"Host": b"h", b"Content-Type": b"application/json", name: value}
    head = b"".join(b"%s: %s\r\n" % pair for pair in lines.items())
    told(front, b"POST /cm/events HTTP/1.1\r\n" + head + b"\r\n", source)


@_HYPOTHESIS
@given(st.one_of(_RAW, _TEXT).filter(bool))
def test_any_bytes_are_at_least_a_line(front: Nginx, data: bytes) -> None:
    """Nonsense in place of a request; an empty line more, so that nginx has something to judge."""
    told(front, b"x" + data + b"\r\n\r\n")


@_HYPOTHESIS
@given(_TEXT)
def test_any_method_is_a_line(front: Nginx, method: bytes) -> None:
    """Recorded as far as it is one."""
    told(front, b"P" + method + b" / HTTP/1.1\r\nHost: h\r\n\r\n")


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"220 mail\r\n", b"HTTP/1.1 999 X\r\n\r\n", b"HTTP/1.1 099 X\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b'HTTP/1.1 200 "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", b"\xff" * 9000,
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Accel-Redirect: /secret\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Accel-Redirect: //hookgate\r\n\r\n",
    ],
    ids=lambda answer: answer[:24].decode("latin-1") + str(len(answer)),
)  # fmt: skip
def test_any_answer_of_the_upstream_is_a_line(
    front: Nginx, upstream: Receiver, answer: bytes
) -> None:
    """Statuses without three digits among them; what is no answer is not delivered."""
    upstream.respond = lambda _: answer + Receiver.CLOSE  # none may leave nginx a connection
    told(front, post(CLEAN))
    record = front.records()[-1]
    delivered = answer.startswith(b"HTTP/") and b" 200 " in answer
    assert (record["outcome"] == "delivered") is delivered, record


@pytest.mark.parametrize("to", ["/secret", "//hookgate", "@inner"])
def test_the_endpoint_cannot_steer_nginx(front: Nginx, upstream: Receiver, to: str) -> None:
    """X-Accel-Redirect is a field like any other: the event goes to the endpoint once."""
    upstream.respond = lambda _: (
        f"HTTP/1.1 200 OK\r\nX-Accel-Redirect: {to}\r\nContent-Length: 2\r\n\r\nok".encode()
    )
    seen, count = len(upstream.seen), len(front.records())
    reply = ask(front.port, post(CLEAN))
    assert (reply.status, reply.body) == (200, b"ok")
    assert front.wait_for_deliveries(count + 1)[-1]["reason"] == "clean"
    assert len(upstream.seen) == seen + 1


@pytest.mark.parametrize("source", [ALLOWED, FOREIGN])
@pytest.mark.parametrize("path", [b"/x.html", b"/x.gif", b"/x"])
def test_a_path_gives_an_answer_no_media_type(front: Nginx, path: bytes, source: str) -> None:
    """nginx would tell one by the ending; there is one type, or none at all."""
    data = post(CLEAN, path, b"Content-Encoding: gzip")
    types = ask(front.port, data, source).values(b"content-type")
    assert types == ([b"application/problem+json"] if source == ALLOWED else [])


def test_after_rotation_the_ledger_is_found_whole(tmp_path: Path, upstream: Receiver) -> None:
    """The file is renamed, nginx told by SIGUSR1, and both parts are found in order."""
    upstream.respond = lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    with nginx(upstream.url, tmp_path) as running:
        assert ask(running.port, post(CLEAN, b"/before")).status == 200
        running.wait_for_deliveries(1)
        rotated = tmp_path / f"{running.audit.name}.1"
        running.audit.rename(rotated)
        running.signal(signal.SIGUSR1)
        assert wait_until(running.audit.exists)
        assert ask(running.port, post(CLEAN, b"/after")).status == 200
        running.wait_for_deliveries(1)
        paths = in_order(find_files(running.audit))
    text = [json.loads(line)["path"] for p in paths for line in p.read_bytes().splitlines()]
    assert text == ["/before", "/after"]


def test_a_204_is_relayed_delivered_and_counted_as_answered_other_than_200(
    front: Nginx, upstream: Receiver
) -> None:
    """nginx cannot make a 200 of it, and its include says so to whoever deploys it."""
    before, respond = len(front.records()), upstream.respond
    upstream.respond = lambda _: b"HTTP/1.1 204 No Content\r\n\r\n"
    try:
        assert ask(front.port, post(CLEAN)).status == 204
    finally:
        upstream.respond = respond
    record = front.wait_for_deliveries(before + 1)[-1]
    assert (record["outcome"], record["status"], record["upstream_status"]) == (
        "delivered", 204, 204,
    )  # fmt: skip
    assert summarise(read([front.audit])).not_200 == 1
    include = (front.folder / "hookgate-location.conf").read_text().replace("\n# ", " ")
    assert "an event that is answered 204 is sent again as a refused one is" in include
