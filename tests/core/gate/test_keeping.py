"""What is refused, or failed, goes to the quarantine before it is recorded and answered."""

import asyncio
import fcntl
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from hookgate.gate.gate import Gate
from hookgate.policy import Head, Reason
from hookgate.settings import AnswerMode, RouteSettings
from support.core_gate import PEER, deliver, endpoint, head, in_gate, of, reload, run, soon
from support.events import CLEAN, event
from support.journal import obedient_disk
from support.kept import files, items, quarantine

TOO_NARROW = b'{"required": ["never"]}'
NARROW = (RouteSettings("/cm/events", "narrow", TOO_NARROW),)
IN_CUSTODY = (RouteSettings("/cm/events", "narrow", TOO_NARROW, custody=True),)
ELSEWHERE = (RouteSettings("/elsewhere", "wide", b"{}", custody=True),)


def target(path: bytes) -> Head:
    """A head that passes, but for its path."""
    return head()._replace(target=path)


# How an event is refused: its routes, its head, its body.
REFUSED: dict[str, tuple[Reason, tuple[RouteSettings, ...], Head, bytes]] = {
    "route": (Reason.PATH_NOT_ROUTED, ELSEWHERE, target(b"/cm/events?token=1"), CLEAN),
    "media type": (Reason.CONTENT_TYPE_UNSUPPORTED, (), head(media_type=b"text/json"), CLEAN),
    "document": (Reason.MALFORMED_JSON, (), head(), CLEAN[:-1]),
    "contract": (Reason.CONTRACT_VIOLATION, NARROW, head(), CLEAN),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_kept_as_it_came(
    tmp_path: Path, case: tuple[Reason, tuple[RouteSettings, ...], Head, bytes]
) -> None:
    """The file is there before the line that names it, and the line before the answer."""
    reason, routes, request, body = case

    async def act(gate: Gate) -> None:
        journal, told = gate.journal.delivery, []

        def written(record: Any, **how: Any) -> None:
            told.append([sha256(file.read_bytes()).hexdigest() for file in files(tmp_path)])
            assert told[-1] == [record["kept"]]
            journal(record, **how)

        gate.journal.delivery = written  # type: ignore[method-assign]  # to look before it
        answer, delivery = await run(gate, body, request)
        assert answer.status == reason.status
        assert json.loads(answer.body)["reason"] == reason.code
        assert told
        assert gate.counts.under_way == 0
        (item,) = items(tmp_path)
        assert (item.body, item.request_id, item.signed) == (body, delivery.request_id, None)
        assert item.head.target == request.target
        assert [*item.head.fields][: len(request.fields)] == [*request.fields]
        assert (item.origin.peer, item.origin.client) == (PEER, PEER)

    records, _ = in_gate(tmp_path, act, routes=routes, **quarantine(tmp_path))
    (record,) = of(records, "delivery")
    assert (record["outcome"], record["reason"]) == ("refused", reason.code)
    assert record["sha256"] == sha256(body).hexdigest()
    assert "custody" not in record
    (beside,) = (tmp_path / "quarantine").rglob("*.json")
    same = json.loads(beside.read_text())
    left_out = ("ts", "duration_ms", "n", "prev")
    assert {k: v for k, v in same.items() if k not in left_out} == {
        k: v for k, v in record.items() if k not in left_out
    }


def test_the_same_bytes_are_kept_once(tmp_path: Path) -> None:
    """Each attempt's line names the one file."""

    async def act(gate: Gate) -> None:
        for _ in range(3):
            await run(gate, CLEAN)

    records, _ = in_gate(tmp_path, act, routes=NARROW, **quarantine(tmp_path))
    (file,) = files(tmp_path)
    kept = {record["kept"] for record in of(records, "delivery")}
    assert kept == {sha256(file.read_bytes()).hexdigest()}


def test_what_passes_or_is_not_to_be_kept_leaves_nothing(tmp_path: Path) -> None:
    """What arrived, what a foreign sender sent, and what came by another method."""

    async def act(gate: Gate) -> None:
        async with endpoint() as at:
            reload(gate, tmp_path, at.url, **quarantine(tmp_path))
            assert (await run(gate, CLEAN))[0].status == 200
        assert (await run(gate, CLEAN[:-1], head(peer="192.0.2.1")))[0].status == 403
        assert (await run(gate, CLEAN[:-1], head(method=b"PUT")))[0].status == 405

    records, _ = in_gate(tmp_path, act, **quarantine(tmp_path))
    assert files(tmp_path) == []
    told = [(record.get("kept"), record.get("not_kept")) for record in of(records, "delivery")]
    assert told == [(None, None)] * 3


def test_custody_is_answered_200_and_never_called_delivered(tmp_path: Path) -> None:
    """The sender takes it as delivered; the record says what it is."""

    async def act(gate: Gate) -> None:
        answer, _ = await run(gate, CLEAN)
        assert (answer.status, answer.body) == (200, b"")

    records, _ = in_gate(tmp_path, act, routes=IN_CUSTODY, **quarantine(tmp_path))
    (record,) = of(records, "delivery")
    assert (record["outcome"], record["reason"]) == ("refused", "contract_violation")
    assert (record["status"], record["custody"]) == (200, True)
    assert record["kept"] == sha256(files(tmp_path)[0].read_bytes()).hexdigest()


def test_custody_without_a_line_is_answered_503(tmp_path: Path) -> None:
    """It is kept, but nothing says so: it has to come again. Then there is still one file."""

    async def act(gate: Gate) -> None:
        with obedient_disk() as disk:
            disk.room = 0
            answer, _ = await run(gate, CLEAN)
        assert (answer.status, json.loads(answer.body)["reason"]) == (503, "audit_unavailable")
        gate.tick()
        answer, _ = await run(gate, CLEAN)
        assert answer.status == 200

    records, _ = in_gate(tmp_path, act, routes=IN_CUSTODY, **quarantine(tmp_path))
    assert [r["cause"] for r in of(records, "refusals")] == ["audit_unavailable"]
    (record,) = of(records, "delivery")
    assert record["custody"]
    assert len(files(tmp_path)) == 1


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Another process has the store's lock and does not let go."""
    with (folder / "quarantine/lock").open("rb+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remove_store(folder: Path) -> None:
    """The disk was not mounted."""
    shutil.rmtree(folder / "quarantine")


@pytest.mark.parametrize("routes", [NARROW, IN_CUSTODY], ids=["refused", "custody"])
def test_where_nothing_can_be_kept_the_refusal_stands(
    tmp_path: Path, routes: tuple[RouteSettings, ...]
) -> None:
    """The line and a message say why; what would have passed passes."""

    async def act(gate: Gate) -> None:
        await run(gate, event(reference="first"))
        remove_store(tmp_path)
        answer, _ = await run(gate, CLEAN)
        assert (answer.status, json.loads(answer.body)["reason"]) == (422, "contract_violation")
        async with endpoint() as at:
            reload(gate, tmp_path, at.url, **quarantine(tmp_path))
            assert (await run(gate, CLEAN))[0].status == 200
        assert not (tmp_path / "quarantine").exists()

    records, log = in_gate(tmp_path, act, routes=routes, **quarantine(tmp_path))
    _, record, delivered = of(records, "delivery")
    assert (record["status"], record["not_kept"]) == (422, "unavailable")
    assert "kept" not in record
    assert "custody" not in record
    assert delivered["outcome"] == "delivered"
    assert any(entry["level"] == "error" and "quarantine" in entry["event"] for entry in log.events)


def test_a_store_that_does_not_answer_holds_nobody_up(tmp_path: Path) -> None:
    """A stopped process has its lock: within seconds the refusal is answered without it, and what
    passes is not held up meanwhile.
    """

    async def act(gate: Gate) -> None:
        await run(gate, event(reference="first"))
        with locked(tmp_path):
            delivery = gate.begin(PEER)
            assert delivery.screen(head()) is None
            refused = deliver(delivery, CLEAN)
            async with endpoint() as at:
                reload(gate, tmp_path, at.url, **quarantine(tmp_path))
                assert (await run(gate, CLEAN))[0].status == 200
                assert not refused.done()
            assert (await soon(refused)).status == 422

    records, _ = in_gate(tmp_path, act, routes=NARROW, **quarantine(tmp_path))
    *_, record = of(records, "delivery")
    assert record["not_kept"] in ("unavailable", "too_slow")


FAILING: dict[str, tuple[bytes, int, str]] = {
    "rejected": (b"HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nno!", 500, "upstream_rejected"),
    "no HTTP": (b"ok\r\n\r\n", 502, "upstream_invalid"),
}


@pytest.mark.parametrize("case", FAILING.values(), ids=FAILING)
@pytest.mark.parametrize("keep", [("refused",), ("failed",), ("refused", "failed")], ids=" ".join)
def test_what_failed_at_the_endpoint_is_kept_where_asked_for(
    tmp_path: Path, keep: tuple[str, ...], case: tuple[bytes, int, str]
) -> None:
    """Its answer is the endpoint's own, or ours, as without; what is refused is another thing."""
    answers, status, reason = case
    keys = quarantine(tmp_path, keep=[*keep])

    async def act(gate: Gate) -> None:
        async with endpoint() as at:
            at.answer = answers
            reload(gate, tmp_path, at.url, **keys)
            answer, _ = await run(gate, CLEAN)
            assert answer.status == status
            assert (await run(gate, CLEAN[:-1]))[0].status == 400

    records, _ = in_gate(tmp_path, act, **keys)
    failed, refused = of(records, "delivery")
    assert (failed["outcome"], failed["reason"]) == ("failed", reason)
    assert ("kept" in failed, "kept" in refused) == ("failed" in keep, "refused" in keep)
    assert len(files(tmp_path)) == len(keep)
    assert {item.body for item in items(tmp_path)} == {
        *([CLEAN] if "failed" in keep else []),
        *([CLEAN[:-1]] if "refused" in keep else []),
    }


def test_what_failed_is_never_in_custody(tmp_path: Path) -> None:
    """Its sender is told, and sends it again: it may have arrived."""
    routes = (RouteSettings("/cm/events", "wide", b"{}", answer=AnswerMode.OK, custody=True),)
    keys = quarantine(tmp_path, keep=["refused", "failed"])

    async def act(gate: Gate) -> None:
        assert (await run(gate, CLEAN))[0].status == 502

    records, _ = in_gate(tmp_path, act, routes=routes, **keys)
    (record,) = of(records, "delivery")
    assert "custody" not in record
    assert record["kept"]


def test_a_sender_that_leaves_stops_nothing(tmp_path: Path) -> None:
    """From the store's start it runs to its end."""

    async def act(gate: Gate) -> None:
        delivery = gate.begin(PEER)
        assert delivery.screen(head()) is None
        answer = deliver(delivery, CLEAN)
        gate.turn.end()
        assert delivery.committed
        delivery.leave()
        await soon(answer)

    records, _ = in_gate(tmp_path, act, routes=NARROW, **quarantine(tmp_path))
    (record,) = of(records, "delivery")
    assert (record["reason"], record["answered"]) == ("contract_violation", False)
    assert record["kept"]
    assert len(files(tmp_path)) == 1


Fronts = Callable[[Any], object]
# What a front says of a body that does not come whole, and how a delivery then ends whose head was
# refused, and whose body was only wanted to be kept.
UNFINISHED: dict[str, tuple[Fronts, str, str | None]] = {
    "the sender leaves": (lambda d: d.leave(3), "path_not_routed", "incomplete"),
    "too slow": (lambda d: d.refuse(Reason.BODY_TIMEOUT, 3), "path_not_routed", "incomplete"),
    "no room": (lambda d: d.refuse(Reason.OVERLOADED, 3), "path_not_routed", "incomplete"),
    "too large": (lambda d: d.refuse(Reason.BODY_TOO_LARGE, 3), "body_too_large", None),
    "broken": (lambda d: d.refuse(Reason.MALFORMED_HTTP, 3), "malformed_http", None),
    "a bug": (lambda d: d.refuse(Reason.GATE_ERROR, 3), "gate_error", None),
}


@pytest.mark.parametrize("case", UNFINISHED.values(), ids=UNFINISHED)
def test_a_body_that_does_not_come_whole_is_not_kept(
    tmp_path: Path, case: tuple[Fronts, str, str | None]
) -> None:
    """The head's refusal stands, unless there is something worse to say."""
    ends, reason, not_kept = case

    async def act(gate: Gate) -> None:
        delivery = gate.begin(PEER)
        assert delivery.screen(target(b"/nowhere")) is None
        assert gate.counts.under_way == 1
        ends(delivery)
        assert delivery.ended
        assert gate.counts.under_way == 0

    records, _ = in_gate(tmp_path, act, routes=ELSEWHERE, **quarantine(tmp_path))
    (record,) = of(records, "delivery")
    assert (record["reason"], record.get("not_kept")) == (reason, not_kept)
    assert files(tmp_path) == []


def test_a_reload_while_the_body_comes_decides_anew(tmp_path: Path) -> None:
    """A route that is there by now takes it; one that keeps nothing refuses it as it would have."""

    async def act(gate: Gate) -> None:
        async with endpoint() as at:
            waiting = gate.begin(PEER)
            assert waiting.screen(head()) is None
            reload(gate, tmp_path, at.url, **quarantine(tmp_path))
            assert (await soon(deliver(waiting, CLEAN))).status == 200
            again = gate.begin(PEER)
            assert again.screen(head()) is None
            reload(gate, tmp_path, at.url, routes=ELSEWHERE, **quarantine(tmp_path))
            assert (await soon(deliver(again, CLEAN))).status == 404

    records, _ = in_gate(tmp_path, act, routes=ELSEWHERE, **quarantine(tmp_path))
    delivered, refused = of(records, "delivery")
    assert delivered["outcome"] == "delivered"
    assert refused["kept"]
    assert len(files(tmp_path)) == 1


def test_a_stop_waits_for_what_is_being_kept(tmp_path: Path) -> None:
    """Also for what the stop itself makes fail."""
    keys = quarantine(tmp_path, keep=["refused", "failed"])
    answers = []

    async def act(gate: Gate) -> None:
        async with endpoint(answering=False) as at:
            reload(gate, tmp_path, at.url, **keys)
            for body in (CLEAN, CLEAN[:-1]):
                delivery = gate.begin(PEER)
                assert delivery.screen(head()) is None
                answers.append(deliver(delivery, body))
            await soon(at.seen.wait())
            await gate.close_upstreams()
            assert [answer.result().status for answer in answers] == [504, 400]

    records, _ = in_gate(tmp_path, act, **keys)
    assert all(record["kept"] for record in of(records, "delivery"))
    assert len(files(tmp_path)) == 2
    assert of(records, "stop")[0]["in_flight"] == 0


def test_a_front_may_close_twice(tmp_path: Path) -> None:
    """As the sidecar does, which ends its connections in between."""

    async def act(gate: Gate) -> None:
        for _ in range(2):
            await asyncio.wait_for(gate.close_upstreams(), 2)

    in_gate(tmp_path, act, **quarantine(tmp_path))
