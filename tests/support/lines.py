"""Ledger lines made by hand, for what reads them."""

import json
from pathlib import Path
from typing import Any

from hookgate.ledger.reading.reader import Line

Record = dict[str, Any]
NOON = "2026-11-22T12:00:00.000000Z"


def start(boot: str = "b0", **fields: Any) -> Record:
    return {"event": "start", "ts": NOON, "boot": boot, "front": "sidecar", **fields}


def forward(seq: int, boot: str = "b0", **fields: Any) -> Record:
    names = {"seq": seq, "request_id": f"{boot}-{seq}", "reference": None, "sha256": None}
    return {"event": "forward", "ts": NOON, "boot": boot, **names, **fields}


def delivery(seq: int, reason: str = "clean", boot: str = "b0", **fields: Any) -> Record:
    """A delivery as its reason makes it."""
    failed = reason.startswith("upstream_") or reason == "audit_unavailable"
    outcome = "delivered" if reason == "clean" else "failed" if failed else "refused"
    forwarded = reason == "clean" or reason.startswith("upstream_")
    return {
        "event": "delivery", "ts": NOON, "boot": boot, "seq": seq, "front": "sidecar",
        "request_id": f"{boot}-{seq}", "outcome": outcome, "reason": reason, "reference": None,
        "event_reference": None, "sha256": None, "duration_ms": 1.5,
        "upstream_ms": 0.5 if forwarded else None, **fields,
    }  # fmt: skip


def refusals(first: int, last: int, count: int, boot: str = "b0", **fields: Any) -> Record:
    return {
        "event": "refusals", "ts": NOON, "boot": boot, "front": "sidecar", "outcome": "refused",
        "reason": "source_not_allowed", "count": count, "first_seq": first, "last_seq": last,
        **fields,
    }  # fmt: skip


def released(cause: str, boot: str = "b0", **fields: Any) -> Record:
    names = {"kept": None, "sha256": None, "actor": None, "why": None}
    return {
        "event": "released", "ts": NOON, "boot": boot, "front": "replay", "cause": cause,
        **names, **fields,
    }  # fmt: skip


def stop(received: int, boot: str = "b0", **counts: Any) -> Record:
    none = {"delivered": 0, "refused": 0, "failed": 0, "aborted": 0, "in_flight": 0}
    return {"event": "stop", "ts": NOON, "boot": boot, "received": received, **none, **counts}


def nginx(reason: str = "clean", **fields: Any) -> Record:
    """A line of nginx's log: no boot, no numbers, no chain."""
    record = delivery(1, reason, front="nginx", ts="2026-11-22T12:00:00+00:00", **fields)
    return {name: value for name, value in record.items() if name not in ("boot", "seq")}


def lines(*records: Record | bytes, file: str = "log") -> list[Line]:
    """As the reader yields them; bytes are a line that is no record."""
    made = []
    for number, record in enumerate(records, 1):
        if isinstance(record, bytes):
            made.append(Line(file, number, record, None, "no record"))
        else:
            made.append(Line(file, number, json.dumps(record).encode(), record, ""))
    return made


def write(path: Path, *records: Record) -> Path:
    """A file of them."""
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="ascii")
    return path
