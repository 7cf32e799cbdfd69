"""The figures of one gate, and of several together, as the page is sent them. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from .cause import plural, span
from .gate import Gate
from .history import ROWS, add_buckets, percentiles
from .step import Answer, amount, number, part, seconds, text

_SHARES = (0.5, 0.99)


def figures_of(gate: Gate, name: str, now: float) -> dict[str, Any]:
    """Return a gate's figures; of one that does not answer the last, without rates."""
    answer = gate.answer or {}
    half, most = gate.history.percentiles(_SHARES)
    answers = gate.answers
    at = seconds(answer.get("time"))
    is_old = answers is False
    workers = answer.get("workers")
    return {
        "name": name,
        "where": gate.where,
        "answers": answers,
        "state": _state(answers, answer),
        "silent_since": moment(gate.answered_at) if is_old else None,
        "version": text(answer, "hookgate"),
        "policy": text(answer, "policy"),
        "workers": len(workers) if isinstance(workers, list) else None,
        "up_seconds": _age(answer, "started", at),
        "rates": dict.fromkeys(ROWS) if is_old or answers is None else gate.history.rates(),
        "last_delivered_seconds": _age(answer, "last_delivered", now if is_old else at),
        "in_flight": number(answer, "in_flight") if answers and "in_flight" in answer else None,
        "p50": half,
        "p99": most,
        "near": number(part(answer, "near_misses"), "total"),
        "near_seconds": _age(part(answer, "near_misses"), "last", at),
        "ledger": _ledger(part(answer, "ledger"), at),
        "tells_quarantine": "quarantine" in answer,
        "quarantine": _quarantine(answer, at),
        "shipping": _shipping(answer, now if is_old else at),
    }


def total_of(gates: Sequence[Gate], figures: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures of all gates together."""
    half, most = percentiles(add_buckets(gate.history.answers() for gate in gates), _SHARES)

    def least(name: str) -> float | None:
        return min(_known(figures, name), default=None)

    rates = [figure["rates"] for figure in figures]
    kept = [figure["quarantine"] for figure in figures if figure["quarantine"]]
    return {
        "rates": {row: sum(known) if (known := _known(rates, row)) else None for row in ROWS},
        "last_delivered_seconds": least("last_delivered_seconds"),
        "in_flight": sum(known) if (known := _known(figures, "in_flight")) else None,
        "p50": half,
        "p99": most,
        "near": sum(figure["near"] for figure in figures),
        "near_seconds": least("near_seconds"),
        "tells_quarantine": any(figure["tells_quarantine"] for figure in figures),
        "quarantine": {
            "usable": all(one["usable"] for one in kept),
            "items": sum(one["items"] for one in kept),
            "bytes": sum(one["bytes"] for one in kept),
        } if kept else None,
    }  # fmt: skip


def _known(figures: list[dict[str, Any]], name: str) -> list[Any]:
    return [figure[name] for figure in figures if figure[name] is not None]


def _state(answers: bool | None, answer: Answer) -> str:
    ready = answer.get("ready")
    match answers, ready:
        case None, _:
            return "not asked yet"
        case False, _:
            return "no answer"
        case _, bool():
            return "ready" if ready else "not ready"
        case _:
            is_stored = "received" in part(answer, "shipping")
            return "known by the store" if is_stored else "known by its ledger"


def _ledger(ledger: Answer, at: float | None) -> dict[str, Any]:
    writable = ledger.get("writable")
    word = "written" if writable is True else "cannot be written" if writable is False else ""
    if backlog := number(ledger, "backlog"):
        word += f", {plural(backlog, 'line')} wait"
    return {
        "word": word,
        "synced_seconds": _age(ledger, "last_synced", at),
        "unsynced": number(ledger, "unsynced") if ledger.get("unsynced") is not None else None,
        "checkpoint_seconds": _age(ledger, "last_checkpoint", at),
    }


def _quarantine(answer: Answer, at: float | None) -> dict[str, Any] | None:
    kept = part(answer, "quarantine")
    if not kept:
        return None
    return {
        "usable": kept.get("usable") is not False,
        "items": number(kept, "items"),
        "bytes": number(kept, "bytes"),
        "oldest_seconds": _age(kept, "oldest", at),
    }


def _shipping(answer: Answer, at: float | None) -> str:
    shipping = part(answer, "shipping")
    if not shipping:
        return "off"
    if shipping.get("running") is False:
        return "does not run"
    if text(shipping, "store"):
        return "the store cannot be used"
    lag = amount(shipping, "lag_seconds")
    word = f"{lag:.0f} s behind" if lag is not None else "runs"
    if "received" not in shipping:
        return word
    age = _age(shipping, "received", at)
    last = "nothing received" if age is None else f"received {span(age)} ago"
    return last if lag is None else f"{word}, {last}"


def _age(answer: Answer, name: str, at: float | None) -> float | None:
    since = seconds(answer.get(name))
    return None if since is None or at is None else max(0.0, round(at - since, 1))


def moment(at: float | None) -> str | None:
    """Write a time in seconds since 1970, None where there is none."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
