"""Playing a case of the corpus against a running front, and holding the front to it."""

import json
import time
from collections import deque
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from hookgate.policy import Outcome, Reason
from hookgate.quarantine.item import read_item
from hookgate.upstream.error import BY_WORD

from .corpus import BODY_JUDGED, Case, Expected
from .crafting import text
from .kept import IDENTITIES
from .ledger import Growing, Record
from .raw import Client, Reply, connected, wait_until
from .receiver import Receiver, Seen
from .sidecar import ALLOWED

# How long a front that does not answer is given to do so all the same.
_SILENCE_SECONDS = 0.6
# Below the 50 refusals of strangers a second beyond which the ledger only counts.
_STRANGERS_A_SECOND = 40

_ENDS_CONNECTION = frozenset(
    (
        Reason.MALFORMED_HTTP,
        Reason.EXPECTATION_FAILED,
        Reason.HEAD_TIMEOUT,
        Reason.BODY_TIMEOUT,
    )
)
# Reasons of requests whose head may not have been understood.
_UNREAD = _ENDS_CONNECTION | {Reason.HEAD_TOO_LARGE, Reason.CLIENT_GONE}
# The members of nginx's records: it counts no arrivals and knows nothing of bodies.
NGINX_MEMBERS = frozenset(
    (
        "event", "ts", "front", "request_id", "outcome", "reason", "status", "answered", "client",
        "peer", "method", "path", "route", "content_type", "bytes", "upstream_status",
        "duration_ms", "upstream_ms", "policy", "observed",
    )
)  # fmt: skip
# Those of which a cause is recorded.
_UNANSWERED = (Reason.UPSTREAM_UNREACHABLE, Reason.UPSTREAM_INVALID, Reason.UPSTREAM_TIMEOUT)
_OURS = frozenset(
    (
        b"content-length",
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-host",
        b"x-request-id",
    )
)


@dataclass
class Exchange:
    """What came of a case: the answers, whether the connection ended, and what was left behind.

    `seq` is the number that the request's record must have.
    """

    front: str
    seq: int
    interim: list[int]
    reply: Reply | None
    closed: bool
    seen: list[Seen]
    records: list[Record]


class Running:
    """A front listening on `port`, its ledger, and the upstream behind it; None if none listens."""

    def __init__(self, front: str, port: int, ledger: Path, upstream: Receiver | None) -> None:
        self.front = front
        self.port = port
        self.ledger = ledger
        self.upstream = upstream
        self.played = 0
        self._growing = Growing(ledger)
        self._unread: list[bytes] = []
        self._seen_read = 0
        self._last_seq = 0
        self._strangers: deque[float] = deque(maxlen=_STRANGERS_A_SECOND)

    def play(self, case: Case, expected: Expected, *, by_bytes: bool = False) -> Exchange:
        """Send the case's request on a connection of its own and gather what it caused."""
        if case.tells_nothing(expected.reason):
            self._pace()
        assert self.take_new() == ([], []), "something came late, from a case before"
        self.played += 1
        seq = self._last_seq + 1
        if self.upstream:
            self.upstream.respond = lambda _: case.upstream
        try:
            interim, reply, closed = _converse(self.port, case, expected, by_bytes)
        except (OSError, EOFError):
            self._wait_for_delivery()
            self.take_new()  # so that only this case fails
            raise
        self._wait_for_delivery()
        if self.upstream and expected.forwarded:
            self.upstream.wait_for(self._seen_read + 1)
        records, seen = self.take_new()
        return Exchange(self.front, seq, interim, reply, closed, seen, records)

    def take_new(self) -> tuple[list[Record], list[Seen]]:
        """What was recorded and what the upstream has seen since this was asked last."""
        self._read()
        lines, self._unread = self._unread, []
        seen = self.upstream.seen[self._seen_read :] if self.upstream else []
        self._seen_read += len(seen)
        records: list[Record] = [json.loads(line) for line in lines]
        self._last_seq = max([self._last_seq, *(r["seq"] for r in records if "seq" in r)])
        return records, seen

    def _wait_for_delivery(self) -> None:
        def is_there() -> bool:
            self._read()
            return any(b'"event":"delivery"' in line for line in self._unread)

        wait_until(is_there)

    def _read(self) -> None:
        new = self._growing.new()
        assert all(map(bytes.isascii, new))
        self._unread += new

    def _pace(self) -> None:
        if len(self._strangers) == _STRANGERS_A_SECOND:
            time.sleep(max(0.0, self._strangers[0] + 1.1 - time.monotonic()))
        self._strangers.append(time.monotonic())


