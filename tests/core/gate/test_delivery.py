"""The seam: whatever breaks inside, a delivery ends once, closed, recorded and answered."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hookgate.gate import closing, concluding, judging, state
from hookgate.gate.answer import Answer
from hookgate.gate.delivery import Delivery
from hookgate.gate.gate import Gate
from hookgate.policy import Reason
from hookgate.signing.sign import Signer
from support.core_gate import SECRET, Log, fail, head, make_gate, run
from support.disk import full_stdout
from support.events import CLEAN, event
from support.ledger import Record, assert_balanced, assert_chained, read_ledger
from support.receiver import Receiver, receiving

BROKEN = event(timeUtc="yesterday")


def in_gate(
    folder: Path, act: Callable[[Gate, Receiver], Any], **keys: object
) -> tuple[list[Record], Receiver, Log]:
    """Run `act` with a gate in front of a real upstream; returns its ledger after the stop."""
    log = Log()
    with receiving() as upstream:

        async def session() -> None:
            gate = make_gate(upstream.url, folder, log, **keys)
            try:
                await act(gate, upstream)
            finally:
                await gate.close()

        asyncio.run(session())
    return read_ledger(folder / "audit.jsonl"), upstream, log


def deliveries(records: list[Record]) -> list[Record]:
    return [record for record in records if record["event"] == "delivery"]


def test_a_clean_delivery_is_forwarded_recorded_and_answered(tmp_path: Path) -> None:
    """`forward` precedes `delivery`, and the answer is exactly 200 with no body."""

    async def act(gate: Gate, _: Receiver) -> None:
        answer, delivery = await run(gate, CLEAN)
        assert answer == Answer(200, [], b"")
        assert delivery.ended

    records, upstream, _ = in_gate(tmp_path, act)
    assert [record["event"] for record in records] == ["start", "forward", "delivery", "stop"]
    assert records[1]["request_id"] == records[2]["request_id"]
    assert [seen.body for seen in upstream.seen] == [CLEAN]
    assert_chained(tmp_path / "audit.jsonl")
    assert assert_balanced(tmp_path / "audit.jsonl") == {"delivered": 1}


BEFORE_FORWARDING = [
    ("policy", "screen"),
    ("policy", "parse"),
    ("policy", "validate"),
    ("journal", "forward"),
    ("upstream", "send"),
    (judging, "upstream_head"),
    (Signer, "fields"),
    (state, "begin_record"),
]


@pytest.mark.parametrize(("where", "name"), BEFORE_FORWARDING, ids=lambda v: str(v)[-20:])
def test_an_exception_before_forwarding_refuses_and_leaves_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: Any, name: str
) -> None:
    """503 `gate_error`, recorded, upstream untouched; the next delivery is judged as ever."""

    async def act(gate: Gate, _: Receiver) -> None:
        target = getattr(gate, where) if isinstance(where, str) else where
        with monkeypatch.context() as patch:
            patch.setattr(target, name, fail)
            answer, delivery = await run(gate, CLEAN)
        assert answer.status == 503
        assert (b"Retry-After", b"5") in answer.fields
        assert delivery.ended
        assert (await run(gate, CLEAN))[0].status == 200

    (tmp_path / "sign.key").write_text(f"whsec_{'A' * 32}")
    keys = {"upstream.sign_key_file": str(tmp_path / "sign.key")}
    records, upstream, log = in_gate(tmp_path, act, **keys)
    first, second = deliveries(records)
    assert (first["outcome"], first["reason"], first["status"]) == ("failed", "gate_error", 503)
    assert second["outcome"] == "delivered"
    assert len(upstream.seen) == 1
    assert SECRET not in json.dumps(log.events)
    assert any(entry["event"] == "gate.fault" for entry in log.events)
    assert_balanced(tmp_path / "audit.jsonl")


WHILE_ENDING = [(closing, "end_record"), (state, "begin_record"), (closing, "make_answer")]


@pytest.mark.parametrize(("where", "name"), WHILE_ENDING, ids=[name for _, name in WHILE_ENDING])
def test_an_exception_while_ending_a_refusal_still_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: Any, name: str
) -> None:
    """A refusal whose record or answer cannot be built is a bare 503 with a minimal record."""

    async def act(gate: Gate, _: Receiver) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(where, name, fail)
            answer, delivery = await run(gate, BROKEN)
        assert answer.status == 503
        assert delivery.ended

    records, upstream, log = in_gate(tmp_path, act)
    (record,) = deliveries(records)
    assert record["reason"] == "gate_error"
    assert upstream.seen == []
    assert SECRET not in json.dumps(log.events)
    assert_balanced(tmp_path / "audit.jsonl")


@pytest.mark.parametrize("name", ["end_record"])
def test_an_exception_after_the_upstream_took_it_is_answered_200(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """What arrived has arrived: another status would bring it a second time."""

    async def act(gate: Gate, upstream: Receiver) -> None:
        monkeypatch.setattr(closing, name, fail)
        answer, _ = await run(gate, CLEAN)
        monkeypatch.undo()
        assert answer == Answer(200, [], b"")
        assert len(upstream.seen) == 1

    records, _, _ = in_gate(tmp_path, act)
    (record,) = deliveries(records)
    assert (record["outcome"], record["reason"]) == ("delivered", "clean")
    assert_balanced(tmp_path / "audit.jsonl")


def test_an_exception_while_relaying_a_rejection_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The upstream's answer could not be relayed: 503, recorded once."""

    async def act(gate: Gate, upstream: Receiver) -> None:
        upstream.respond = lambda _: b"HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n"
        monkeypatch.setattr(concluding, "relay", fail)
        answer, _ = await run(gate, CLEAN)
        monkeypatch.undo()
        assert answer.status == 503

    records, _, _ = in_gate(tmp_path, act)
    assert [record["reason"] for record in deliveries(records)] == ["gate_error"]


