"""One number, sent in every way there is: it appears in no line, no message and no answer."""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from support.events import RCS, event
from support.raw import Reply, connected, post
from support.receiver import OK, Receiver, Seen, receiving
from support.sidecar import ALLOWED, FOREIGN, PROXY, Sidecar, sidecar

CANARY = "31655501234"
NUMBER = f"00{CANARY}"
RAW = CANARY.encode()
PARTY = {"number": NUMBER}


def document(text: str) -> bytes:
    """A request with this body, in which ~ stands for the number."""
    return post(text.replace("~", NUMBER).encode())


def raw(text: bytes) -> bytes:
    """A request in which ~ stands for the number."""
    return text.replace(b"~", RAW).replace(b"\n", b"\r\n")


CLEAN_BODY = event(**{"from": PARTY})
IN_KEYS = {**RCS, NUMBER: {NUMBER: [NUMBER]}}
HEAD = b"POST /cm/events HTTP/1.1\nHost: gate\nContent-Type: application/json\n"

# Everything but what the record holds as it came: path, method, reference, event reference.
PAYLOADS: dict[str, bytes] = {
    "from": post(CLEAN_BODY),
    "to": post(event(to=PARTY)),
    "a number as from": post(event(**{"from": NUMBER})),
    "a JSON number": post(event(**{"from": {"number": int(CANARY)}})),
    "a list of numbers": post(event(**{"from": {"number": [NUMBER]}})),
    "messageContext": post(event(messageContext=NUMBER)),
    "custom": post(event(event={"type": "x", "custom": {"postbackdata": NUMBER}})),
    "groupings": post(event(groupings=[NUMBER])),
    "channel": post(event(channel=NUMBER)),
    "event type": post(event(event={"type": NUMBER})),
    "keys": document(json.dumps(IN_KEYS)),
    "keys beside a fault": document(json.dumps({**IN_KEYS, "channel": 1})),
    "a key below a known member": post(event(event={"type": "x", "custom": [{NUMBER: 1}]})),
    "a key in place of number": post(event(**{"from": {NUMBER: NUMBER}})),
    "duplicate key": document('{"~":1,"~":2}'),
    "duplicate key below": document('{"from":{"number":"~","number":"~"}}'),
    "duplicate key, escaped": document(f'{{"\\u00300{CANARY}":1,"~":2}}'),
    "wrong timeUtc": post(event(timeUtc=NUMBER)),
    "wrong time of digits": post(event(timeUtc=f"{CANARY}-01-01T00:00:00")),
    "wrong groupings": post(event(groupings={NUMBER: NUMBER})),
    "wrong custom": post(event(event={"type": "x", "custom": NUMBER})),
    "wrong channel": post(event(channel=[NUMBER])),
    "not an object": document('["~"]'),
    "a string alone": document('"~"'),
    "a number alone": document(CANARY),
    "cut-off JSON": post(CLEAN_BODY[:-3]),
    "cut within the number": post(CLEAN_BODY[: CLEAN_BODY.index(RAW) + len(RAW)]),
    "broken JSON": document('{"from":{"number":"~"},~}'),
    "NaN beside it": document('{"from":{"number":"~"},"n":NaN}'),
    "a huge number": document(f'{{"from":{CANARY * 30}}}'),
    "not UTF-8": post(CLEAN_BODY.replace(b"}", b"\xff}", 1)),
    "not UTF-8 right behind it": post(CLEAN_BODY.replace(RAW, RAW + b"\x80")),
    "too deep": document('{"from":{"number":"~"},"n":' + "[" * 70 + "]" * 70 + "}"),
    "NUL in a key": document('{"~\\u0000":1}'),
    "behind the document": post(event() + RAW),
    "query": post(event(), b"/cm/events?msisdn=" + RAW),
    "query of a refused one": post(b"{}", b"/cm/events?msisdn=" + RAW),
    "query of a wrong method": raw(b"GET /cm/events?~ HTTP/1.1\nHost: gate\n\n"),
    "fields": post(event(), b"/cm/events", b"X-Number: " + RAW, RAW + b": 1"),
    "fields of a refused one": post(b"{}", b"/cm/events", b"X-Number: " + RAW, RAW + b": 1"),
    "Authorization": post(event(), b"/cm/events", b"Authorization: Bearer " + RAW),
    "X-Request-Id": post(event(), b"/cm/events", b"X-Request-Id: " + RAW),
    "X-Forwarded-For": post(event(), b"/cm/events", b"X-Forwarded-For: " + RAW),
    "media type": raw(b"POST / HTTP/1.1\nHost: gate\nContent-Type: application/~\n\n"),
    "charset": raw(b"POST / HTTP/1.1\nHost: gate\nContent-Type: application/json;charset=~\n\n"),
    "encoding": raw(HEAD + b"Content-Encoding: ~\n\n"),
    "Host": raw(b"POST / HTTP/1.1\nHost: ~@gate\n\n"),
    "Expect": raw(HEAD + b"Expect: ~\n\n"),
    "Upgrade": raw(HEAD + b"Upgrade: websocket, ~\nConnection: upgrade\n\n"),
    "an Upgrade that is passed over": post(
        event(), b"/cm/events", b"Upgrade: " + RAW, b"Connection: upgrade, " + RAW
    ),
    "a length": raw(HEAD + b"Content-Length: ~\n\n"),
    "a broken length": raw(HEAD + b"Content-Length: +~\n\n"),
    "a chunk size": raw(HEAD + b"Transfer-Encoding: chunked\n\nx~\n~"),
    "a chunk extension": raw(HEAD + b"Transfer-Encoding: chunked\n\n2;n=~\n[]\n0\n\n"),
    "a trailer": raw(HEAD + b"Transfer-Encoding: chunked\n\n2\n[]\n0\nX-Number: ~\n\n"),
    "a coding": raw(HEAD + b"Transfer-Encoding: ~\n\n"),
    "a method": raw(b"PO~ST / HTTP/1.1\nHost: gate\n\n"),
    "a version": raw(b"POST / HTTP/~\nHost: gate\n\n"),
    "a target in two parts": raw(b"POST /?~ ~ HTTP/1.1\nHost: gate\n\n"),
    "a broken query": raw(b"POST /?~\x01~ HTTP/1.1\nHost: gate\n\n"),
    "a field without a colon": raw(b"POST / HTTP/1.1\nHost: gate\nX~\n\n"),
    "a field name": raw(b"POST / HTTP/1.1\nHost: gate\nX ~: 1\n\n"),
    "a folded field": raw(b"POST / HTTP/1.1\nHost: gate\nX: 1\n ~\n\n"),
    "a NUL in a value": raw(b"POST / HTTP/1.1\nHost: gate\nX: ~\x00~\n\n"),
    "no HTTP at all": raw(b"~\n\n"),
    "too large a head": b"POST / HTTP/1.1\r\nX: " + RAW * 2000 + b"\r\n\r\n",
    "a head that stops": raw(b"POST /?~ HTTP/1.1\nHost: gate\nX~: ~"),
    "a body that stops": post(CLEAN_BODY, b"/?" + RAW)[:-20],
    "too many fields": raw(b"POST / HTTP/1.1\nHost: gate\n" + b"X: ~\n" * 101 + b"\n"),
    "too large": post(b'{"n":"' + RAW * 100_000 + b'"}'),
    "from a stranger": post(CLEAN_BODY, b"/cm/events?" + RAW, b"X-Number: " + RAW),
    "from a proxy without a client": post(CLEAN_BODY, b"/cm/events", b"X-Forwarded-For: " + RAW),
    "rejected upstream": post(CLEAN_BODY, b"/reject?" + RAW),
    "not understood upstream": post(CLEAN_BODY, b"/garble?" + RAW),
    "switched protocols upstream": post(CLEAN_BODY, b"/switch?" + RAW),
    "echoed with success": post(CLEAN_BODY, b"/echo?" + RAW),
    "cut off upstream": post(CLEAN_BODY, b"/hang-up?" + RAW),
    "never answered upstream": post(CLEAN_BODY, b"/silence?" + RAW),
}
SOURCES = {"from a stranger": FOREIGN, "from a proxy without a client": PROXY}
RELAYED = "rejected upstream"


