"""The gate: what it begins, how it ends, what it writes of itself, and how it fails."""

import asyncio
import contextlib
import json
from pathlib import Path

import pytest

from hookgate import __version__
from hookgate.gate.answer import Answer
from hookgate.gate.gate import Gate
from hookgate.ledger.writing.sink import LedgerError
from hookgate.libraries import libraries
from hookgate.policy import make_head
from support.core_gate import (
    NOWHERE,
    PEER,
    SECRET,
    Log,
    deliver,
    endpoint,
    fail,
    head,
    in_gate,
    make_config,
    make_gate,
    of,
    reload,
    run,
    screened,
    under_way,
)
from support.events import CLEAN
from support.ledger import read_ledger
from support.policy import JSON


def test_a_ledger_begins_with_who_writes_it(tmp_path: Path) -> None:
    log = Log()

    async def session() -> tuple[str, str]:
        config = make_config(NOWHERE, tmp_path)
        gate = Gate(config, "sidecar", log.logger, worker=3, replaces="killed")
        await gate.close()
        assert gate.config is config
        return gate.boot, gate.policy.fingerprint

    boot, policy = asyncio.run(session())
    start, stop = read_ledger(tmp_path / "audit.jsonl")
    said = {name: start[name] for name in ("boot", "front", "version", "policy", "libraries")}
    assert said == {
        "boot": boot,
        "front": "sidecar",
        "version": __version__,
        "policy": policy,
        "libraries": list(libraries("sidecar")),
    }
    assert start["config"] == make_config(NOWHERE, tmp_path).digest
    assert (start["worker"], start["replaces"]) == (3, "killed")
    assert (stop["boot"], stop["front"], stop["received"]) == (boot, "sidecar", 0)


def test_what_a_front_holds_of_a_body_goes_with_its_delivery(tmp_path: Path) -> None:
    """Its bytes are counted by the front, and taken off once however often it ends."""

    async def act(gate: Gate) -> None:
        one, other = screened(gate), screened(gate)
        one.held, other.held = 7, 5
        gate.counts.buffered += 12
        one.leave(7)
        one.leave(7)
        assert gate.counts.buffered == 5

    in_gate(tmp_path, act)


@pytest.mark.parametrize(("header", "sent"), [("cf-connecting-ip", 0), ("x-real-ip", 1)])
def test_the_field_that_names_clients_goes_on_from_no_other_peer(
    tmp_path: Path, header: str, sent: int
) -> None:
    """Where it is one of its own: a sender that is no trusted proxy may say anything in it."""
    field = (b"CF-Connecting-IP", b"203.0.113.5")
    told = make_head(PEER, b"POST", b"/", [(b"Host", b"gate"), *JSON[1:], field])

    async def act(gate: Gate) -> None:
        async with endpoint() as at:
            reload(gate, tmp_path, at.url, **{"source.header": header})
            assert (await run(gate, CLEAN, told))[0].status == 200
            assert at.heads[0].count(field[0]) == sent

    in_gate(tmp_path, act)


def test_a_gate_without_a_ledger_is_none(tmp_path: Path) -> None:
    async def session() -> None:
        make_gate(NOWHERE, tmp_path, Log(), **{"audit.path": str(tmp_path)})

    with pytest.raises(LedgerError):
        asyncio.run(session())


def test_what_begins_is_numbered_and_in_flight_until_it_ends(tmp_path: Path) -> None:
    async def act(gate: Gate) -> None:
        first, second, third = (gate.begin(PEER) for _ in range(3))
        assert [d.request_id for d in (first, second, third)] == [
            f"{gate.boot}-{seq}" for seq in (1, 2, 3)
        ]
        assert (gate.counts.received, gate.counts.in_flight, gate.counts.under_way) == (3, 3, 0)
        assert second.screen(head()) is None
        assert (gate.counts.in_flight, gate.counts.under_way) == (3, 1)
        assert third.screen(head(method=b"GET")) is not None
        assert (gate.counts.in_flight, gate.counts.under_way) == (2, 1)
        second.leave()
        assert (gate.counts.in_flight, gate.counts.under_way) == (1, 0)

    [stop] = of(in_gate(tmp_path, act)[0], "stop")
    counts = {name: stop[name] for name in ("received", "refused", "aborted", "in_flight")}
    assert counts == {"received": 3, "refused": 1, "aborted": 1, "in_flight": 1}


