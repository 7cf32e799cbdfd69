"""The state of all gates as the page is sent it: figures, sentences, and rows. Pure.

Nothing is in it that /status does not tell, which tells no more than the ledger holds.
"""

import re
from collections import Counter
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from hookgate import __version__
from hookgate.offering import ANYWHERE, Place

from .cause import Cause, Level, shown
from .figures import figures_of, moment, total_of
from .gate import Gate
from .history import COLUMN_SECONDS, ROWS
from .meanings import meaning_of
from .step import Answer, number, part, rows_of, text

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
    *("time", "reason", "upstream_error", "pointer", "route"),
    *("client", "channel", "event_type", "request_id", "path"),
)
_NUMBERS = ("status", "upstream_status")
_LONGEST = 200
# Said in place of rows, where there are none.
_UNKNOWN = "Not known, as not every gate answers. There, hookgate audit balance tells."
_HOST = re.compile(r"[\w.-]+…?")
_LEVELS = {Level.NOTE: "note", Level.WARNING: "warning", Level.CRITICAL: "critical"}


def make_picture(gates: Sequence[Gate], now: float, place: Place = ANYWHERE) -> dict[str, Any]:
    """Make the state of this time, in seconds since 1970, as JSON can hold it.

    What is to be done first is for whoever is at the gates: `place` is there.
    """
    names = _names(gates)
    figures = [figures_of(gate, name, now) for gate, name in zip(gates, names, strict=True)]
    rows = _rows(gates, names)
    named = names if len(gates) > 1 else [""]
    causes = [
        (cause, name) for gate, name in zip(gates, named, strict=True) for cause in gate.standing()
    ]
    causes.sort(key=lambda told: told[0].rank)
    ended = [
        (cause, name) for gate, name in zip(gates, named, strict=True) for cause in gate.ended(now)
    ]
    ended.sort(key=lambda told: -(told[0].until or 0.0))
    told = [_cause(cause, name, place) for cause, name in causes]
    if not causes or causes[0][0].level is Level.NOTE:
        told.insert(0, _all_is_well(gates, figures))
        if causes and told[0]["level"] == "good":
            # What explains the figures stands above that nothing is wrong.
            told[0], told[1] = told[1], told[0]
    return {
        "version": __version__,
        "time": moment(now),
        "title": names[0] if len(names) == 1 else f"{len(names)} gates",
        "causes": told,
        "lately": [_cause(cause, name, place) for cause, name in ended[:20]],
        "gates": figures,
        "total": total_of(gates, figures) if len(gates) > 1 else None,
        "strips": _strips(gates, figures, now),
        "not_delivered": rows,
        "unknown": "" if all(gate.answers for gate in gates) else place.fit(_UNKNOWN),
        "meanings": _meanings(rows, place),
    }


def _names(gates: Sequence[Gate]) -> list[str]:
    """Name each gate by its host, and by where it is asked too where several have that host.

    What cannot be a host's name is none: it could be what another gate is called.
    """
    told = (shown(gate.answer or {}, "host") for gate in gates)
    hosts = [
        host if _HOST.fullmatch(host) else gate.where
        for host, gate in zip(told, gates, strict=True)
    ]
    several = {host for host, count in Counter(hosts).items() if count > 1}
    return [
        f"{host} ({gate.where})" if host in several else host
        for host, gate in zip(hosts, gates, strict=True)
    ]


def _cause(cause: Cause, name: str, place: Place) -> dict[str, Any]:
    return {
        "name": cause.name,
        "gate": name,
        "level": _LEVELS[cause.level],
        "what": f"{name}: {cause.what}" if name else cause.what,
        "first": place.fit(cause.first),
        "since": moment(cause.since),
        "until": moment(cause.until),
    }


def _all_is_well(gates: Sequence[Gate], figures: list[dict[str, Any]]) -> dict[str, Any]:
    level, first = "good", ""
    if any(gate.answers is None for gate in gates):
        level, what = "unsure", "The gate has not been asked yet."
    elif not any(number(part(gate.answer or {}, "outcomes"), "delivered") for gate in gates):
        when = "in what was read" if any("read_since" in (g.answer or {}) for g in gates) else "yet"
        level = "unsure"
        what = f"Nothing is wrong that can be seen, and nothing was delivered {when}."
        first = "hookgate send, or the webhook's URL at CM.com."
    else:
        rate = sum(figure["rates"]["delivered"] for figure in figures)
        many = f"{rate:,.0f} events" if rate >= 1.5 else "about an event" if rate >= 0.5 else ""
        what = f"All is well: {many} a second are delivered." if many else "All is well."
        if rate < 1.5 and many:
            what = what.replace(" are ", " is ")
    return {"name": "", "gate": "", "level": level, "what": what, "first": first}


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
    told.sort(key=_time, reverse=True)
    # Half of the places are shared out: one that tells many, or of times to come, hides no other.
    share = max(1, _MOST_ROWS // (2 * len(gates)))
    seen: Counter[str] = Counter()
    ranked = []
    for pair in told:
        seen[pair[1]] += 1
        ranked.append((seen[pair[1]] > share, pair))
    chosen = [pair for _, pair in sorted(ranked, key=itemgetter(0))][:_MOST_ROWS]
    chosen.sort(key=_time, reverse=True)
    return [_row(row, name) for row, name in chosen]


def _time(pair: tuple[Answer, str]) -> str:
    return text(pair[0], "time")


def _row(row: Answer, name: str) -> dict[str, Any]:
    kind = text(row, "outcome")
    if kind not in ("failed", "aborted"):
        kind = "foreign" if row.get("foreign") is True else "inside"
    values = {member: _text(row.get(member)) for member in _TOLD}
    numbers = {member: number(row, member) or None for member in _NUMBERS}
    errors = row.get("errors")
    found = errors[0] if isinstance(errors, list) and errors else ""
    # Of its gate alone: another may tell a row of the same request.
    key = f"{name} {text(row, 'boot')} {text(row, 'request_id')}"
    return {"gate": name, "kind": kind, "key": key, **values, **numbers, "found": _text(found)}


def _text(value: object) -> str | None:
    if type(value) is not str:
        return None
    return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…"


def _meanings(rows: list[dict[str, Any]], place: Place) -> list[dict[str, Any]]:
    words = Counter((row["reason"] or "", row["upstream_error"] or "") for row in rows)
    found = []
    for (reason, error), count in words.most_common(8):
        meaning = meaning_of(reason, error)
        if meaning is not None:
            word = f"{reason}: {error}" if error else reason
            first = place.fit(meaning.first)
            found.append({"word": word, "count": count, "means": meaning.means, "first": first})
    return found
