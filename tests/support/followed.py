"""A ledger that is followed as it grows, and what is told of it."""

import json
from pathlib import Path
from typing import Any

from hookgate.live.gate import Gate
from hookgate.live.history import ROWS
from hookgate.live.ledgers import LedgerAnswers
from hookgate.live.step import Answer

from .answers import moment


def line(at: float, reason: str = "clean", **members: Any) -> dict[str, Any]:
    outcome = "delivered" if reason == "clean" else members.pop("outcome", "refused")
    told = {"event": "delivery", "ts": moment(at), "front": "nginx", "policy": "p1"}
    return told | {"request_id": f"r{at}{reason}", "outcome": outcome, "reason": reason} | members


def write(path: Path, *records: dict[str, Any] | bytes) -> None:
    with path.open("ab") as file:
        for record in records:
            file.write(record if isinstance(record, bytes) else json.dumps(record).encode() + b"\n")


def read(ledger: LedgerAnswers, gate: Gate, now: float) -> Answer | None:
    for told, at in ledger.read(now):
        gate.note(told, at)
    return gate.answer


def strip(gate: Gate, now: float) -> dict[str, int]:
    return {row: sum(n or 0 for n in gate.history.strip(row, now)) for row in ROWS}