def test_the_end_cuts_off_every_pool_that_is_busy(tmp_path: Path) -> None:
    """Also those that were replaced one after the other; what they had is told as timed out."""
    answers: list[asyncio.Future[Answer]] = []

    async def act(gate: Gate) -> None:
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(3):
                silent = await stack.enter_async_context(endpoint(answering=False))
                reload(gate, tmp_path, silent.url)
                answers.append(await under_way(gate, silent))
            answers.append(deliver(screened(gate), CLEAN))
            await gate.close_upstreams()
            assert [answer.result().status for answer in answers] == [504] * 4
            assert gate.counts.in_flight == 0

    records, _ = in_gate(tmp_path, act)
    assert [record["reason"] for record in of(records, "delivery")] == ["upstream_timeout"] * 4
    [stop] = of(records, "stop")
    assert (stop["received"], stop["failed"], stop["in_flight"]) == (4, 4, 0)


def test_the_ledger_may_be_closed_with_deliveries_in_flight(tmp_path: Path) -> None:
    """Where there is no loop any more: they are counted, and have no record."""

    async def act(gate: Gate) -> None:
        gate.begin(PEER)
        await run(gate, CLEAN, head(method=b"GET"))
        gate.close_ledger()

    records, _ = in_gate(tmp_path, act)
    stop = of(records, "stop")[0]
    assert (stop["received"], stop["refused"], stop["in_flight"]) == (2, 1, 1)


@pytest.mark.parametrize(
    ("setting", "sent"),
    [("preserve", b"gate"), ("literal.example", b"literal.example"), ("upstream", b"")],
)
def test_the_host_that_goes_upstream_is_as_configured(
    tmp_path: Path, setting: str, sent: bytes
) -> None:
    """The sender's, one that is written out, or the endpoint's own with its port."""

    async def act(gate: Gate) -> None:
        async with endpoint() as at:
            reload(gate, tmp_path, at.url, **{"upstream.host": setting})
            await run(gate, CLEAN)
            host = sent or at.url.removeprefix("http://").encode()
            assert b"\r\nHost: " + host + b"\r\n" in at.heads[0]

    in_gate(tmp_path, act)


@pytest.mark.parametrize("where", ["delivery", "forward", "flush"])
def test_a_journal_that_fails_sends_nothing_and_says_nothing_of_a_sender(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Closed: 503 as long as it lasts; then events go through again."""

    async def act(gate: Gate) -> None:
        async with endpoint() as at:
            reload(gate, tmp_path, at.url)
            with monkeypatch.context() as patch:
                patch.setattr(gate.journal, where, fail)
                answer, delivery = await run(gate, CLEAN)
                assert (answer.status, delivery.ended) == (
                    200 if where == "delivery" else 503,
                    True,
                )
                assert len(at.heads) == (where == "delivery")
            assert (await run(gate, CLEAN))[0].status == 200

    log = Log()

    async def session() -> None:
        gate = make_gate(NOWHERE, tmp_path, log)
        await act(gate)
        await gate.close()

    asyncio.run(session())
    assert log.of("gate.fault")
    assert SECRET not in json.dumps(log.events)


@pytest.mark.parametrize("fails", ["journal", "troubles"])
def test_a_tick_reaches_the_journal_and_the_troubles_and_survives_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    async def act(gate: Gate) -> None:
        monkeypatch.setattr(getattr(gate, fails), "tick", fail)
        gate.tick()
        monkeypatch.undo()
        gate.tick()

    _, log = in_gate(tmp_path, act)
    assert [entry["where"] for entry in log.of("gate.fault")] == ["tick"]
    assert SECRET not in json.dumps(log.events)


def _outermost() -> None:
    _between()


def _between() -> None:
    _innermost()


def _innermost() -> None:
    fail()


def test_a_fault_is_told_by_where_it_arose(tmp_path: Path) -> None:
    """Its type, and the innermost function and line: never its message."""

    async def act(gate: Gate) -> None:
        try:
            _outermost()
        except Exception as error:  # noqa: BLE001  # what a front does
            gate.log_fault("here", error)
        gate.log_fault("there", ValueError(SECRET))  # it was never raised

    _, log = in_gate(tmp_path, act)
    raised, bare = log.of("gate.fault")
    line = fail.__code__.co_firstlineno + 2
    assert (raised["level"], raised["where"], raised["error"]) == ("error", "here", "InjectedError")
    assert (raised["function"], raised["line"]) == ("fail", line)
    assert (bare["where"], bare["error"], bare["function"]) == ("there", "ValueError", "")
    assert SECRET not in json.dumps(log.events)