def _converse(
    port: int, case: Case, expected: Expected, by_bytes: bool
) -> tuple[list[int], Reply | None, bool]:
    interim: list[int] = []
    data = case.request.data
    # Who expects a 100 waits for it before the body.
    at_once = data.index(b"\r\n\r\n") + 4 if expected.interim else len(data)
    with connected(port, case.source) as client:
        if expected.unanswered:
            return interim, _read_nothing(client, data), False
        if by_bytes:
            client.send_by_bytes(data[:at_once])
        else:
            client.send(data[:at_once])
        if case.leave:
            return interim, None, False
        to_head = case.request.method == b"HEAD"
        reply = client.read(to_head)
        while reply.status < 200:
            interim.append(reply.status)
            client.send(data[at_once:])
            at_once = len(data)
            reply = client.read(to_head)
        return interim, reply, expected.reason in _ENDS_CONNECTION and client.is_closed()


def _read_nothing(client: Client, data: bytes) -> Reply | None:
    """What comes where nothing should, before the sender gives up."""
    client.socket.settimeout(_SILENCE_SECONDS)
    try:
        client.send(data)
        while (reply := client.read()).status < 200:
            pass
        return reply
    except (EOFError, TimeoutError, ConnectionError):
        return None


def check_answer(case: Case, expected: Expected, exchange: Exchange) -> None:
    """The status, what the body may tell, and whether the connection ended."""
    reply = exchange.reply
    if expected.unanswered:
        assert reply is None
    if reply is None:
        assert expected.unanswered or expected.status is None
        return
    clean = expected.reason is Reason.CLEAN
    relayed = exchange.front == "nginx" and clean and not case.setup.relays
    status = _upstream_status(case) if relayed else expected.status
    assert reply.status == (expected.own_answer or status)
    assert exchange.interim == list(expected.interim)
    if expected.reason in _ENDS_CONNECTION:
        assert exchange.closed, "the connection stays open"
    if expected.own_answer is not None:
        assert reply.values(b"content-type") != [b"application/problem+json"]
        return
    if relayed:
        return
    for line in expected.answer.get("has", ()):
        name, _, value = line.encode("latin-1").partition(b": ")
        assert value in reply.values(name)
    for name in expected.answer.get("lacks", ()):
        assert reply.values(name.encode()) == []
    if expected.reason is Reason.UPSTREAM_REJECTED or "body" in expected.answer:
        assert reply.body == text(expected.answer["body"]).encode("latin-1")
    elif status == Reason.CLEAN.status or case.tells_nothing(expected.reason):
        assert reply.body == b""
        assert reply.values(b"content-type") == []
    elif case.request.method != b"HEAD":
        (record,) = [r for r in exchange.records if r["event"] == "delivery"]
        assert reply.values(b"content-type") == [b"application/problem+json"]
        problem = json.loads(reply.body)
        assert problem["status"] == expected.status
        assert problem["reason"] == expected.reason.code
        assert problem["request_id"] == record["request_id"]
        if expected.reason is not Reason.CLEAN:
            assert problem.get("errors") == record.get("errors")


def check_upstream(case: Case, expected: Expected, exchange: Exchange) -> None:
    """Exactly the request, once, where it is forwarded; nothing at all where it is not."""
    if not expected.forwarded:
        assert exchange.seen == []
        return
    (seen,) = exchange.seen
    check_forwarded(case, expected, seen, in_order=exchange.front != "nginx")
    (record,) = [r for r in exchange.records if r["event"] == "delivery"]
    assert seen.values(b"x-request-id") == [record["request_id"].encode()]


def check_forwarded(case: Case, expected: Expected, seen: Seen, *, in_order: bool = True) -> None:
    """Method, target and body verbatim, a length of its own, and the forwarding fields.

    A front that does not keep fields `in_order` may spell the names its own way as well, and say
    nothing of a body that is not there.
    """
    assert seen.request_line == b"%s %s HTTP/1.1" % (case.request.method, case.request.target)
    assert seen.digest == sha256(case.request.body).hexdigest()
    if case.request.body or in_order:
        assert seen.values(b"content-length") == [b"%d" % len(case.request.body)]
    assert seen.values(b"transfer-encoding") == []
    client = expected.record.get("client", case.source)
    chain = client if client == case.source else f"{client}, {case.source}"
    assert seen.values(b"x-forwarded-for") == [expected.seen.get("forwarded_for", chain).encode()]
    assert len(seen.values(b"x-forwarded-proto")) == 1
    assert len(seen.values(b"x-forwarded-host")) == 1
    assert len(seen.values(b"x-request-id")) == 1
    lines = [_line(pair, in_order) for pair in seen.fields]
    for line in expected.seen.get("has", ()):
        assert _line(line, in_order) in lines
    for name in expected.seen.get("lacks", ()):
        assert seen.values(name.encode()) == []
    if "fields" in expected.seen:
        theirs = [_line(pair, in_order) for pair in seen.fields if pair[0].lower() not in _OURS]
        wanted = [_line(line, in_order) for line in expected.seen["fields"]]
        assert theirs == wanted if in_order else sorted(theirs) == sorted(wanted)


