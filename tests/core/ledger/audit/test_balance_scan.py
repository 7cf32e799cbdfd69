"""Lines that are added up a piece at a time come to what they come to one by one."""

import json
import random

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from hookgate.ledger.audit.balance import balance
from hookgate.ledger.audit.balance_scan import BalanceRun
from hookgate.ledger.reading.reader import read
from hookgate.ledger.reading.scanning import Run
from support.examples import many
from support.lines import Record, delivery, forward, refusals, start, stop
from support.scanned import scan_for_balance, sized
from support.usual import whole

REASONS = ("clean", "clean", "malformed_json", "upstream_timeout", "source_not_allowed", "sum")


def requests(source: random.Random, count: int, boot: str) -> list[Record]:
    """A boot's requests as they overlap, over some minutes."""
    made: list[tuple[float, Record]] = []
    for seq in range(1, count + 1):
        begins = seq + source.random() * 5
        ends = begins + source.random() * 5
        reason = source.choice(REASONS)
        ts = {"ts": f"2026-11-22T12:{int(ends) // 7 % 60:02}:00.000000Z"}
        if reason == "sum":
            made.append((ends, refusals(seq, seq, 1, boot)))
            continue
        if reason in ("clean", "upstream_timeout"):
            names = {"reference": f"r-{seq}", **ts}
            made.append((begins, forward(seq, boot, **names)))
        made.append((ends, delivery(seq, reason, boot, **ts)))
    return [start(boot), *(r for _, r in sorted(made, key=lambda one: one[0])), stop(count, boot)]


def disturb(source: random.Random, records: list[Record]) -> None:
    """One line lost, doubled, moved, or about another request."""
    at, to = source.randrange(len(records)), source.randrange(len(records))
    match source.randrange(5):
        case 0:
            del records[at]
        case 1:
            records.insert(to, records[at])
        case 2:
            records.insert(to, records.pop(at))
        case 3:
            records[at] = {**records[at], "seq": source.choice([0, 1, to, None, "1"])}
        case _:
            records[at] = {**records[at], "outcome": source.choice(["failed", "lost", None])}


@settings(
    max_examples=many(150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.integers(0, 2**32), st.integers(0, 3), st.sampled_from([1000, 6000, 1 << 16]))
def test_runs_add_up_to_what_their_lines_do(
    tmp_path_factory: pytest.TempPathFactory, seed: int, disturbed: int, size: int
) -> None:
    """However requests overlap, and whatever is wrong; files may begin amid a boot."""
    source = random.Random(seed)
    records = [
        {**r, "n": n}
        for boot in ("b0", "b1")
        for n, r in enumerate(requests(source, source.randrange(1, 60), boot), 1)
    ]
    for _ in range(disturbed):
        disturb(source, records)
    records = records[source.choice([0, 0, len(records) // 3]) :]
    path = tmp_path_factory.mktemp("ledger") / "audit.jsonl"
    path.write_text(
        "".join(
            json.dumps({**whole(r), "n": r["n"], "prev": ""}, separators=(",", ":")) + "\n"
            for r in records
        )
    )
    lines = list(read([path]))
    with sized(size, 10 * size):
        found = list(scan_for_balance([path]))
        if any(isinstance(one, Run) and isinstance(one.told, BalanceRun) for one in found):
            event("added up in runs")
        assert balance(scan_for_balance([path])) == balance(lines)
