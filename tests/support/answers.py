"""Answers of a gate's /status, made by hand."""

import copy
from datetime import UTC, datetime
from typing import Any

# 2026-01-05 10:00:00 UTC.
NOON = 1_767_607_200.0
_BEGUN: dict[str, Any] = {
    "format": 1,
    "hookgate": "1.2.3",
    "host": "gate-1",
    "front": "sidecar",
    "ready": True,
    "why_not": [],
    "degraded": [],
    "policy": "1c5da1b1a1b1a1b1",
    "observing": [],
    "workers": [{"worker": None, "pid": 7, "boot": "b1", "answers": True}],
    "outcomes": {"delivered": 0, "refused": 0, "failed": 0, "aborted": 0},
    "foreign": 0,
    "reasons": {},
    "last_delivered": None,
    "in_flight": 0,
    "connections": 0,
    "endpoint": {"url": "http://127.0.0.1:8080", "answer_seconds": [], "errors": {}, "failing": []},
    "not_delivered": [],
    "near_misses": {"total": 0, "last": None},
    "quarantine": None,
    "ledger": {"path": "audit.jsonl", "writable": True, "backlog": 0},
}


def moment(at: float) -> str:
    """A time as the ledger writes it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


class Site:
    """A gate whose answers a test makes: what it counts only grows."""

    def __init__(self, at: float = NOON, host: str = "gate-1") -> None:
        self.at = at
        self.answer = copy.deepcopy(_BEGUN) | {"host": host, "started": moment(at - 3600)}
        self.answer["ledger"] |= {"last_synced": moment(at), "last_checkpoint": moment(at)}

    def now(self, seconds: float = 1.0, **members: Any) -> dict[str, Any]:
        """The answer so many seconds later."""
        self.at += seconds
        self.answer |= {"time": moment(self.at), **members}
        return copy.deepcopy(self.answer)

    def deliver(self, count: int = 1) -> None:
        self.answer["outcomes"]["delivered"] += count
        self.answer["reasons"]["clean"] = self.answer["outcomes"]["delivered"]
        self.answer["last_delivered"] = moment(self.at)

    def end(
        self,
        outcome: str,
        reason: str,
        count: int = 1,
        *,
        error: str | None = None,
        foreign: bool = False,
        **row: Any,
    ) -> None:
        """So many requests that were not delivered; `row` are members of their rows."""
        answer = self.answer
        answer["outcomes"][outcome] += count
        answer["reasons"][reason] = answer["reasons"].get(reason, 0) + count
        answer["foreign"] += count * foreign
        if error is not None:
            errors = answer["endpoint"]["errors"]
            errors[error] = errors.get(error, 0) + count
        told: dict[str, Any] = {
            "boot": "b1",
            "outcome": outcome,
            "reason": reason,
            "upstream_error": error,
        }
        told |= {"time": moment(self.at), "foreign": foreign, "near": [], "errors": []}
        rows = [
            told | {"request_id": f"r-{reason}-{answer['outcomes'][outcome]}-{n}"} | row
            for n in range(count)
        ]
        answer["not_delivered"] = [*rows, *answer["not_delivered"]][:50]
