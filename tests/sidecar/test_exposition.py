"""Snapshots as Prometheus reads them."""

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse

from hookgate.gate.metrics import FAMILIES, Snapshot
from hookgate_sidecar.exposition import form_for, process_snapshot, render


def test_a_histogram_is_cumulative_and_ends_with_infinity() -> None:
    """Each bucket holds the ones below it, the last one everything."""
    family = FAMILIES["hookgate_gate_seconds"]
    counts = list(range(1, len(family.bounds) + 2))
    text = render({family.name: [([], [1.5, *counts])]})
    (metric,) = parse(text.decode())
    buckets = [s for s in metric.samples if s.name.endswith("_bucket")]
    assert [s.value for s in buckets] == [sum(counts[:n]) for n in range(1, len(counts) + 1)]
    assert [float(s.labels["le"]) for s in buckets] == [*family.bounds, float("inf")]
    assert {s.value for s in metric.samples if s.name.endswith("_sum")} == {1.5}
    assert {s.value for s in metric.samples if s.name.endswith("_count")} == {sum(counts)}


@pytest.mark.parametrize("route", ['a "quoted" one', "back\\slash", "a\nline", "{}", "ø"])
def test_label_values_come_back_as_they_were(route: str) -> None:
    """A contract may be a file of any name."""
    labels = ["delivered", "clean", route, "sidecar"]
    text = render({"hookgate_deliveries_total": [(labels, 7)]})
    (metric,) = parse(text.decode())
    assert [(s.labels["route"], s.value) for s in metric.samples] == [(route, 7)]


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("nonsense;;;=,", "text/plain; version=0.0.4; charset=utf-8"),
        (
            "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
        ),
        (
            "application/openmetrics-text;version=1.0.7;escaping=dots",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
        ),
        ("application/openmetrics-text;version=new", "text/plain; version=0.0.4; charset=utf-8"),
        (
            f"application/openmetrics-text;version={'9' * 5000}",
            "text/plain; version=0.0.4; charset=utf-8",
        ),
    ],
    ids=["nothing", "anything", "nonsense", "openmetrics", "its-own", "no-version", "digits"],
)
def test_the_form_is_what_was_asked_for(accept: str, media_type: str) -> None:
    """Plain text unless OpenMetrics is accepted; both hold the same samples."""
    snapshot: Snapshot = {"hookgate_ledger_failures_total": [([], 2)], "hookgate_ready": [([], 1)]}
    form = form_for(accept)
    assert form.media_type == media_type
    text = render(snapshot, form)
    read = parse_open if "openmetrics" in media_type else parse
    samples = {s.name: s.value for metric in read(text.decode()) for s in metric.samples}
    assert samples == {"hookgate_ledger_failures_total": 2, "hookgate_ready": 1}


def test_the_kernel_tells_about_this_process() -> None:
    """CPU time, memory, descriptors and start, each above 0; and that no message was dropped."""
    snapshot = process_snapshot()
    assert snapshot.pop("hookgate_log_dropped_total") == [([], 0)]
    assert snapshot.pop("hookgate_log_dropped_checkpoints_total") == [([], 0)]
    assert set(snapshot) == {name for name in FAMILIES if name.startswith("process_")}
    assert all(value > 0 for ((_, value),) in snapshot.values())
