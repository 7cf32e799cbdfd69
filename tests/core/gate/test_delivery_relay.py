"""On a route that relays the sender gets the endpoint's answer, whatever happens meanwhile."""

import asyncio
import json
from pathlib import Path

import pytest

from hookgate.config.contracts import load_contract
from hookgate.gate import closing, concluding
from hookgate.gate.answer import DELIVERED, Answer
from hookgate.gate.gate import Gate
from hookgate.settings import AnswerMode, RouteSettings
from support.core_gate import SECRET, endpoint, fail, in_gate, of, reload, run, under_way
from support.events import CLEAN
from support.ledger import Record

CREATED = b"HTTP/1.1 201 Created\r\nX-a: b\r\nContent-Length: 2\r\n\r\n{}"
RELAYED = Answer(201, [(b"X-a", b"b")], b"{}")


def routes(answer: AnswerMode | None) -> tuple[RouteSettings, ...]:
    """One for every path, whose senders are answered so."""
    return (RouteSettings("", "events", load_contract("cm-events"), b"", answer),)


RELAY, OK = routes(AnswerMode.RELAY), routes(AnswerMode.OK)


def delivery(records: list[Record]) -> Record:
    (record,) = of(records, "delivery")
    return record


@pytest.mark.parametrize(("before", "after"), [(RELAY, OK), (OK, RELAY)], ids=["relay", "200"])
def test_an_event_under_way_keeps_the_mode_that_it_was_forwarded_by(
    tmp_path: Path, before: tuple[RouteSettings, ...], after: tuple[RouteSettings, ...]
) -> None:
    """A reload changes what later ones are answered."""
    expected = [RELAYED, DELIVERED] if before is RELAY else [DELIVERED, RELAYED]

    async def act(gate: Gate) -> None:
        async with endpoint(answering=False) as at:
            at.answer = CREATED
            reload(gate, tmp_path, at.url, routes=before)
            first = await under_way(gate, at)
            reload(gate, tmp_path, at.url, routes=after)
            at.answering.set()
            second, _ = await run(gate, CLEAN)
            assert [await first, second] == expected

    records, _ = in_gate(tmp_path, act)
    found = [(r["reason"], r["status"], r["upstream_status"]) for r in of(records, "delivery")]
    assert found == [("clean", answer.status, 201) for answer in expected]


def test_a_stop_while_the_body_is_awaited_is_answered(tmp_path: Path) -> None:
    """The endpoint took the event: delivered, 502, and the cause."""
    answers: list[Answer] = []

    async def act(gate: Gate) -> None:
        async with endpoint() as at:
            at.answer = CREATED[:-1]
            reload(gate, tmp_path, at.url, routes=RELAY)
            answer = await under_way(gate, at)
            (connection,) = gate.desk.compiled.upstream._connected
            async with asyncio.timeout(5):
                while not connection._reader.head_complete:  # noqa: ASYNC110  # nothing tells
                    await asyncio.sleep(0.001)
            await gate.close()
            answers.append(await answer)

    records, log = in_gate(tmp_path, act)
    record = delivery(records)
    assert (record["outcome"], record["status"], record["upstream_status"]) == (
        "delivered",
        502,
        201,
    )
    assert record["upstream_error"] == "cut_off"
    (answer,) = answers
    problem = json.loads(answer.body)
    assert (answer.status, problem["status"], problem["reason"]) == (502, 502, "clean")
    assert log.of("upstream.failing") == []


@pytest.mark.parametrize(
    ("sent", "broken", "expected"),
    [
        (CREATED, "end_record", RELAYED),
        (CREATED, "relay", Answer(502, [], b"")),
        (CREATED.replace(b": 2", b": 2000000"), "make_unrelayed", Answer(502, [], b"")),
    ],
)
def test_whatever_breaks_once_the_event_arrived_it_is_delivered(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sent: bytes,
    broken: str,
    expected: Answer,
) -> None:
    """The sender gets the endpoint's answer, or 502, and never a 200 that nobody gave."""

    async def act(gate: Gate) -> None:
        async with endpoint() as at:
            at.answer = sent
            reload(gate, tmp_path, at.url, routes=RELAY)
            where = closing if broken == "end_record" else concluding
            monkeypatch.setattr(where, broken, fail)
            answer, _ = await run(gate, CLEAN)
            monkeypatch.undo()
            assert answer == expected

    records, log = in_gate(tmp_path, act)
    record = delivery(records)
    assert (record["outcome"], record["reason"]) == ("delivered", "clean")
    assert record["status"] == expected.status
    assert SECRET not in json.dumps(log.events)


def test_a_broken_body_is_the_endpoints_trouble(tmp_path: Path) -> None:
    """It is logged, counted, and shown at present, like any answer that did not come."""

    async def act(gate: Gate) -> None:
        async with endpoint() as at:
            at.answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
            reload(gate, tmp_path, at.url, routes=RELAY)
            await run(gate, CLEAN)
            assert gate.counts.upstream_errors["not_http"] == 1
            assert gate.counts.last_delivered > 0

    _, log = in_gate(tmp_path, act)
    assert [entry["error"] for entry in log.of("upstream.failing")] == ["not_http"]
