"""Which fields reach the upstream: those that are the sender's to set, unchanged, and ours."""

from pathlib import Path

import pytest

from support.events import CLEAN
from support.pair import Pair, paired
from support.raw import ask, connected, post
from support.sidecar import ALLOWED, PROXY


def fields_upstream(pair: Pair, *extra: bytes, source: str = ALLOWED) -> list[tuple[bytes, bytes]]:
    """The fields that the upstream sees of a clean event with these extra field lines."""
    traces = pair.traces()
    assert ask(pair.port, post(CLEAN, b"/", *extra), source).status == 200
    return traces.seen[0].fields


OURS = [
    (b"X-Forwarded-For", ALLOWED.encode()),
    (b"X-Forwarded-Proto", b"http"),
    (b"X-Forwarded-Host", b"gate"),
    (b"Content-Length", b"%d" % len(CLEAN)),
]
SENT = [(b"Host", b"gate"), (b"Content-Type", b"application/json")]


def assert_travels(fields: list[tuple[bytes, bytes]], *travelled: tuple[bytes, bytes]) -> None:
    """Exactly the sent fields and those that travelled, then ours with a request id."""
    assert fields[:-1] == [*SENT, *travelled, *OURS]
    assert fields[-1][0] == b"X-Request-Id"


def test_fields_keep_their_order_names_and_values(pair: Pair) -> None:
    """Case, repetition, empty values and bytes beyond ASCII travel as they came."""
    travelled = [
        (b"X-b", b"2"),
        (b"x-A", b"1"),
        (b"X-Empty", b""),
        (b"x-A", b"3, \xe9\xff"),
        (b"Authorization", b"Bearer a=b, c"),
        (b"User-Agent", b"a  b\tc"),
    ]
    assert_travels(fields_upstream(pair, *(n + b": " + v for n, v in travelled)), *travelled)


@pytest.mark.parametrize(
    "line",
    [
        b"X-Forwarded-For: 31.169.56.1",
        b"x-forwarded-for: 31.169.56.1, 10.0.0.1",
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Host: evil",
        b"X-Forwarded-Port: 1",
        b"X-Forwarded-Anything: 1",
        b"X-FORWARDED-: 1",
        b"Forwarded: for=31.169.56.1",
        b"X-Real-IP: 31.169.56.1",
        b"X-Request-Id: mine",
        b"X_Forwarded_For: 31.169.56.1",
        b"X-Forwarded_For: 31.169.56.1",
        b"Content_Length: 1",
        b"_: 1",
        b"Keep-Alive: timeout=5",
        b"Proxy-Connection: keep-alive",
        b"Proxy-Authorization: Basic eA==",
        b"TE: trailers",
        b"Trailer: X-T",
        b"HTTP2-Settings: AAM",
        b"Connection: keep-alive",
        b"Connection: X-Forwarded-For",
        b"Connection: x-request-id, X-Forwarded-Proto, content-length",
        b"Connection: Host",
        b"Connection: Content-Type, content-encoding, host",
        b"Connection: ,, ,",
        b"Connection: \xff",
        b"Expect: 100-continue",
    ],
    ids=lambda line: line.decode("latin-1"),
)
def test_a_field_that_is_not_the_senders_to_set_does_not_travel(pair: Pair, line: bytes) -> None:
    """Hop-by-hop fields, forwarding fields and names with `_` vanish and change nothing else."""
    traces = pair.traces()
    with connected(pair.port) as client:
        client.send(post(CLEAN, b"/", line))
        answer = client.read()
        assert (answer if answer.status != 100 else client.read()).status == 200
    assert_travels(traces.seen[0].fields)


@pytest.mark.parametrize("option", [b"X-Hop", b"close, x-hop", b"x-hop ,\tx-other", b'"q", X-HOP'])
def test_a_field_named_in_connection_stays_here(pair: Pair, option: bytes) -> None:
    """Whatever `Connection` names is meant for this hop only."""
    fields = fields_upstream(pair, b"Connection: " + option, b"x-Hop: 1", b"X-Keep: 1", b"X-HOP: 2")
    assert_travels(fields, (b"X-Keep", b"1"))


def test_options_of_several_connection_lines_are_joined(pair: Pair) -> None:
    """Each line of `Connection` counts."""
    fields = fields_upstream(pair, b"Connection: x-a", b"X-A: 1", b"connection: x-b", b"X-B: 1")
    assert_travels(fields)


def test_a_trusted_proxy_is_believed_and_named_itself(pair: Pair) -> None:
    """The verified part of its chain goes on, and only that, then the proxy's own address."""
    extra = b"X-Forwarded-For: 8.8.8.8, " + ALLOWED.encode()
    fields = dict(fields_upstream(pair, extra, b"X-Forwarded-Proto: https", source=PROXY))
    assert fields[b"X-Forwarded-For"] == f"{ALLOWED}, {PROXY}".encode()
    assert fields[b"X-Forwarded-Proto"] == b"https"


@pytest.mark.parametrize(
    ("setting", "expected"), [("upstream", b"127.0.0.1:%d"), ("other.example:81", None)]
)
def test_the_host_can_be_replaced(tmp_path: Path, setting: str, expected: bytes | None) -> None:
    """`upstream.host` decides the Host that is sent; X-Forwarded-Host keeps the sender's."""
    with paired(tmp_path, **{"upstream.host": setting}) as pair:
        fields = dict(fields_upstream(pair))
        wanted = expected % pair.upstream.port if expected else setting.encode()
        assert fields[b"Host"] == wanted
        assert fields[b"X-Forwarded-Host"] == b"gate"