def _line(field: str | tuple[bytes, bytes], as_spelt: bool) -> bytes:
    name, value = field if isinstance(field, tuple) else _split(field)
    return (name if as_spelt else name.lower()) + b": " + value


def _split(line: str) -> tuple[bytes, bytes]:
    name, _, value = line.encode("latin-1").partition(b": ")
    return name, value


def _upstream_status(case: Case) -> int:
    final = [line for line in (case.upstream or b"").split(b"\r\n") if line.startswith(b"HTTP/")]
    return int(final[-1].split(b" ")[1])


def check_records(case: Case, expected: Expected, exchange: Exchange) -> None:
    """One delivery, and before it one forward where it was forwarded; each member as it must be."""
    kinds = [record["event"] for record in exchange.records]
    announces = exchange.front != "nginx"
    sent = expected.forwarded or expected.reason is Reason.UPSTREAM_UNREACHABLE
    assert kinds == (["forward", "delivery"] if sent and announces else ["delivery"])
    record = exchange.records[-1]
    wanted: dict[str, Any] = {
        "seq": exchange.seq,
        "front": exchange.front,
        "outcome": expected.outcome,
        "reason": expected.reason.code,
        "status": expected.status,
        "answered": not case.leave and not expected.unanswered,
        "peer": case.source,
        "observed": [],
        "unknown": 0,
    }
    if sent or expected.reason in BODY_JUDGED:
        wanted |= {"bytes": len(case.request.body), "sha256": sha256(case.request.body).hexdigest()}
    if expected.reason not in _UNREAD:
        path = case.request.target.partition(b"?")[0][:256].decode("ascii", "backslashreplace")
        wanted |= {"method": case.request.method.decode(), "path": path[:256]}
        if case.source == ALLOWED:
            wanted["client"] = ALLOWED
    if expected.reason in (Reason.CLEAN, Reason.UPSTREAM_REJECTED) and case.upstream is not None:
        wanted["upstream_status"] = _upstream_status(case)
    elif expected.outcome is not Outcome.DELIVERED:
        wanted["upstream_status"] = None
    if announces:
        words = (
            BY_WORD if expected.reason in _UNANSWERED else (expected.record.get("upstream_error"),)
        )
        assert record.get("upstream_error") in words
    if expected.errors is not None:
        wanted["errors"] = list(expected.errors)
    wanted |= expected.record
    if exchange.front == "nginx":
        assert record.keys() == NGINX_MEMBERS
        wanted = _as_nginx_records(wanted)
    for name in ("unusual", "signature", "names", "custody", "not_kept", "near"):
        assert (name in record) == (name in wanted)
    assert {key: record[key] for key in wanted if record[key] != wanted[key]} == {}, wanted
    if sent and announces:
        forward = exchange.records[0]
        for key in ("seq", "request_id", "reference", "sha256"):
            assert forward[key] == record[key]


def check_kept(case: Case, exchange: Exchange, folder: Path) -> None:
    """The record names the file that holds the request, where it is kept; else it names none."""
    record = exchange.records[-1]
    if not case.kept or exchange.front == "nginx":
        assert "kept" not in record
        return
    (file,) = (folder / "quarantine").rglob(f"{record['sha256']}-*.age")
    data = file.read_bytes()
    assert record["kept"] == sha256(data).hexdigest()
    item = read_item(IDENTITIES.decrypt(data))
    assert (item.head.method, item.head.target) == (case.request.method, case.request.target)
    assert item.body == case.request.body
    file.unlink()  # so that another case may be of the same bytes


def _as_nginx_records(wanted: dict[str, Any]) -> dict[str, Any]:
    """What is left of a record without the body and its findings; a 2xx is relayed as it is."""
    unread = {reason.code for reason in BODY_JUDGED}
    left = {key: value for key, value in wanted.items() if key in NGINX_MEMBERS}
    left["observed"] = [code for code in wanted["observed"] if code not in unread]
    if wanted["reason"] == Reason.CLEAN.code:
        left["status"] = wanted["upstream_status"]
    return left
