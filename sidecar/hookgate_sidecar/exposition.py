"""Snapshots as text that Prometheus reads, and what the kernel says of this process."""

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple

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


class Form(NamedTuple):
    """How samples are written, and the media type of that."""

    encode: Callable[[Collector], bytes]
    media_type: str


# Whatever version is asked for: there are as many answers as forms.
_OPEN = "application/openmetrics-text"
PLAIN, OPEN = Form(*choose_encoder("")), Form(*choose_encoder(f"{_OPEN};version=1.0.0"))


class _Exposition(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        for family in FAMILIES.values():
            if family.name in self._snapshot:
                yield _metric(family, self._snapshot[family.name])


def form_for(accept: str) -> Form:
    """Return OpenMetrics where the field Accept asks for it, else plain text."""
    try:
        _, media_type = choose_encoder(accept)
    except (TypeError, ValueError):  # a version that is none, or of thousands of digits
        return PLAIN
    return OPEN if media_type.startswith(_OPEN) else PLAIN


def render(snapshot: Snapshot, form: Form = PLAIN) -> bytes:
    """Return the samples as text of this form."""
    return form.encode(_Exposition(snapshot))


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
