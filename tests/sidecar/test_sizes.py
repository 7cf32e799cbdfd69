"""What is too large is refused at the bound, counted while it comes, and never piles up."""

import contextlib
import threading
from collections.abc import Iterator

import pytest

from support.events import CLEAN
from support.pair import Pair, Traces, paired
from support.process import forget_peak, resident
from support.raw import Client, Reply, connected, post
from support.sidecar import ALLOWED, FOREIGN

KIB, MIB = 1 << 10, 1 << 20
BODY, HEAD, FIELDS = 64 * KIB, 4 * KIB, 20

CHUNKED = b"POST / HTTP/1.1\r\nHost: gate\r\nTransfer-Encoding: chunked\r\n"
CHUNKED += b"Content-Type: application/json\r\n\r\n"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with paired(
        tmp_path_factory.mktemp("gate"),
        **{
            "request.max_body": f"{BODY // KIB}KiB",
            "sidecar.max_head": f"{HEAD // KIB}KiB",
            "sidecar.max_fields": str(FIELDS),
            "sidecar.body_timeout": "2s",
            "sidecar.head_timeout": "2s",
        },
    ) as running:
        yield running


def padded(size: int) -> bytes:
    """A clean event of exactly this many bytes."""
    return CLEAN + b" " * (size - len(CLEAN))


def chunks(body: bytes, size: int = 1000) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def assert_refused(traces: Traces, answer: Reply, status: int, reason: str) -> None:
    record = traces.delivery()
    assert (answer.status, record["status"], record["reason"]) == (status, status, reason)
    assert (record["outcome"], record["answered"]) == ("refused", True)
    assert traces.untouched


