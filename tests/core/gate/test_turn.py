"""What came in one turn of the event loop goes on together, and falls alone."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import structlog

from hookgate.config.build import load
from hookgate.gate import closing, concluding, judging, state
from hookgate.gate.answer import DELIVERED, Answer, relay
from hookgate.gate.delivery import Delivery
from hookgate.gate.gate import Gate
from hookgate.gate.state import DeliveryState
from hookgate.gate.turn import Turn
from hookgate.ledger.writing.sink import Sink
from hookgate.policy import Reason, make_head
from hookgate.upstream.connection import ResponseHandler
from hookgate.upstream.error import Failure, UpstreamError
from hookgate.upstream.response import Response
from support.events import CLEAN, event
from support.journal import Disk, obedient_disk
from support.ledger import Record, assert_balanced, assert_chained, read_ledger

PEER = "127.0.0.1"
HEAD = make_head(PEER, b"POST", b"/", [(b"Host", b"gate"), (b"Content-Type", b"application/json")])
OK = Response(200, [], b"")
LATE = Failure(Reason.UPSTREAM_TIMEOUT, UpstreamError.TIMEOUT_ANSWER)
REFUSED_PORT = Failure(Reason.UPSTREAM_UNREACHABLE, UpstreamError.REFUSED)
REFUSED = Response(409, [(b"A", b"1")], b"no")
BROKEN = event(timeUtc="yesterday")
MARKED = event(messageContext="marked")
SECRET = "canary-0031699999999"


class InjectedError(Exception):
    """Its message stands for a sender's value, which must not be logged."""

    def __init__(self) -> None:
        super().__init__(SECRET)


@dataclass
class Turns:
    """A gate whose upstream answers when it is told to; each delivery's answers by its number."""

    gate: Gate
    path: Path
    logged: list[dict[str, Any]]
    sent: list[tuple[bytes, ResponseHandler]] = field(default_factory=list)
    answers: dict[int, list[Answer]] = field(default_factory=dict)

    def begin(self, body: bytes = CLEAN, done: Callable[[Answer], None] | None = None) -> Delivery:
        """One whole request; its number is that of how many there were."""
        delivery = self.gate.begin(PEER)
        assert delivery.screen(HEAD) is None
        answers = self.answers[self.gate.counts.received] = []
        delivery.deliver(body, done or answers.append)
        return delivery

    def send(self, request: bytes, handler: ResponseHandler) -> None:
        """In the upstream's place."""
        self.sent.append((request.partition(b"\r\n\r\n")[2], handler))

    def answer(self, *results: Response | Failure) -> None:
        """Answer what was sent, in order; 200 behind those that are given."""
        sent, self.sent[:] = self.sent[:], []
        for place, (_, handler) in enumerate(sent):
            handler.on_response(results[place] if place < len(results) else OK)

    @property
    def statuses(self) -> list[list[int]]:
        return [[answer.status for answer in answers] for answers in self.answers.values()]

    def records(self, kind: str = "delivery") -> list[Record]:
        return [record for record in read_ledger(self.path) if record["event"] == kind]

    @property
    def reasons(self) -> list[str]:
        """By their numbers."""
        return [r["reason"] for r in sorted(self.records(), key=lambda record: record["seq"])]

    @property
    def faults(self) -> list[str]:
        return [entry["where"] for entry in self.logged if entry["event"] == "gate.fault"]


@pytest.fixture
def disk() -> Iterator[Disk]:
    with obedient_disk() as disk:
        yield disk


@pytest.fixture
def turns(tmp_path: Path, disk: Disk) -> Iterator[Turns]:
    """Played without a loop that turns by itself; in the end all is told and balanced."""
    path = tmp_path / "audit.jsonl"
    logged: list[dict[str, Any]] = []

    def remember(_: Any, __: str, entry: Any) -> str:
        logged.append(dict(entry))
        return ""

    log: structlog.BoundLogger = structlog.wrap_logger(
        structlog.ReturnLogger(), [remember], structlog.BoundLogger
    )
    keys: dict[str, object] = {
        "upstream.url": "http://127.0.0.1:1",
        "source.allow": [PEER],
        "audit.path": str(path),
    }

    async def make() -> Gate:
        return Gate(load(None, keys, {}), "test", log)

    with asyncio.Runner() as runner:
        gate = runner.run(make())
        played = Turns(gate, path, logged)
        gate.upstream.send = played.send  # type: ignore[method-assign]  # answers at will
        yield played
        disk.room = None
        gate.tick()
        assert gate.counts.under_way == 0
        assert gate.counts.in_flight == 0
        runner.run(gate.close())
    assert all(len(answers) <= 1 for answers in played.answers.values())
    assert_chained(path)
    assert_balanced(path)
    assert SECRET not in str(logged)