def answer(seen: Seen) -> bytes | None:
    """An upstream that gives back what it got, well and badly."""
    echo = b"%s/%s" % (seen.request_line, seen.body)
    fields = b"X-Number: %s\r\nContent-Length: %d\r\n\r\n" % (RAW, len(echo))
    match seen.request_line.split(b" ")[1].partition(b"?")[0]:
        case b"/reject":
            return b"HTTP/1.1 500 Error\r\n" + fields + echo
        case b"/garble":
            return b"HTTP/1.1 200 OK\r\nX " + RAW + b"\r\n\r\n" + Receiver.CLOSE
        case b"/switch":
            return b"HTTP/1.1 101 Number\r\nUpgrade: " + RAW + b"\r\n\r\n" + Receiver.CLOSE
        case b"/echo":
            return b"HTTP/1.1 202 Accepted\r\n" + fields + echo
        case b"/hang-up":
            return Receiver.CLOSE
        case b"/silence":
            return None
        case _:
            return OK


class Everything(NamedTuple):
    """What one gate gave away while every payload was sent to it."""

    ledger: str
    log: str
    answers: dict[str, Reply]
    seen: list[Seen]


def send_all(gate: Sidecar) -> dict[str, Reply]:
    """Each payload on a connection of its own, and its answer."""
    answers = {}
    for name, payload in PAYLOADS.items():
        with connected(gate.port, SOURCES.get(name, ALLOWED)) as client:
            client.send(payload)
            answers[name] = client.read()
    with connected(gate.port) as client:  # leaves in the middle of it
        client.send(post(CLEAN_BODY)[:-20])
    return answers


