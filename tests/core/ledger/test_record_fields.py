"""Every kind of line has exactly its keys, in their order, as a gate writes them."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from hookgate.config.build import load
from hookgate.gate.gate import Gate
from hookgate.policy import Reason, make_head
from support.events import CLEAN
from support.ledger import assert_balanced, fields_of, read_ledger

ALLOWED, FOREIGN = "127.0.0.10", "192.0.2.66"
FIELD_LINES = [(b"Host", b"gate"), (b"Content-Type", b"application/json")]


async def _use(gate: Gate, bodies: list[bytes], strangers: int) -> None:
    ended = asyncio.Event()
    answers = []

    def done(answer: object) -> None:
        answers.append(answer)
        if len(answers) == len(bodies):
            ended.set()

    for body in bodies:
        delivery = gate.begin(ALLOWED)
        assert delivery.screen(make_head(ALLOWED, b"POST", b"/", FIELD_LINES)) is None
        delivery.deliver(body, done)
    for _ in range(strangers):
        gate.begin(FOREIGN).screen(make_head(FOREIGN, b"POST", b"/", FIELD_LINES))
    gate.begin(ALLOWED).refuse(Reason.HEAD_TIMEOUT)
    gate.begin(ALLOWED).leave()
    async with asyncio.timeout(10):
        await ended.wait()
    gate.tick()
    await gate.close()


@pytest.fixture
def use_gate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[list[bytes], int], Path]]:
    """Runs a gate, whose upstream nobody serves, over some bodies; returns its ledger's path."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "audit.jsonl"
    unserved = socket.socket()
    unserved.bind(("127.0.0.1", 0))
    config = load(
        None,
        {
            "upstream.url": f"http://127.0.0.1:{unserved.getsockname()[1]}",
            "source.allow": [ALLOWED],
            "audit.path": str(path),
        },
        {},
    )
    log: structlog.BoundLogger = structlog.wrap_logger(structlog.testing.ReturnLogger())

    def use(bodies: list[bytes], strangers: int) -> Path:
        async def run() -> None:
            await _use(Gate(config, "test", log), bodies, strangers)

        asyncio.run(run())
        return path

    yield use
    unserved.close()


def test_every_kind_has_its_keys_in_order(use_gate: Callable[[list[bytes], int], Path]) -> None:
    """A clean event, broken ones, a flood, a time-out and a sender that left: all in one form."""
    path = use_gate([CLEAN, CLEAN[:-1], b"{}", b"\xff", b""], 60)
    records = read_ledger(path)
    assert {record["event"] for record in records} == {
        "start",
        "forward",
        "delivery",
        "refusals",
        "stop",
    }
    for record in records:
        assert tuple(record) == fields_of(record)
        if record["event"] == "delivery":
            unanswered = record["reason"] == "upstream_unreachable"
            assert ("upstream_error" in record) == unanswered


def test_sequence_numbers_count_arrivals(use_gate: Callable[[list[bytes], int], Path]) -> None:
    """Each arrival has one number, and with the sums none is missing."""
    path = use_gate([CLEAN, b"{}"], 60)
    records = read_ledger(path)
    numbered = [record["seq"] for record in records if record["event"] == "delivery"]
    (flood,) = [record for record in records if record["event"] == "refusals"]
    summed = range(flood["first_seq"], flood["last_seq"] + 1)
    assert len(summed) == flood["count"] == 10
    assert sorted([*numbered, *summed]) == list(range(1, 65))
    assert assert_balanced(path) == {"failed": 1, "refused": 62, "aborted": 1}
