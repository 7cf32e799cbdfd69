"""A reload: what it changes, what it leaves, and what is under way meanwhile."""

import asyncio
import gc
import weakref
from pathlib import Path
from typing import Any

import pytest

from hookgate.gate.gate import Gate
from hookgate.ledger.record import MOST_ITEMS
from hookgate.policy.event_reader import LONGEST_TEXT
from hookgate.settings import RouteSettings
from hookgate.upstream.pool import IDLE_SECONDS
from support.core_gate import (
    NOWHERE,
    deliver,
    endpoint,
    in_gate,
    make_config,
    of,
    reload,
    run,
    screened,
    soon,
    under_way,
)
from support.events import CLEAN

OTHERS_ONLY: dict[str, Any] = {"source.allow": ["127.0.0.9"]}


def test_to_prepare_changes_nothing(tmp_path: Path) -> None:
    async def act(gate: Gate) -> None:
        terms = gate.desk.compiled
        gate.prepare(make_config("http://127.0.0.1:2", tmp_path, **OTHERS_ONLY))
        assert gate.desk.compiled is terms
        unusable = (RouteSettings("/", "unusable", b'{"type": 7}'),)
        with pytest.raises(ValueError, match="is no type"):
            gate.prepare(make_config(NOWHERE, tmp_path, routes=unusable))
        assert gate.desk.compiled is terms

    records, log = in_gate(tmp_path, act)
    assert [record["event"] for record in records] == ["start", "stop"]
    assert {entry["event"] for entry in log.events} == {"ledger.checkpoint"}  # the stop's


def test_a_reload_is_recorded_and_counted(tmp_path: Path) -> None:
    """Applied: from what, to what. Refused: why, as much as a record holds."""
    problems = ("x" * 999, *(f"problem {number}" for number in range(20)))
    seen: list[tuple[str, str]] = []

    async def act(gate: Gate) -> None:
        seen.append((gate.policy.fingerprint, gate.config.digest))
        reload(gate, tmp_path, **OTHERS_ONLY)
        seen.append((gate.policy.fingerprint, gate.config.digest))
        gate.record_refused_reload(problems)
        gate.record_refused_reload(problems)
        assert gate.counts.reloads == {"applied": 1, "refused": 2}

    records, log = in_gate(tmp_path, act)
    applied, refused, _ = of(records, "reload")
    old, new = seen
    assert old[0] != new[0]
    assert old[1] != new[1]
    for record, result, before in ((applied, "applied", old), (refused, "refused", new)):
        assert (record["front"], record["result"]) == ("test", result)
        assert (record["old_policy"], record["old_config"]) == before
        assert (record["policy"], record["config"]) == new
    assert applied["errors"] == []
    assert refused["errors"] == ["x" * LONGEST_TEXT, *problems[1:MOST_ITEMS]]
    [told] = log.of("gate.reload_applied")
    assert (told["level"], told["old_policy"], told["policy"]) == ("info", old[0], new[0])
    told, _ = log.of("gate.reload_refused")
    assert (told["level"], told["problems"]) == ("error", list(problems))


def test_what_began_by_old_terms_is_judged_by_those_in_force(tmp_path: Path) -> None:
    """Its head passed before the reload and its body came after it."""

    async def act(gate: Gate) -> None:
        delivery = screened(gate)
        reload(gate, tmp_path, **OTHERS_ONLY)
        assert (await soon(deliver(delivery, CLEAN))).status == 403
        assert (gate.counts.in_flight, gate.counts.under_way) == (0, 0)

    records, _ = in_gate(tmp_path, act)
    [delivery] = of(records, "delivery")
    assert (delivery["reason"], delivery["sha256"]) == ("source_not_allowed", None)
    assert of(records, "forward") == []
    [reloaded] = of(records, "reload")
    assert delivery["policy"] == reloaded["policy"]