@pytest.fixture(scope="module", params=["mask", "hmac", "omit"])
def everything(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Everything]:
    """A gate that had it all, under each setting that hides the numbers."""
    folder = tmp_path_factory.mktemp("canary")
    (folder / "secret").write_text("0123456789abcdef0123456789abcdef")
    keys = {
        "audit.personal_data": request.param,
        "audit.key_file": str(folder / "secret"),
        "upstream.timeout": "300ms",
        "sidecar.head_timeout": "300ms",
        "sidecar.body_timeout": "300ms",
        "request.max_body": "64KiB",
    }
    with receiving(answer) as upstream, sidecar(upstream.url, folder, **keys) as gate:
        answers = send_all(gate)
        gate.wait_for_deliveries(len(PAYLOADS) + 1)
        assert gate.stop() == 0
        assert gate.process.stdout is not None
        yield Everything(gate.audit.read_text(), gate.log.whole(), answers, list(upstream.seen))


def test_the_number_is_in_no_line_of_the_ledger(everything: Everything) -> None:
    """Not in a field, not in a key, not in a finding."""
    lines = [line for line in everything.ledger.splitlines() if CANARY in line]
    assert lines == []


def test_the_number_is_in_no_operational_message(everything: Everything) -> None:
    """Nothing that a sender wrote is ever logged."""
    assert [line for line in everything.log.splitlines() if CANARY in line] == []


def test_the_number_is_in_no_answer_but_the_upstreams_own(everything: Everything) -> None:
    """A refusal names what is wrong, never the value that is."""
    told = {
        name: reply
        for name, reply in everything.answers.items()
        if RAW in reply.head + reply.body and name != RELAYED
    }
    assert told == {}


def test_the_number_was_there_to_be_leaked(everything: Everything) -> None:
    """It went upstream, and the one answer that may hold it does."""
    assert sum(RAW in seen.head + seen.body for seen in everything.seen) >= 15
    assert RAW in everything.answers[RELAYED].body
    statuses = {reply.status for reply in everything.answers.values()}
    assert statuses >= {200, 400, 403, 405, 408, 413, 415, 417, 422, 431, 500, 502, 504}


def test_what_stands_in_its_place_is_what_the_setting_says(everything: Everything) -> None:
    """A mask, a keyed digest, or nothing."""
    records = [json.loads(line) for line in everything.ledger.splitlines()]
    senders = {record["from"] for record in records if record["event"] == "delivery"}
    shown = r"\*\*\*(\S{3})?|hmac:[0-9a-f]{32}"
    assert len(senders) > 1 or senders == {None}
    assert all(text is None or re.fullmatch(shown, text) for text in senders)
