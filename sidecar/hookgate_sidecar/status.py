"""All workers together as one JSON object: the answer of `/status`."""

import json
import socket
import time
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

import orjson

from hookgate import __version__
from hookgate.gate.counts import GATE_BOUNDS, UPSTREAM_BOUNDS
from hookgate.gate.metrics import Snapshot, merge
from hookgate.gate.status import GateStatus
from hookgate.gate.undelivered import latest
from hookgate.ledger.writing.sink import STDOUT
from hookgate.settings import Config, Mode

from .sight import Sight

FORMAT = 1


def render_status(
    config: Config,
    sight: Sight,
    problems: list[str],
    degraded: list[str],
    shipping: dict[str, Any] | None,
) -> bytes:
    """Render what is to be seen now as JSON, with a newline. `docs/metrics.md` has its members."""
    counts = _Counts(merge(sight.snapshots))
    gates = sight.gates
    undelivered = latest((*(e for gate in gates for e in gate["not_delivered"]), *sight.gone))
    near = [entry["time"] for entry in undelivered if entry["near"]]
    told = {
        "format": FORMAT,
        "hookgate": __version__,
        "time": _time(time.time()),
        "host": socket.gethostname(),
        "front": "sidecar",
        "started": _time(counts.value("process_start_time_seconds")),
        "ready": not problems,
        "why_not": problems,
        "degraded": degraded,
        "policy": next((g["policy"] for g in gates if g["worker"] not in sight.silent), None),
        "observing": [name for name, mode in config.checks.items() if mode is Mode.OBSERVE],
        "workers_wanted": counts.value("hookgate_workers_wanted"),
        "workers": [_worker(gate, sight.silent) for gate in gates],
        "outcomes": counts.by("hookgate_outcomes_total", 0),
        "foreign": counts.sum("hookgate_outcomes_total", ["refused", "outside"]),
        "reasons": _present(counts.by("hookgate_deliveries_total", 1)),
        "routes": _routes(counts),
        "last_delivered": _time(counts.value("hookgate_last_delivered_timestamp_seconds")),
        "in_flight": counts.value("hookgate_in_flight"),
        "connections": counts.sum("hookgate_connections"),
        "endpoint": {
            "url": config.upstream.url,
            "answer_seconds": counts.buckets("hookgate_upstream_seconds", UPSTREAM_BOUNDS),
            "errors": _present(counts.by("hookgate_upstream_errors_total", 0)),
            "failing": list(_present(counts.by("hookgate_upstream_failing", 0))),
        },
        "gate_seconds": counts.buckets("hookgate_gate_seconds", GATE_BOUNDS),
        "not_delivered": undelivered,
        "near_misses": {
            "total": counts.sum("hookgate_near_misses_total"),
            "last": max(near, default=None),
        },
        "quarantine": _quarantine(counts) if config.quarantine.path else None,
        "ledger": _ledger(config, gates, counts),
        "shipping": shipping,
    }
    try:
        return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:  # a lone surrogate in what a sender wrote
        return json.dumps(told).encode() + b"\n"


class _Counts:
    """What all processes count, by name."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def value(self, name: str) -> Any:
        """Return that of a metric without labels, 0 where it is not told."""
        rows = self._snapshot.get(name, [])
        return rows[0][1] if rows else 0

    def rows(self, name: str) -> list[tuple[list[str], int]]:
        """Return the rows of a metric."""
        return self._snapshot.get(name, [])

    def sum(self, name: str, wanted: list[str] | None = None) -> int:
        """Sum a metric over its labels, or take the row that has those wanted."""
        return sum(value for labels, value in self.rows(name) if wanted in (None, labels))

    def by(self, name: str, label: int) -> dict[str, int]:
        """Sum a metric for each value of the label at this place."""
        sums: dict[str, int] = {}
        for labels, value in self.rows(name):
            sums[labels[label]] = sums.get(labels[label], 0) + value
        return sums

    def buckets(self, name: str, bounds: tuple[float, ...]) -> list[tuple[float | None, int]]:
        """Return a histogram: upper bounds, None for no bound, and how many are within."""
        counted = self.value(name)
        if not counted:
            return []
        counts = accumulate(map(int, counted[1:]))
        return list(zip((*bounds, None), counts, strict=True))


def _present(counts: dict[str, int]) -> dict[str, int]:
    return {word: count for word, count in counts.items() if count}


def _time(seconds: float) -> str | None:
    if not seconds:
        return None
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _worker(gate: GateStatus, silent: frozenset[int]) -> dict[str, Any]:
    return {
        "worker": gate["worker"],
        "pid": gate["pid"],
        "boot": gate["boot"],
        "started": _time(gate["started"]),
        "policy": gate["policy"],
        "answers": gate["worker"] not in silent,
    }


def _absolute(path: str) -> str:
    return path if path == STDOUT else str(Path(path).absolute())


def _routes(counts: _Counts) -> dict[str, dict[str, int]]:
    routes: dict[str, dict[str, int]] = {}
    for (outcome, _, route, _), count in counts.rows("hookgate_deliveries_total"):
        if route and count:
            by_outcome = routes.setdefault(route, {})
            by_outcome[outcome] = by_outcome.get(outcome, 0) + count
    return routes


def _quarantine(counts: _Counts) -> dict[str, Any]:
    def value(name: str) -> int:
        number: int = counts.value(f"hookgate_quarantine_{name}")
        return number

    return {
        "usable": bool(value("available")),
        "items": value("items"),
        "bytes": value("bytes"),
        "max_items": value("max_items"),
        "max_bytes": value("max_bytes"),
        "custody_items": value("custody_items"),
        "oldest": _time(value("oldest_timestamp_seconds")),
        "kept": value("kept_total"),
        "not_kept": counts.sum("hookgate_quarantine_not_kept_total"),
    }


def _ledger(config: Config, gates: list[GateStatus], counts: _Counts) -> dict[str, Any]:
    ledgers = [gate["ledger"] for gate in gates]
    unsynced = [n for ledger in ledgers if (n := ledger["unsynced"]) is not None]
    return {
        "path": _absolute(config.audit.path),
        "paths": [_absolute(gate["path"]) for gate in gates],
        "writable": all(ledger["writable"] for ledger in ledgers),
        "lines": counts.sum("hookgate_ledger_lines_total"),
        "missing": counts.value("hookgate_ledger_lines_missing_total"),
        "backlog": sum(ledger["backlog"] for ledger in ledgers),
        "unsynced": sum(unsynced) if unsynced else None,
        # Of several the one that is furthest behind.
        "last_synced": _time(min((one["synced_at"] for one in ledgers), default=0.0)),
        "last_checkpoint": _time(min((one["checkpoint_at"] for one in ledgers), default=0.0)),
    }
