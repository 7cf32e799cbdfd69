"""What a ledger sums up to, line by line."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.config.contracts import SHIPPED_CONTRACTS, load_rules
from hookgate.ledger.audit.answers import RELAYED
from hookgate.ledger.audit.counters import Latency, Tally, Timeline
from hookgate.ledger.audit.stats import SUMMED, Slow, Summary, summarise
from hookgate.ledger.audit.summary_json import as_dict
from hookgate.ledger.members import FLAG, FORMS
from hookgate.ledger.reading.reader import Line
from hookgate.policy import parse_rules
from hookgate.settings import AnswerMode
from support.examples import many

TS = "2025-09-03T08:00:05.123456Z"


def sums(*records: Any) -> Summary:
    """The summary of lines with these records; None is a line that is none."""
    return summarise(
        Line("a.jsonl", number, b"", record, "" if record else "no record")
        for number, record in enumerate(records, 1)
    )


def delivery(**fields: Any) -> dict[str, Any]:
    return {"event": "delivery", "ts": TS, "outcome": "delivered", "reason": "clean", **fields}


def test_deliveries_are_counted_by_what_they_say() -> None:
    """Each field that is counted by its values has them."""
    said = {"channel": "RCS", "event_type": "Read", "route": "r", "client": "192.0.2.1"}
    found = sums(
        delivery(**said, front="addon", upstream_status=200),
        delivery(**said, front="nginx", upstream_status=200),
        delivery(outcome="refused", reason="malformed_json"),
    )
    assert found.deliveries == found.lines == 3
    assert found.outcomes == {"delivered": 2, "refused": 1}
    assert found.reasons.top() == [(("delivered", "clean"), 2), (("refused", "malformed_json"), 1)]
    assert found.channels.counts == {"RCS": 2}
    assert found.event_types.counts == {"Read": 2}
    assert found.routes.counts == {"r": 2}
    assert found.clients.counts == {"192.0.2.1": 2}
    assert found.fronts.counts == {"addon": 1, "nginx": 1}
    assert found.upstream_statuses.counts == {200: 2}


def test_sums_of_refusals_count_as_many_requests_as_they_say() -> None:
    """A `refusals` line counts in outcome, reason, front and timeline, and nowhere else."""
    record = {
        "event": "refusals",
        "ts": TS,
        "outcome": "refused",
        "reason": "r",
        "front": "sidecar",
    }
    found = sums({**record, "count": 7}, {**record, "count": -1}, {**record, "count": "9"})
    assert (found.deliveries, found.summed, found.lines) == (7, 7, 3)
    assert found.fronts.counts == {"sidecar": 7}
    assert [counts for _, counts in found.timeline.coarsened(10)[1]] == [{"refused": 7}]
    assert found.clients.counts == {}


def test_other_and_future_lines_are_only_lines() -> None:
    """Forwards, starts, stops and kinds of line that are not known yet end no request."""
    kinds = ("forward", "start", "stop", "reload", "")
    found = sums(*({"event": kind, "outcome": "delivered"} for kind in kinds))
    assert (found.lines, found.deliveries, found.problems) == (5, 0, 0)


def test_lines_that_are_no_records_are_counted_and_the_first_are_named() -> None:
    """Damage is survived; places stay bounded."""
    found = sums(*[None] * 100)
    assert (found.lines, found.problems, len(found.places)) == (100, 100, 20)
    assert found.places[0] == ("a.jsonl:1", "no record")


@pytest.mark.parametrize("field", SUMMED[1:])
@pytest.mark.parametrize("value", [-5, True, {}, 10**30, [5]], ids=repr)
def test_a_line_with_a_value_of_another_type_is_no_record(field: str, value: Any) -> None:
    """It is counted as one that no gate wrote, and named with the member."""
    if FORMS[field] is FLAG and value is True:
        value = "true"
    found = sums(delivery(**{field: value}), delivery())
    assert (found.deliveries, found.lines, found.problems, found.malformed) == (1, 2, 1, 1)
    assert found.places[0][1].startswith(f'no record: "{field}" is n')


def test_long_texts_are_cut() -> None:
    """The summary stays bounded and can be told."""
    texts = ("outcome", "reason", "channel", "event_type", "route", "client", "front")
    found = sums(delivery(**dict.fromkeys(texts, "x" * 1000)))
    assert (found.deliveries, list(found.channels.counts)) == (1, ["x" * 256])
    json.dumps(as_dict(found), allow_nan=False)


def test_what_was_observed_is_counted_by_reason() -> None:
    """A delivery counts for each of its reasons; most have none."""
    both = ["content_type_missing", "contract_violation"]
    found = sums(delivery(observed=both), delivery(observed=both[1:]), delivery(observed=[]))
    assert found.observed.counts == {"content_type_missing": 1, "contract_violation": 2}


def test_what_failed_at_the_endpoint_is_counted_by_cause() -> None:
    """Those that were answered, and those of older ledgers, have none."""
    found = sums(
        delivery(upstream_error="refused"),
        delivery(upstream_error="refused"),
        delivery(upstream_error="reset"),
        delivery(upstream_error=None),
        delivery(),
    )
    assert as_dict(found)["upstream_errors"] == {"refused": 2, "reset": 1}


def test_what_was_delivered_and_answered_other_than_200_is_counted() -> None:
    """As nginx relays a 204; a refusal is none, nor what a route relays."""
    found = sums(
        delivery(front="nginx", status=200),
        delivery(front="nginx", status=204, upstream_status=204),
        delivery(front="nginx", status=201, upstream_status=201),
        delivery(outcome="failed", reason="upstream_rejected", status=500),
        delivery(outcome="refused", reason="not_utf8", status=400),
        delivery(status=200, upstream_status=204),
        delivery(status=201, upstream_status=201),
        delivery(front="addon", route="own.json", status=202, upstream_status=202),
        delivery(front="nginx", route="cm-two-way", status=201, upstream_status=201),
        delivery(status=502, upstream_status=200, route="cm-voice"),
        delivery(),
    )
    assert as_dict(found)["not_200"] == 3


def test_the_shipped_contracts_that_relay_are_known() -> None:
    """As their rules say."""
    relaying = (
        name
        for name in SHIPPED_CONTRACTS
        if parse_rules(load_rules(name)).answer is AnswerMode.RELAY
    )
    assert {*relaying} == {*RELAYED}


def test_what_passed_though_unusual_is_told_with_where_and_when() -> None:
    """By channel, type and place."""
    of = {"channel": "Instagram", "event_type": "Read", "unusual": ["/reference"]}
    found = sums(delivery(**of), delivery(**of), delivery(unusual=[]))
    assert {key: seen.count for key, seen in found.unusual.items()} == {
        ("Instagram", "Read", "/reference"): 2
    }
    (told,) = as_dict(found)["unusual"]
    assert (told["at"], told["count"]) == ("/reference", 2)


def test_unknown_members_are_told_with_where_and_when() -> None:
    """Drift is by channel, type and parent, with first and last time; so are types."""
    early, late = "2025-01-01T00:00:00.000000Z", "2025-02-01T00:00:00Z"
    of = {"channel": "RCS", "event_type": "Read", "unknown_in": ["/", "/event"]}
    found = sums(delivery(**{**of, "ts": late}), delivery(**{**of, "ts": early}))
    seen = found.drift["RCS", "Read", "/event"]
    assert (seen.count, seen.first, seen.last) == (2, 1735689600.0, 1738368000.0)
    assert found.types["RCS", "Read"] == seen
    assert found.span == seen


@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=200))
@settings(max_examples=many(60), deadline=None)
def test_percentiles_are_within_one_per_cent(durations: list[float]) -> None:
    """Each percentile is that of the sorted list, within 1 %; the maximum is exact."""
    latency = Latency()
    for ms in durations:
        latency.add(ms)
    durations.sort()
    for percent in (50, 90, 99, 99.9):
        exact = durations[math.ceil(len(durations) * percent / 100) - 1]
        assert latency.percentile(percent) == pytest.approx(exact, rel=0.0101)
    assert latency.maximum == durations[-1]


@pytest.mark.parametrize("ms", [-1, math.nan, math.inf, None, "5", True], ids=repr)
def test_what_is_no_duration_is_not_counted(ms: Any) -> None:
    """A percentile of nothing is None."""
    latency = Latency()
    latency.add(ms)
    assert latency.percentiles() == dict.fromkeys(("p50", "p90", "p99", "p99.9", "max"))


def test_a_tally_gives_up_the_rarest_names_and_says_how_many() -> None:
    """Memory is bounded whatever strangers send; the commonest are kept, and all are counted."""
    tally = Tally(most=10)
    for number in range(1000):
        tally.add("often")
        tally.add(f"once {number}")
    assert len(tally.counts) <= 20
    assert tally.top(1) == [("often", 1000)]
    assert tally.total_with_dropped == 2000


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(1, 9)), min_size=1), st.randoms())
@settings(max_examples=many(60), deadline=None)
def test_a_timeline_is_the_same_in_any_order_and_loses_nothing(
    items: list[tuple[int, int]], random: Any
) -> None:
    """It coarsens by how many minutes there are, not by the order they come in."""
    shuffled = list(items)
    random.shuffle(shuffled)
    one, other = Timeline(most=5), Timeline(most=5)
    for into, given_items in ((one, items), (other, shuffled)):
        for minute, count in given_items:
            into.add(minute, "delivered", count)
    assert one.buckets == other.buckets
    width, buckets = one.coarsened(50)
    assert len(buckets) <= 51
    assert sum(sum(counts.values()) for _, counts in buckets) == sum(count for _, count in items)
    assert all(start % (width * 60) == 0 for start, _ in buckets)


def test_the_slowest_ten_are_kept() -> None:
    """Slowest first, by request_id where they are as slow."""
    found = sums(*(delivery(duration_ms=n % 40, request_id=f"r{n:03}") for n in range(200)))
    assert len(found.slowest) == 10
    assert found.slowest[0] == Slow(39, "r039", None)
    assert [slow.ms for slow in found.slowest] == [39] * 5 + [38] * 5


def test_an_empty_ledger_sums_up_to_nothing() -> None:
    """No line, no division by zero."""
    assert json.loads(json.dumps(as_dict(sums())))["deliveries"] == 0
