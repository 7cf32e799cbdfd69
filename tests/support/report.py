"""A ledger for the report to show: some days, every outcome, and texts that would be markup."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

Record = dict[str, Any]

SCRIPT = "</script><script>alert(1)</script>"
MARKUP = "<img src=http://127.0.0.1:9/x onerror=alert(2)>"
HOSTILE = (SCRIPT, MARKUP, "<!--", "\x1b[31mred", "${alert(3)}", "javascript:alert(4)", "\u2028")
BEGAN = datetime(2026, 11, 16, tzinfo=UTC)

_EVENTS = (
    ("RCS", "SuggestionClick"), ("RCS", "isTyping"), ("Instagram", "StoryMention"),
    ("Facebook Messenger", "OptInSubscribed"), ("MobilePush", "ClientUpdated"),
)  # fmt: skip
_REFUSED = ("contract_violation", "malformed_json", "source_not_allowed", "body_too_large")
_FAILED = ("upstream_rejected", "upstream_unreachable", "upstream_timeout")


def write_ledger(path: Path, requests: int = 600, days: int = 7) -> list[Record]:
    """Write a chained ledger that balances, of one boot, and return its records."""
    records = list(_records(requests, days))
    previous = ""
    with path.open("w") as file:
        for record in records:
            record["prev"] = previous
            line = json.dumps(record)
            file.write(line + "\n")
            previous = sha256(line.encode()).hexdigest()
    return records


def _records(requests: int, days: int) -> Iterator[Record]:
    pick = random.Random(1)
    moments = sorted(pick.random() * days * 86400 for _ in range(requests))
    counts = dict.fromkeys(("delivered", "refused", "failed", "aborted"), 0)
    common = {"boot": "b1", "front": "sidecar"}
    yield {"event": "start", "ts": _ts(0), **common, "version": "0", "previous_line": ""}
    for seq, moment in enumerate(moments, 1):
        outcome, reason = _ending(pick, seq)
        # Every tenth failure is of one event, which is lost in the end.
        lost = outcome == "failed" and reason != "upstream_timeout"
        reference = "lost-" + SCRIPT if lost and seq % 2 else str(UUID(int=pick.getrandbits(128)))
        channel, event_type = pick.choice(_EVENTS)
        hostile = HOSTILE[seq % len(HOSTILE)] if seq % 40 == 0 else None
        upstream_ms = round(pick.lognormvariate(2, 0.7), 3)
        named = {**common, "seq": seq, "request_id": hostile or f"r{seq}", "reference": reference}
        ids = {**named, "sha256": sha256(reference.encode()).hexdigest()}
        forwarded = outcome in ("delivered", "failed")
        if forwarded:
            yield {"event": "forward", "ts": _ts(moment), **ids}
        counts[outcome] += 1
        yield {
            "event": "delivery", "ts": _ts(moment), **ids, "outcome": outcome, "reason": reason,
            "client": hostile or f"31.169.56.{seq % 30}", "path": hostile or "/cm/events",
            "route": "cm-events", "channel": hostile or channel,
            "event_type": hostile or event_type,
            "upstream_status": 200 if outcome == "delivered" else None,
            "duration_ms": upstream_ms + 0.5, "upstream_ms": upstream_ms if forwarded else None,
            "unknown": int(seq > 300), "unknown_in": ["/event"] * (seq > 300),
            **({} if outcome == "delivered" else {"retry": "3 tries"}),
        }  # fmt: skip
    yield {
        "event": "refusals", "ts": _ts(moments[-1]), **common, "outcome": "refused",
        "reason": "source_not_allowed", "count": 1234, "first_seq": requests + 1,
        "last_seq": requests + 1234, "cause": "flood",
    }  # fmt: skip
    counts["refused"] += 1234
    yield {
        "event": "stop", "ts": _ts(moments[-1] + 1), **common, "received": requests + 1234,
        **counts, "in_flight": 0,
    }  # fmt: skip


def _ending(pick: random.Random, seq: int) -> tuple[str, str]:
    if seq % 8 == 0:
        return "refused", pick.choice(_REFUSED)
    if seq % 11 == 0:
        return "failed", pick.choice(_FAILED)
    return ("aborted", "client_gone") if seq % 97 == 0 else ("delivered", "clean")


def _ts(seconds: float) -> str:
    return (BEGAN + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
