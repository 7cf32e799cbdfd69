"""Snapshots as text that Prometheus reads, and what the kernel says of this process."""

from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client import ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from hookgate.gate.metrics import FAMILIES, Family, Row, Snapshot
from hookgate.unblocked import dropped, dropped_checkpoints

_PROCESS = ProcessCollector(registry=None)


class _Exposition(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        for family in FAMILIES.values():
            if family.name in self._snapshot:
                yield _metric(family, self._snapshot[family.name])


def render(snapshot: Snapshot, accept: str = "") -> tuple[bytes, str]:
    """Return the text and its media type: OpenMetrics where `accept` asks for it."""
    encode, media_type = choose_encoder(accept)
    return encode(_Exposition(snapshot)), media_type


def process_snapshot() -> Snapshot:
    """Return this process's CPU time, memory, descriptors, start and dropped log messages."""
    told: Snapshot = {
        sample.name: [([], sample.value)]
        for metric in _PROCESS.collect()
        for sample in metric.samples
        if sample.name in FAMILIES
    }
    return {
        **told,
        "hookgate_log_dropped_total": [([], dropped())],
        "hookgate_log_dropped_checkpoints_total": [([], dropped_checkpoints())],
    }


def _metric(family: Family, rows: Iterable[Row]) -> Metric:
    if family.kind == "histogram":
        histogram = HistogramMetricFamily(family.name, family.about, labels=family.labels)
        for labels, (total, *counts) in rows:
            bounds = [*map(floatToGoString, family.bounds), "+Inf"]
            buckets = list(zip(bounds, accumulate(counts), strict=True))
            histogram.add_metric(labels, buckets, total)
        return histogram
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = kind(family.name, family.about, labels=family.labels)
    for labels, value in rows:
        metric.add_metric(labels, value)
    return metric