def test_what_began_before_a_reload_goes_where_events_go_now(tmp_path: Path) -> None:
    """With the head, the upstream and the fingerprint of the terms in force."""

    async def act(gate: Gate) -> None:
        async with endpoint() as now:
            delivery = screened(gate)
            changed: dict[str, Any] = {"request.max_body": "1KiB", "upstream.host": "now.example"}
            reload(gate, tmp_path, now.url, **changed)
            assert (await soon(deliver(delivery, CLEAN))).status == 200
            assert [b"\r\nHost: now.example\r\n" in sent for sent in now.heads] == [True]

    records, _ = in_gate(tmp_path, act)
    [delivery], [reloaded] = of(records, "delivery"), of(records, "reload")
    assert delivery["policy"] == reloaded["policy"] != reloaded["old_policy"]


def test_what_is_upstream_ends_there(tmp_path: Path) -> None:
    """Whatever the terms say now: it has been sent."""

    async def act(gate: Gate) -> None:
        async with endpoint(answering=False) as old:
            reload(gate, tmp_path, old.url)
            answer = await under_way(gate, old)
            reload(gate, tmp_path, **OTHERS_ONLY)
            old.answering.set()
            assert (await soon(answer)).status == 200

    records, _ = in_gate(tmp_path, act)
    [delivery] = of(records, "delivery")
    assert delivery["policy"] == of(records, "start")[0]["policy"]


def test_a_pool_outlives_a_reload_that_does_not_change_it(tmp_path: Path) -> None:
    """The next event goes by the connection of the one before."""

    async def act(gate: Gate) -> None:
        async with endpoint() as same:
            reload(gate, tmp_path, same.url)
            pool = gate.upstream
            await run(gate, CLEAN)
            reload(gate, tmp_path, same.url, **{"request.max_body": "1KiB"})
            assert gate.upstream is pool
            await run(gate, CLEAN)
            assert not same.closed.is_set()
            reload(gate, tmp_path, same.url, **{"upstream.timeout": "1s"})
            assert gate.upstream is not pool

    in_gate(tmp_path, act)


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_a_pool_that_was_replaced_keeps_no_connection(tmp_path: Path, busy: bool) -> None:
    """One that is idle is closed at once, one that is busy once it is not."""

    async def act(gate: Gate) -> None:
        async with endpoint(answering=not busy) as old, endpoint() as new:
            reload(gate, tmp_path, old.url)
            answer = await under_way(gate, old)
            if not busy:
                await soon(answer)
            reload(gate, tmp_path, new.url)
            old.answering.set()
            await soon(answer)
            # Long before a connection is too old to be kept.
            await asyncio.wait_for(old.closed.wait(), IDLE_SECONDS * 0.75)

    in_gate(tmp_path, act)


def test_a_failure_of_the_old_endpoint_is_none_of_the_new_one(tmp_path: Path) -> None:
    """It is counted, and begins no trouble; one of the endpoint in force does."""

    async def act(gate: Gate) -> None:
        async with endpoint(answering=False) as old:
            old.answer = b"no HTTP\r\n\r\n"
            reload(gate, tmp_path, old.url)
            answer = await under_way(gate, old)
            reload(gate, tmp_path)
            old.answering.set()
            assert (await soon(answer)).status == 502
        assert gate.troubles.present == []
        assert sum(gate.counts.upstream_errors.values()) == 1
        await run(gate, CLEAN)
        assert gate.troubles.present == ["refused"]

    _, log = in_gate(tmp_path, act)
    assert [entry["upstream"] for entry in log.of("upstream.failing")] == [NOWHERE]


def test_a_trouble_outlives_a_reload_to_the_same_endpoint(tmp_path: Path) -> None:
    """Another time-out makes another pool, and the endpoint no better."""

    async def act(gate: Gate) -> None:
        await run(gate, CLEAN)
        reload(gate, tmp_path, **{"upstream.timeout": "3s"})
        assert gate.troubles.present == ["refused"]
        reload(gate, tmp_path, "http://127.0.0.1:2")
        assert gate.troubles.present == []

    in_gate(tmp_path, act)


def test_a_pool_that_was_replaced_and_has_nothing_to_do_is_let_go(tmp_path: Path) -> None:
    """However often the endpoint changes."""

    async def act(gate: Gate) -> None:
        pools = []
        for port in range(1, 5):
            pools.append(weakref.ref(gate.upstream))
            reload(gate, tmp_path, f"http://127.0.0.2:{port}")
        gc.collect()
        assert [pool() for pool in pools] == [None] * 4

    in_gate(tmp_path, act)