def pour(client: Client, piece: bytes, total: int) -> Reply:
    """Send the piece over and over, until `total` bytes or until the other side has enough."""

    def send() -> None:
        with contextlib.suppress(OSError):
            for _ in range(total // len(piece)):
                client.send(piece)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        return client.read()
    finally:
        sender.join()


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_body_at_the_bound_passes(pair: Pair, framing: str) -> None:
    """The largest body that is allowed is allowed, by either framing."""
    body = padded(BODY)
    traces = pair.traces()
    with connected(pair.port) as client:
        client.send(post(body) if framing == "length" else CHUNKED + chunks(body))
        assert client.read().status == 200
    assert traces.seen[0].body == body


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_body_of_one_byte_more_is_refused(pair: Pair, framing: str) -> None:
    """One byte over the bound is 413 by either framing."""
    body = padded(BODY + 1)
    traces = pair.traces()
    with connected(pair.port) as client:
        client.send(post(body) if framing == "length" else CHUNKED + chunks(body))
        assert_refused(traces, client.read(), 413, "body_too_large")


@pytest.mark.parametrize("length", [BODY + 1, 10**10, 2**63 - 1])
def test_an_announced_length_over_the_bound_is_refused_at_once(pair: Pair, length: int) -> None:
    """No body byte is waited for."""
    traces = pair.traces()
    with connected(pair.port) as client:
        client.send(post(b"").replace(b"Length: 0", b"Length: %d" % length))
        assert_refused(traces, client.read(), 413, "body_too_large")
        assert client.read_rest() == b""
    assert traces.delivery()["bytes"] == 0


@pytest.mark.parametrize(
    "opening",
    [CHUNKED, post(b"").replace(b"Length: 0", b"Length: 1000000000"), CHUNKED + b"3b9aca00\r\n"],
    ids=["many chunks", "one length", "one chunk"],
)
def test_a_body_without_end_costs_no_memory(pair: Pair, opening: bytes) -> None:
    """64 MB poured in are refused at the bound; the process does not grow with them."""
    traces, pid = pair.traces(), pair.gate.process.pid
    before = forget_peak(pid)
    with connected(pair.port) as client:
        client.send(opening)
        piece = (b"1000\r\n" + b" " * 4096 + b"\r\n") * 16 if opening == CHUNKED else b" " * 65536
        answer = pour(client, piece, 64 * MIB)
    assert_refused(traces, answer, 413, "body_too_large")
    assert resident(pid, peak=True) - before < 8 * MIB


def head_of(total: int, filler: str) -> bytes:
    """A request without body whose head has exactly `total` bytes, most of them in one place."""
    if filler == "before":
        head = head_of(total % 2 + 200, "name")
        return b"\r\n" * ((total - len(head)) // 2) + head
    head = b"POST /%s HTTP/1.1\r\nHost: gate\r\nX%s: %s\r\nContent-Length: 0\r\n"
    head += b"Content-Type: application/json\r\n\r\n"
    missing = b"a" * (total - len(head % (b"", b"", b"")))
    return head % tuple(
        missing if filler == place else b"" for place in ("target", "name", "value")
    )


@pytest.mark.parametrize("cut", [HEAD, 1000, 17], ids=lambda cut: f"by {cut}")
@pytest.mark.parametrize("filler", ["target", "name", "value", "before"])
def test_a_head_at_the_bound_is_judged_on_its_merits(pair: Pair, filler: str, cut: int) -> None:
    """The largest head that is allowed is not called too large, however it is cut."""
    traces, data = pair.traces(), head_of(HEAD, filler)
    with connected(pair.port) as client:
        for at in range(0, len(data), cut):
            client.send(data[at : at + cut])
        assert client.read().status == 400
    assert traces.delivery()["reason"] == "body_empty"


@pytest.mark.parametrize("cut", [HEAD * 2, 1000, 17], ids=lambda cut: f"by {cut}")
@pytest.mark.parametrize("filler", ["target", "name", "value", "before"])
def test_a_head_over_the_bound_is_refused(pair: Pair, filler: str, cut: int) -> None:
    """One byte more is 431 and the end of the connection: its framing was never judged."""
    traces, data = pair.traces(), head_of(HEAD + 1, filler)
    with connected(pair.port, seconds=8) as client:
        for at in range(0, len(data), cut):
            client.send(data[at : at + cut])
        assert_refused(traces, client.read(), 431, "head_too_large")
        assert client.read_rest() == b""


def test_a_head_in_two_packets_is_not_counted_twice(pair: Pair) -> None:
    """A field that arrives in two halves counts once."""
    data = post(CLEAN, b"/", b"X: " + b"a" * (HEAD * 2 // 3))
    with connected(pair.port) as client:
        client.send(data[: HEAD // 2])
        client.socket.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.read()
        client.socket.settimeout(5)
        client.send(data[HEAD // 2 :])
        assert client.read().status == 200


@pytest.mark.parametrize("first", [10, 2 * HEAD], ids=["small first packet", "large first packet"])
@pytest.mark.parametrize("start", [b"POST /", b"POST / HTTP/1.1\r\nX", b"POST / HTTP/1.1\r\nX: "])
def test_a_head_without_end_is_refused_at_the_bound(pair: Pair, start: bytes, first: int) -> None:
    """A line that never ends is answered as soon as it is too long, and costs no memory."""
    traces, pid = pair.traces(), pair.gate.process.pid
    before = forget_peak(pid)
    with connected(pair.port, seconds=8) as client:
        client.send(start + b"a" * first)
        if first < HEAD:
            pour(client, b"a" * 1000, 16 * MIB)
        else:
            client.send(b"a")
        answer = Reply(431, b"", b"") if first < HEAD else client.read()
    assert_refused(traces, answer, 431, "head_too_large")
    assert resident(pid, peak=True) - before < 8 * MIB


@pytest.mark.parametrize("before", [b"", post(CLEAN)], ids=["first", "between"])
@pytest.mark.parametrize("piece", [b"\r\n" * 5000, b"\r\n", b"\n" * 5000, b"\r" * 5000])
@pytest.mark.parametrize("source", [ALLOWED, FOREIGN], ids=["allowed", "foreign"])
def test_line_ends_without_end_are_refused_at_the_bound(
    pair: Pair, source: str, piece: bytes, before: bytes
) -> None:
    """What stands before a request counts in its head: refused, recorded, closed, no memory."""
    traces, pid = pair.traces(), pair.gate.process.pid
    grown = forget_peak(pid)
    with connected(pair.port, source, seconds=8) as client:
        if before:
            client.send(before)
            client.read()
        answer = pour(client, piece, 16 * MIB if len(piece) > 2 else 2 * HEAD)
        assert answer.status == 431
    record = traces.deliveries(2 if before else 1)[-1]
    assert (record["outcome"], record["reason"]) == ("refused", "head_too_large")
    assert resident(pid, peak=True) - grown < 8 * MIB


def test_a_hundred_thousand_fields_are_refused_at_the_bound(pair: Pair) -> None:
    """So are many small ones."""
    traces = pair.traces()
    with connected(pair.port) as client:
        client.send(b"POST / HTTP/1.1\r\n")
        answer = pour(client, b"a:\r\n" * 1000, MIB)
        assert_refused(traces, answer, 431, "head_too_large")


@pytest.mark.parametrize("cut", [100_000, 10], ids=["at once", "in pieces"])
@pytest.mark.parametrize(("fields", "status"), [(FIELDS, 200), (FIELDS + 1, 431)])
def test_fields_are_counted(pair: Pair, fields: int, status: int, cut: int) -> None:
    """As many as allowed pass; one more is 431."""
    more = [b"X-%d: y" % number for number in range(fields - 3)]
    data = post(CLEAN, b"/", *more)
    with connected(pair.port) as client:
        for at in range(0, len(data), cut):
            client.send(data[at : at + cut])
        assert client.read().status == status


@pytest.mark.parametrize(
    ("opening", "piece"),
    [
        (CHUNKED + b"1\r\n{\r\n0\r\n", b"X-Trailer: 1\r\n" * 100),
        (CHUNKED + b"1\r\n{\r\n0\r\nX: ", b"a" * 1000),
        (CHUNKED + b"1;a=", b"b" * 1000),
        (CHUNKED + b"1;a=b", b";c=d" * 250),
        (CHUNKED + b'1;a="', b"b" * 1000),
        (CHUNKED, b"0" * 1000),
    ],
    ids=["trailers", "trailer", "extension", "extensions", "quoted extension", "zeros of a size"],
)
def test_what_surrounds_chunks_has_a_bound_too(pair: Pair, opening: bytes, piece: bytes) -> None:
    """Trailers and chunk extensions without end are refused, and cost no memory."""
    traces, pid = pair.traces(), pair.gate.process.pid
    before = forget_peak(pid)
    with connected(pair.port, seconds=8) as client:
        client.send(opening)
        answer = pour(client, piece, 16 * MIB)
    assert answer.status in (431, 400)
    record = traces.delivery()
    assert record["reason"] in ("head_too_large", "malformed_http")
    assert traces.untouched
    assert resident(pid, peak=True) - before < 8 * MIB


def test_a_long_extension_of_every_chunk_ends(pair: Pair) -> None:
    """Extensions just short of the bound, one per byte of body, end at the body's time-out."""
    traces = pair.traces()
    with connected(pair.port) as client:
        client.send(CHUNKED)
        answer = pour(client, (b"1;a=" + b"b" * 3000 + b"\r\n \r\n") * 20, 256 * MIB)
    assert answer.status in (408, 413, 431)
    assert traces.delivery()["outcome"] == "refused"
    assert traces.untouched
