"""The state of all gates as the page is sent it: figures, sentences, and rows. Pure.

Nothing is in it that /status does not tell, which tells no more than the ledger holds.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from hookgate import __version__

from .cause import Cause, Level, plural
from .gate import Gate
from .history import COLUMN_SECONDS, ROWS, add_buckets, percentiles
from .meanings import meaning_of
from .step import Answer, number, part, rows_of, seconds, text

_SHARES = (0.5, 0.99)
_MOST_ROWS = 50
_TITLES = {
    "delivered": "Delivered",
    "inside": "Refused, inside",
    "foreign": "Refused, outside",
    "failed": "Failed",
    "aborted": "Sender left",
}
# What stands in a row of the page; each is masked in the ledger as its `audit.personal_data` says.
_TOLD = (
    *("time", "reason", "upstream_error", "status", "upstream_status", "pointer", "route"),
    *("client", "channel", "event_type", "request_id", "path"),
)
_LONGEST = 200
_LEVELS = {Level.NOTE: "note", Level.WARNING: "warning", Level.CRITICAL: "critical"}


def make_picture(gates: Sequence[Gate], now: float) -> dict[str, Any]:
    """Make the state of this time, in seconds since 1970, as JSON can hold it."""
    names = _names(gates)
    figures = [_figures(gate, name, now) for gate, name in zip(gates, names, strict=True)]
    rows = _rows(gates, names)
    named = names if len(gates) > 1 else [""]
    causes = [
        (cause, name) for gate, name in zip(gates, named, strict=True) for cause in gate.standing()
    ]
    causes.sort(key=lambda told: -told[0].level)
    ended = [
        (cause, name) for gate, name in zip(gates, named, strict=True) for cause in gate.ended(now)
    ]
    ended.sort(key=lambda told: -(told[0].until or 0.0))
    told = [_cause(cause, name) for cause, name in causes]
    if not causes or causes[0][0].level is Level.NOTE:
        told.insert(0, _all_is_well(gates, figures))
        if causes and told[0]["level"] == "good":
            # What explains the figures stands above that nothing is wrong.
            told[0], told[1] = told[1], told[0]
    return {
        "version": __version__,
        "time": _moment(now),
        "title": names[0] if len(names) == 1 else f"{len(names)} gates",
        "causes": told,
        "lately": [_cause(cause, name) for cause, name in ended[:20]],
        "gates": figures,
        "total": _total(gates, figures) if len(gates) > 1 else None,
        "strips": _strips(gates, figures, now),
        "not_delivered": rows,
        "meanings": _meanings(rows),
    }


def _names(gates: Sequence[Gate]) -> list[str]:
    """Name each gate by its host, and by where it is asked too where several have that host."""
    hosts = [text(gate.answer or {}, "host") or gate.where for gate in gates]
    several = {host for host, count in Counter(hosts).items() if count > 1}
    return [
        f"{host} ({gate.where})" if host in several else host
        for host, gate in zip(hosts, gates, strict=True)
    ]


def _cause(cause: Cause, name: str) -> dict[str, Any]:
    return {
        "name": cause.name,
        "gate": name,
        "level": _LEVELS[cause.level],
        "what": f"{name}: {cause.what}" if name else cause.what,
        "first": cause.first,
        "since": _moment(cause.since),
        "until": _moment(cause.until),
    }


def _all_is_well(gates: Sequence[Gate], figures: list[dict[str, Any]]) -> dict[str, Any]:
    level, first = "good", ""
    if any(gate.answers is None for gate in gates):
        level, what = "unsure", "The gate has not been asked yet."
    elif not any(number(part(gate.answer or {}, "outcomes"), "delivered") for gate in gates):
        level, what = "unsure", "Nothing is wrong that can be seen, and nothing was delivered yet."
        first = "hookgate send, or the webhook's URL at CM.com."
    else:
        rate = sum(figure["rates"]["delivered"] for figure in figures)
        many = f"{rate:,.0f} events" if rate >= 1.5 else "about an event" if rate >= 0.5 else ""
        what = f"All is well: {many} a second are delivered." if many else "All is well."
        if rate < 1.5 and many:
            what = what.replace(" are ", " is ")
    return {"name": "", "gate": "", "level": level, "what": what, "first": first}


def _figures(gate: Gate, name: str, now: float) -> dict[str, Any]:
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
        "state": _state(answers, answer.get("ready")),
        "silent_since": _moment(gate.answered_at) if is_old else None,
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
        "quarantine": _quarantine(answer, at),
        "shipping": _shipping(answer),
    }


def _state(answers: bool | None, ready: object) -> str:
    match answers, ready:
        case None, _:
            return "not asked yet"
        case False, _:
            return "no answer"
        case _, bool():
            return "ready" if ready else "not ready"
        case _:
            return "known by its ledger"


def _ledger(ledger: Answer, at: float | None) -> dict[str, Any]:
    writable = ledger.get("writable")
    word = "written" if writable is True else "cannot be written" if writable is False else ""
    if backlog := number(ledger, "backlog"):
        word += f", {plural(backlog, 'line')} wait"
    return {
        "word": word,
        "synced_seconds": _age(ledger, "last_synced", at),
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


def _shipping(answer: Answer) -> str:
    shipping = part(answer, "shipping")
    if not shipping:
        return "off"
    if shipping.get("running") is False:
        return "does not run"
    lag = shipping.get("lag_seconds")
    if text(shipping, "store"):
        return "the store cannot be used"
    return f"{lag:.0f} s behind" if isinstance(lag, (int, float)) else "runs"


def _total(gates: Sequence[Gate], figures: list[dict[str, Any]]) -> dict[str, Any]:
    half, most = percentiles(add_buckets(gate.history.answers() for gate in gates), _SHARES)

    def least(name: str) -> float | None:
        return min((f[name] for f in figures if f[name] is not None), default=None)

    kept = [figure["quarantine"] for figure in figures if figure["quarantine"]]
    return {
        "rates": {row: sum(f["rates"][row] or 0.0 for f in figures) for row in ROWS},
        "last_delivered_seconds": least("last_delivered_seconds"),
        "in_flight": sum(figure["in_flight"] or 0 for figure in figures),
        "p50": half,
        "p99": most,
        "near": sum(figure["near"] for figure in figures),
        "near_seconds": least("near_seconds"),
        "quarantine": {
            "usable": all(one["usable"] for one in kept),
            "items": sum(one["items"] for one in kept),
            "bytes": sum(one["bytes"] for one in kept),
        } if kept else None,
    }  # fmt: skip


def _strips(gates: Sequence[Gate], figures: list[dict[str, Any]], now: float) -> dict[str, Any]:
    rows = []
    for name in ROWS:
        columns = zip(*(gate.history.strip(name, now) for gate in gates), strict=True)
        told = [[value for value in column if value is not None] for column in columns]
        rates = [f["rates"][name] for f in figures if f["rates"][name] is not None]
        rows.append({
            "name": name,
            "title": _TITLES[name],
            "now": sum(rates) if rates else None,
            "values": [sum(values) if values else None for values in told],
        })  # fmt: skip
    return {"seconds": COLUMN_SECONDS, "rows": rows}


def _rows(gates: Sequence[Gate], names: Sequence[str]) -> list[dict[str, Any]]:
    told = [
        (row, name)
        for gate, name in zip(gates, names, strict=True)
        for row in rows_of(gate.answer or {})
    ]
    told.sort(key=lambda pair: text(pair[0], "time"), reverse=True)
    return [_row(row, name) for row, name in told[:_MOST_ROWS]]


def _row(row: Answer, name: str) -> dict[str, Any]:
    kind = text(row, "outcome")
    if kind == "refused":
        kind = "foreign" if row.get("foreign") is True else "inside"
    values = {member: _value(row.get(member)) for member in _TOLD}
    errors = row.get("errors")
    found = errors[0] if isinstance(errors, list) and errors else ""
    key = f"{text(row, 'boot')} {text(row, 'request_id')}"
    return {"gate": name, "kind": kind, "key": key, **values, "found": _value(found)}


def _value(value: object) -> str | int | None:
    if type(value) is str:
        return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…"
    return value if type(value) is int else None


def _meanings(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    words = Counter((row["reason"] or "", row["upstream_error"] or "") for row in rows)
    found = []
    for (reason, error), count in words.most_common(8):
        meaning = meaning_of(reason, error)
        if meaning is not None:
            word = f"{reason}: {error}" if error else reason
            found.append({"word": word, "count": count, **meaning._asdict()})
    return found


def _age(answer: Answer, name: str, at: float | None) -> float | None:
    since = seconds(answer.get(name))
    return None if since is None or at is None else max(0.0, round(at - since, 1))


def _moment(at: float | None) -> str | None:
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