@pytest.mark.parametrize("body", [CLEAN, BROKEN], ids=["clean", "broken"])
def test_a_journal_that_raises_anything_still_ends_the_delivery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    """Not even a fault in the ledger's own code lets a delivery hang or be answered twice."""

    async def act(gate: Gate, _: Receiver) -> None:
        monkeypatch.setattr(gate.journal, "delivery", fail)
        answer, delivery = await run(gate, body)
        monkeypatch.undo()
        assert answer.status == (200 if body is CLEAN else 503)
        assert delivery.ended
        assert gate.counts.in_flight == 0

    _, _, log = in_gate(tmp_path, act)
    assert SECRET not in json.dumps(log.events)


def test_a_tick_that_fails_is_logged_and_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock's work goes on next second."""

    async def act(gate: Gate, _: Receiver) -> None:
        monkeypatch.setattr(gate.journal, "tick", fail)
        gate.tick()
        monkeypatch.undo()
        assert (await run(gate, CLEAN))[0].status == 200

    _, _, log = in_gate(tmp_path, act)
    assert [entry["where"] for entry in log.events if entry["event"] == "gate.fault"] == ["tick"]


def test_without_a_ledger_nothing_is_forwarded(tmp_path: Path) -> None:
    """A full device: 503 `audit_unavailable`, while a refusal stays the refusal it is."""

    async def session() -> list[int]:
        gate = make_gate("http://127.0.0.1:1", tmp_path, Log(), **{"audit.path": "-"})
        statuses = [(await run(gate, body))[0].status for body in (CLEAN, BROKEN)]
        await gate.close()
        return statuses

    with full_stdout():
        assert asyncio.run(session()) == [503, 422]


def test_a_sender_that_leaves_before_forwarding_aborts_it(tmp_path: Path) -> None:
    """`client_gone`: no status, no answer, counted as aborted."""

    async def act(gate: Gate, _: Receiver) -> None:
        delivery = gate.begin("127.0.0.1")
        assert delivery.screen(head()) is None
        delivery.leave(7)
        delivery.leave(7)
        assert delivery.ended

    records, _, _ = in_gate(tmp_path, act)
    (record,) = deliveries(records)
    assert (record["outcome"], record["reason"]) == ("aborted", "client_gone")
    assert (record["status"], record["answered"], record["bytes"]) == (None, False, 7)


def test_a_sender_that_leaves_after_forwarding_changes_nothing_but_the_record(
    tmp_path: Path,
) -> None:
    """The exchange runs to its end; the record says that nobody heard the answer."""

    async def act(gate: Gate, upstream: Receiver) -> None:
        delivery = gate.begin("127.0.0.1")
        assert delivery.screen(head()) is None
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        delivery.deliver(CLEAN, future.set_result)
        gate.turn.end()
        delivery.leave()
        assert (await asyncio.wait_for(future, 10)).status == 200

    records, _, _ = in_gate(tmp_path, act)
    (record,) = deliveries(records)
    assert (record["outcome"], record["answered"]) == ("delivered", False)


def test_a_sender_that_leaves_in_the_turn_of_its_last_byte_is_aborted(tmp_path: Path) -> None:
    """Nothing went upstream yet, so nothing does; a front that waits still gets an answer."""

    async def act(gate: Gate, _: Receiver) -> None:
        delivery = gate.begin("127.0.0.1")
        assert delivery.screen(head()) is None
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        delivery.deliver(CLEAN, future.set_result)
        delivery.leave()
        await asyncio.wait_for(future, 10)

    records, upstream, _ = in_gate(tmp_path, act)
    assert [record["event"] for record in records] == ["start", "delivery", "stop"]
    assert (records[1]["outcome"], records[1]["reason"]) == ("aborted", "client_gone")
    assert upstream.seen == []


@pytest.mark.parametrize(
    "misuse",
    [
        pytest.param(lambda d: d.deliver(CLEAN, lambda _: None), id="deliver-without-screen"),
        pytest.param(lambda d: (d.refuse(Reason.BODY_TIMEOUT), d.refuse(Reason.BODY_TIMEOUT)),
                     id="refuse-twice"),
    ],
)  # fmt: skip
def test_a_front_that_misuses_the_seam_cannot_open_it(
    tmp_path: Path, misuse: Callable[[Delivery], Any]
) -> None:
    """Calls out of order end closed, with one record."""

    async def act(gate: Gate, _: Receiver) -> None:
        misuse(gate.begin("127.0.0.1"))

    records, upstream, _ = in_gate(tmp_path, act)
    assert len(deliveries(records)) == 1
    assert upstream.seen == []


@pytest.mark.parametrize(
    ("peer", "empty"), [("127.0.0.1", False), ("127.0.0.9", True)], ids=["inside", "foreign"]
)
def test_a_stranger_is_told_nothing(tmp_path: Path, peer: str, empty: bool) -> None:
    """A refusal has a problem document for insiders and an empty body for strangers."""

    async def act(gate: Gate, _: Receiver) -> None:
        answer = (await run(gate, BROKEN, head(peer=peer)))[0]
        assert (answer.body == b"") is empty

    in_gate(tmp_path, act)
