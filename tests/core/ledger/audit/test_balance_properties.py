"""What a gate writes balances; what was done to it afterwards does not."""

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.ledger.audit.balance import balance
from support.examples import many
from support.lines import Record, delivery, forward, lines, refusals, start, stop


@st.composite
def ledgers(draw: st.DrawFn) -> list[Record]:
    """A boot's lines as its requests overlap, some of its refusals summed."""
    count = draw(st.integers(1, 40))
    seed = draw(st.integers(0, 2**32))
    source = random.Random(seed)
    made: list[tuple[float, Record]] = []
    summed: list[int] = []
    for seq in range(1, count + 1):
        ends = seq + source.random() * 8
        match source.randrange(3):
            case 0:
                summed.append(seq)
            case 1:
                made.append((ends, delivery(seq, "malformed_json")))
            case _:
                made += [(ends - 0.1, forward(seq)), (ends, delivery(seq))]
    while summed:
        part, summed = summed[:5], summed[5:]
        made.append((part[-1] + 9, refusals(part[0], part[-1], len(part))))
    ended = [record for _, record in sorted(made, key=lambda item: item[0])]
    counts: dict[str, Any] = {"delivered": 0, "refused": 0}
    for record in ended:
        if record["event"] != "forward":
            counts[record["outcome"]] += record.get("count", 1)
    return [start(), *ended, stop(count, **counts)]


@settings(max_examples=many(150), deadline=None)
@given(ledgers())
def test_any_ledger_that_a_gate_writes_balances(records: list[Record]) -> None:
    """However its requests overlap."""
    result = balance(lines(*records))
    assert result.findings == []
    assert result.total.received == records[-1]["received"]


@settings(max_examples=many(150), deadline=None)
@given(ledgers(), st.data())
def test_any_line_that_is_lost_or_doubled_unbalances_it(
    records: list[Record], data: st.DataObject
) -> None:
    """Of deliveries, forwards and sums none can go or come unnoticed."""
    at = data.draw(st.integers(1, len(records) - 2))
    copies = data.draw(st.sampled_from([0, 2]))
    changed = [*records[:at], *([records[at]] * copies), *records[at + 1 :]]
    if copies and records[at]["event"] == "forward":
        return  # a forward repeated before its delivery says nothing else
    assert not balance(lines(*changed)).balances
