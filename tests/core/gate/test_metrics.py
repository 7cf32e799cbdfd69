"""What a gate counts, and how the counts of several processes become one."""

import asyncio
import itertools
import json
import pickle
import re
import time
from pathlib import Path

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.config.build import load
from hookgate.gate.gate import Gate
from hookgate.gate.metrics import FAMILIES, Snapshot, merge, surviving_counts
from hookgate.policy import Reason, make_head
from support.events import CLEAN, event
from support.examples import many
from support.receiver import OK, Receiver, Seen, receiving

ROOT = Path(__file__).parents[3]
INSIDE, OUTSIDE = "127.0.0.10", "127.0.0.66"
FIELDS = [(b"Host", b"gate"), (b"Content-Type", b"application/json")]


def make_gate(upstream: Receiver, folder: Path, **keys: object) -> Gate:
    overrides = {
        "upstream.url": upstream.url,
        "source.allow": [INSIDE],
        "audit.path": str(folder / "audit.jsonl"),
        **keys,
    }
    log: structlog.BoundLogger = structlog.wrap_logger(
        structlog.ReturnLogger(), [], structlog.BoundLogger
    )
    return Gate(load(None, overrides, {}), "test", log)


async def deliver(gate: Gate, body: bytes, peer: str = INSIDE, pause: float = 0.0) -> None:
    """One request; `pause` is how long its body takes to come."""
    delivery = gate.begin(peer)
    if delivery.screen(make_head(peer, b"POST", b"/cm/events", FIELDS)) is None:
        await asyncio.sleep(pause)
        answered = asyncio.Event()
        delivery.deliver(body, lambda _: answered.set())
        await asyncio.wait_for(answered.wait(), 10)


def counted(snapshot: Snapshot, name: str) -> dict[tuple[str, ...], float]:
    """A metric's rows that are not 0."""
    return {tuple(labels): value for labels, value in snapshot[name] if value}


def test_deliveries_are_counted_by_outcome_reason_and_contract(tmp_path: Path) -> None:
    """And by whether they came from the allowed ranges."""

    async def session(upstream: Receiver) -> Snapshot:
        gate = make_gate(upstream, tmp_path)
        await deliver(gate, CLEAN)
        await deliver(gate, CLEAN)
        await deliver(gate, event(timeUtc="yesterday"))
        await deliver(gate, CLEAN, OUTSIDE)
        upstream.respond = lambda _: b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
        await deliver(gate, CLEAN)
        gate.begin(INSIDE).leave()
        gate.begin(INSIDE)
        snapshot = gate.snapshot()
        await gate.close()
        return snapshot

    with receiving() as upstream:
        snapshot = asyncio.run(session(upstream))
    assert counted(snapshot, "hookgate_deliveries_total") == {
        ("delivered", "clean", "cm-events", "test"): 2,
        ("refused", "contract_violation", "cm-events", "test"): 1,
        ("refused", "source_not_allowed", "", "test"): 1,
        ("failed", "upstream_rejected", "cm-events", "test"): 1,
        ("aborted", "client_gone", "", "test"): 1,
    }
    assert counted(snapshot, "hookgate_outcomes_total") == {
        ("delivered", "inside"): 2,
        ("refused", "inside"): 1,
        ("refused", "outside"): 1,
        ("failed", "inside"): 1,
        ("aborted", "inside"): 1,
    }
    assert counted(snapshot, "hookgate_in_flight") == {(): 1}
    assert counted(snapshot, "hookgate_ledger_lines_total") == {
        ("start",): 1,
        ("forward",): 3,
        ("delivery",): 6,
    }


def test_each_part_of_the_time_is_counted_for_whom_it_belongs_to(tmp_path: Path) -> None:
    """Neither a slow sender nor a slow upstream makes the gate look slow."""

    def slow(_: Seen) -> bytes:
        time.sleep(0.3)  # in the upstream's thread
        return OK

    async def session(upstream: Receiver) -> Snapshot:
        gate = make_gate(upstream, tmp_path)
        await deliver(gate, CLEAN, pause=0.3)
        await deliver(gate, event(timeUtc="yesterday"))
        await deliver(gate, CLEAN, OUTSIDE)
        snapshot = gate.snapshot()
        await gate.close()
        return snapshot

    with receiving() as upstream:
        upstream.respond = slow
        snapshot = asyncio.run(session(upstream))
    ((_, (gate_sum, *gate_counts)),) = snapshot["hookgate_gate_seconds"]
    ((_, (upstream_sum, *upstream_counts)),) = snapshot["hookgate_upstream_seconds"]
    assert sum(gate_counts) == 2  # what was refused on its head was never complete
    assert sum(upstream_counts) == 1
    assert upstream_sum >= 0.3
    assert gate_sum < 0.25