def test_each_stage_of_a_turn_is_one_write(turns: Turns, disk: Disk) -> None:
    """Ten clean and two refused: one for what begins, one for how it ended."""
    before = disk.writes
    for place in range(12):
        turns.begin(BROKEN if place in (3, 7) else CLEAN)
    assert (disk.writes, turns.sent) == (before, [])
    turns.gate.turn.end()
    assert disk.writes == before + 1
    assert [record["event"] for record in read_ledger(turns.path)[1:]] == [
        "delivery" if place in (3, 7) else "forward" for place in range(12)
    ]
    assert [answers for answers in turns.statuses if answers] == [[422], [422]]
    turns.answer()
    assert disk.writes == before + 1
    turns.gate.turn.end()
    assert disk.writes == before + 2
    assert turns.statuses == [[422 if place in (3, 7) else 200] for place in range(12)]
    turns.gate.turn.end()
    assert disk.writes == before + 2


def test_what_ends_and_what_begins_share_a_write(turns: Turns, disk: Disk) -> None:
    """And no delivery goes upstream, nor is one answered, before it."""
    turns.begin()
    turns.gate.turn.end()
    turns.begin()
    turns.answer()
    before = disk.writes
    assert turns.statuses == [[], []]
    turns.gate.turn.end()
    assert disk.writes == before + 1
    assert (len(turns.sent), turns.statuses) == (1, [[200], []])
    turns.answer()
    turns.gate.turn.end()


def test_a_turn_ends_once(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much came in it, on a loop that turns."""
    calls: list[int] = []
    end = Turn.end

    def counting(turn: Turn[DeliveryState]) -> None:
        calls.append(len(turns.answers))
        end(turn)

    monkeypatch.setattr(Turn, "end", counting)
    loop = turns.gate.turn._loop

    async def play() -> None:
        for _ in range(5):
            turns.begin()
        assert calls == []
        await asyncio.sleep(0)
        assert calls == [5]
        turns.answer()
        turns.begin()
        await asyncio.sleep(0)
        assert calls == [5, 6]
        turns.answer()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert calls == [5, 6, 6]

    loop.run_until_complete(play())
    assert turns.statuses == [[200]] * 6


def test_who_left_within_the_turn_takes_nobody_along(turns: Turns) -> None:
    """Its front is answered all the same, once, and nothing of it goes upstream."""
    first, second, third = turns.begin(), turns.begin(MARKED), turns.begin()
    second.leave(len(MARKED))
    turns.gate.turn.end()
    assert [body for body, _ in turns.sent] == [CLEAN, CLEAN]
    assert len(turns.answers[2]) == 1
    first.leave()
    turns.answer(OK, REFUSED)
    third.leave()
    turns.gate.turn.end()
    assert turns.reasons == ["clean", "client_gone", "upstream_rejected"]
    by_number = sorted(turns.records(), key=lambda record: record["seq"])
    assert [record["answered"] for record in by_number] == [False, False, False]
    assert turns.statuses[::2] == [[200], [409]]


def test_who_was_refused_within_the_turn_is_not_judged(turns: Turns) -> None:
    """A front that gave up on a request before its turn ended has said what to answer."""
    turns.begin()
    turns.begin().refuse(Reason.BODY_TIMEOUT, len(CLEAN))
    turns.begin()
    turns.gate.turn.end()
    assert len(turns.sent) == 2
    turns.answer()
    turns.gate.turn.end()
    assert turns.statuses == [[200], [408], [200]]


def breaking(original: Callable[..., Any], turn: int) -> Callable[..., Any]:
    """Raises at one call and no other."""
    calls: list[None] = []

    def act(*arguments: Any, **options: Any) -> Any:
        calls.append(None)
        if len(calls) == turn:
            raise InjectedError
        return original(*arguments, **options)

    return act


BEGINNING = [
    ("policy", "parse"),
    ("policy", "validate"),
    ("journal", "forward"),
    (state, "begin_record"),
    (judging, "forward_record"),
    (judging, "new_sha256"),
    ("upstream", "send"),
]


@pytest.mark.parametrize("turn", [1, 2, 4])
@pytest.mark.parametrize(("where", "name"), BEGINNING, ids=[name for _, name in BEGINNING])
def test_a_fault_at_the_beginning_hits_one(
    turns: Turns, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, turn: int
) -> None:
    """503, recorded, logged by its place; the others of the turn are delivered."""
    target = getattr(turns.gate, where) if isinstance(where, str) else where
    for _ in range(4):
        turns.begin()
    with monkeypatch.context() as patch:
        patch.setattr(target, name, breaking(getattr(target, name), turn))
        turns.gate.turn.end()
    assert len(turns.sent) == 3
    assert turns.statuses[turn - 1] == [503]
    turns.answer()
    turns.gate.turn.end()
    assert turns.statuses == [[503 if place == turn else 200] for place in range(1, 5)]
    assert turns.reasons == ["gate_error" if place == turn else "clean" for place in range(1, 5)]
    assert len(turns.faults) == 1


def test_a_fault_while_lines_are_written_sends_nothing(
    turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows which are: 503 for what was to be sent, 200 for what had arrived."""
    turns.begin()
    turns.gate.turn.end()
    turns.answer()
    turns.begin()
    with monkeypatch.context() as patch:
        patch.setattr(turns.gate.journal, "flush", breaking(turns.gate.journal.flush, 1))
        turns.gate.turn.end()
    assert turns.sent == []
    assert turns.statuses == [[200], [503]]
    assert turns.faults == ["settle"]
    turns.gate.turn.end()
    assert turns.reasons == ["clean", "audit_unavailable"]


ENDING = [
    ("journal", "delivery"),
    (closing, "end_record"),
]


@pytest.mark.parametrize("turn", [1, 2])
@pytest.mark.parametrize(("where", "name"), ENDING, ids=[name for _, name in ENDING])
def test_a_fault_at_the_end_hits_one(
    turns: Turns, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, turn: int
) -> None:
    """What has arrived has arrived: 200 for all, and a record of each."""
    target = getattr(turns.gate, where) if isinstance(where, str) else where
    for _ in range(4):
        turns.begin()
    turns.gate.turn.end()
    turns.answer()
    with monkeypatch.context() as patch:
        patch.setattr(target, name, breaking(getattr(target, name), turn))
        turns.gate.turn.end()
    assert turns.statuses == [[200]] * 4
    assert turns.reasons == ["clean"] * 4
    assert len(turns.faults) == 1


def test_a_fault_with_a_refusal_hits_one(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rejection that cannot be relayed is a 503; the one behind it is relayed."""
    for _ in range(3):
        turns.begin()
    turns.gate.turn.end()
    turns.answer(REFUSED, REFUSED, OK)
    with monkeypatch.context() as patch:
        patch.setattr(concluding, "relay", breaking(relay, 1))
        turns.gate.turn.end()
    assert turns.statuses == [[503], [409], [200]]
    assert turns.reasons == ["gate_error", "upstream_rejected", "clean"]


@pytest.mark.parametrize("body", [CLEAN, BROKEN], ids=["delivered", "refused"])
def test_a_front_that_fails_at_its_answer_hits_nobody_else(turns: Turns, body: bytes) -> None:
    """The others of the turn get theirs; the record of this one says what happened."""

    def broken(_: Answer) -> None:
        raise InjectedError

    turns.begin(body)
    turns.begin(body, broken)
    turns.begin(body, broken).leave()
    turns.begin(body)
    turns.gate.turn.end()
    turns.answer()
    turns.gate.turn.end()
    status, reason = (200, "clean") if body is CLEAN else (422, "contract_violation")
    assert turns.statuses == [[status], [], [], [status]]
    assert turns.reasons == [reason, reason, "client_gone", reason]
    assert turns.faults == ["answer", "answer"]


def test_an_answer_that_brings_the_next_request_waits_for_the_next_turn(turns: Turns) -> None:
    """As on a connection with pipelined ones: each turn is bounded by what it began with."""
    again: list[int] = []

    def next_one(_: Answer) -> None:
        again.append(turns.gate.counts.received)
        if len(again) < 3:
            turns.begin(BROKEN, next_one)

    turns.begin(BROKEN, next_one)
    for count in (1, 2, 3):
        turns.gate.turn.end()
        assert len(again) == count
    turns.gate.turn.end()
    assert turns.reasons == ["contract_violation"] * 3


def test_an_answer_within_send_waits_for_the_next_turn(turns: Turns) -> None:
    """An upstream that ends an exchange at once does not end it within its own beginning."""
    turns.gate.upstream.send = lambda request, handler: handler.on_response(REFUSED_PORT)  # type: ignore[method-assign]  # as above
    turns.begin()
    turns.begin()
    turns.gate.turn.end()
    assert turns.statuses == [[], []]
    turns.gate.turn.end()
    assert turns.statuses == [[502], [502]]


@pytest.mark.parametrize("room", [0, 100, 700])
def test_without_room_for_the_beginning_nothing_goes_upstream(
    turns: Turns, disk: Disk, room: int
) -> None:
    """All of the turn are refused, recorded as soon as there is room, and the next are clean."""
    before = turns.path.read_bytes()
    for body in (CLEAN, BROKEN, CLEAN, CLEAN):
        turns.begin(body)
    disk.room = room
    turns.gate.turn.end()
    assert turns.sent == []
    assert turns.statuses == [[503], [422], [503], [503]]
    assert turns.path.read_bytes().startswith(before)
    assert turns.records("forward") == []
    disk.room = None
    turns.begin()
    turns.gate.turn.end()
    assert len(turns.sent) == 1
    turns.answer()
    turns.gate.turn.end()
    turns.gate.tick()
    counts = Counter(turns.reasons)
    if not room:
        assert counts == {"clean": 1}  # what was not forwarded is no line that is owed
    for record in turns.records("refusals"):
        counts[record["reason"]] += record["count"]
    assert counts == {"audit_unavailable": 3, "contract_violation": 1, "clean": 1}


@pytest.mark.parametrize("room", [0, 300, 1500])
def test_without_room_for_the_end_all_are_answered_and_owed(
    turns: Turns, disk: Disk, room: int
) -> None:
    """What the upstream took is answered so, and its lines come first when there is room."""
    for _ in range(3):
        turns.begin()
    turns.gate.turn.end()
    before = turns.path.read_bytes()
    turns.answer(OK, REFUSED, LATE)
    turns.begin()
    disk.room = room
    turns.gate.turn.end()
    assert turns.path.read_bytes().startswith(before)
    assert turns.statuses == [[200], [409], [504], [503]]
    assert turns.sent == []
    disk.room = None
    turns.begin()
    turns.gate.turn.end()
    assert turns.reasons[:3] == ["clean", "upstream_rejected", "upstream_timeout"]
    turns.answer()
    turns.gate.turn.end()


@pytest.mark.parametrize("stage", ["beginning", "end"])
def test_a_fault_of_the_journal_ends_the_turn_closed(
    turns: Turns, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """No fault of the disk: whoever waits is answered, and no place in flight is lost."""
    for _ in range(3):
        turns.begin()
    if stage == "end":
        turns.gate.turn.end()
        turns.answer()
    with monkeypatch.context() as patch:
        patch.setattr(Sink, "write", breaking(Sink.write, 1))
        turns.gate.turn.end()
    assert turns.sent == []
    assert turns.statuses == [[503 if stage == "beginning" else 200]] * 3
    turns.begin()
    turns.gate.turn.end()
    turns.answer()
    turns.gate.turn.end()
    assert turns.statuses[-1] == [200]


def test_closing_ends_the_turn_before_and_after(turns: Turns) -> None:
    """What was begun is cut off as timed out; what had ended is recorded as it ended."""
    turns.begin()
    turns.begin(BROKEN)
    turns.gate.turn.end()
    turns.begin()
    handler = turns.sent[0][1]

    async def expire() -> None:
        for _, handler in turns.sent:
            handler.on_response(LATE)

    turns.gate.upstream.close = expire  # type: ignore[method-assign]  # of what was sent
    handler.on_response(OK)
    turns.sent.pop(0)
    turns.gate.turn._loop.run_until_complete(turns.gate.close_upstreams())
    assert turns.statuses == [[200], [422], [504]]
    assert turns.answers[1][0] is DELIVERED
    assert turns.reasons == ["clean", "contract_violation", "upstream_timeout"]