def test_what_may_fail_is_there_before_it_does(tmp_path: Path) -> None:
    """A series that appears with its first count hides that count from `increase`."""

    async def session(upstream: Receiver) -> Snapshot:
        gate = make_gate(upstream, tmp_path)
        snapshot = gate.snapshot()
        await gate.close()
        return snapshot

    with receiving() as upstream:
        snapshot = asyncio.run(session(upstream))
    reasons = {labels[1] for labels, _ in snapshot["hookgate_deliveries_total"]}
    assert reasons == {r.code for r in Reason if r.outcome.value in ("delivered", "failed")}
    assert len(snapshot["hookgate_outcomes_total"]) == 8
    assert "hookgate_last_delivered_timestamp_seconds" not in snapshot


@pytest.mark.parametrize(
    ("allow", "shipped"),
    [
        (["cm.com"], ["cm.com"]),
        (["cm.com", INSIDE], ["cm.com"]),
        ([INSIDE], []),
        (["31.169.56.0/21"], []),
    ],
    ids=["by name", "by name and more", "others", "a part"],
)
def test_ranges_have_a_review_date_where_a_shipped_set_is_allowed(
    allow: list[str], shipped: list[str], tmp_path: Path
) -> None:
    """Nobody is told to review ranges that are not in use."""

    async def session(upstream: Receiver) -> Snapshot:
        gate = make_gate(upstream, tmp_path, **{"source.allow": allow})
        snapshot = gate.snapshot()
        await gate.close()
        return snapshot

    with receiving() as upstream:
        snapshot = asyncio.run(session(upstream))
    found = snapshot["hookgate_ranges_reviewed_timestamp_seconds"]
    assert [labels for labels, _ in found] == [[name] for name in shipped]
    assert all(value % 86400 == 0 for _, value in found)


def values_of(name: str) -> st.SearchStrategy[object]:
    family = FAMILIES[name]
    numbers = st.integers(0, 2**40)
    if family.kind == "histogram":
        return st.lists(numbers, min_size=len(family.bounds) + 2, max_size=len(family.bounds) + 2)
    return numbers


SNAPSHOTS = st.fixed_dictionaries(
    {},
    optional={
        name: st.dictionaries(
            st.tuples(*[st.sampled_from(["a", "b"])] * len(family.labels)), values_of(name)
        ).map(lambda found: [(list(labels), value) for labels, value in found.items()])
        for name, family in FAMILIES.items()
    },
)


@given(st.lists(SNAPSHOTS, min_size=3, max_size=3))
@settings(max_examples=many(30, fewest=10), deadline=None)
def test_merging_goes_in_any_order_and_in_any_steps(snapshots: list[Snapshot]) -> None:
    """Workers answer when they can, and the dead ones' counts were merged before."""

    def plain(snapshot: Snapshot) -> object:
        return {name: sorted(rows, key=str) for name, rows in snapshot.items()}

    expected = plain(merge(snapshots))
    for one, two, three in itertools.permutations(snapshots):
        assert plain(merge([merge([one, two]), three])) == expected


@given(SNAPSHOTS)
@settings(max_examples=many(20, fewest=10), deadline=None)
def test_a_snapshot_survives_the_way_to_another_process(snapshot: Snapshot) -> None:
    """As JSON, where its rows become lists, and pickled."""
    assert merge([json.loads(json.dumps(snapshot))]) == merge([snapshot])
    assert pickle.loads(pickle.dumps(snapshot)) == snapshot


def test_values_join_as_they_mean() -> None:
    """Sums of what adds up; of the rest the worst, the first or the last."""

    def both(name: str) -> object:
        return merge([{name: [([], 3)]}, {name: [([], 5)]}])[name][0][1]

    assert both("hookgate_in_flight") == 8
    assert both("process_open_fds") == 8
    assert both("hookgate_ledger_available") == 3
    assert both("process_start_time_seconds") == 3
    assert both("hookgate_last_delivered_timestamp_seconds") == 5


def test_of_a_dead_process_only_what_happened_remains() -> None:
    """Its counts stay, its connections are gone."""
    snapshot: Snapshot = {name: [] for name in FAMILIES}
    gone = FAMILIES.keys() - surviving_counts(snapshot).keys()
    assert {FAMILIES[name].kind for name in gone} == {"gauge"}
    assert "hookgate_last_delivered_timestamp_seconds" in surviving_counts(snapshot)


def test_the_page_lists_every_metric() -> None:
    """docs/metrics.md has each metric once, in order, with its labels and what it counts."""
    page = (ROOT / "docs/metrics.md").read_text()
    found = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]*) \| ([^|]+) \|$", page, re.MULTILINE)
    assert found == [
        (f.name, f.kind, ", ".join(f"`{label}`" for label in f.labels), f.about)
        for f in FAMILIES.values()
    ]
