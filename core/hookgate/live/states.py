"""Causes that an answer tells of by itself: something is so, or it is not. Pure."""

from collections.abc import Callable
from typing import NamedTuple

from .cause import Level, clock, plural, shown
from .history import COLUMN_SECONDS, COLUMNS
from .step import Answer, amount, counts_of, number, part, seconds, texts

_LATE_SECONDS = 60.0
_FULL = 0.9
_MOST_KINDS = 8
_LEDGER = "the ledger cannot be written"


class State(NamedTuple):
    """What is so. `find` says what, with a place for since when, "" where it is not."""

    name: str
    level: Level
    find: Callable[[Answer], str]
    first: str


def _ledger(answer: Answer) -> str:
    if part(answer, "ledger").get("writable") is not False:
        return ""
    return "The ledger cannot be written since {since}: nothing is forwarded, and events get 503."


def _not_ready(answer: Answer) -> str:
    if answer.get("ready") is not False:
        return ""
    words = [word for word in _words(answer, "why_not") if word != _LEDGER]
    if not words:
        return "" if _ledger(answer) else "The gate is not ready since {since}."
    return f"The gate is not ready since {{since}}: {'; '.join(words)}."


def _workers(answer: Answer) -> str:
    words = _words(answer, "degraded")
    if words:
        return f"Fewer workers serve than should since {{since}}: {'; '.join(words)}."
    workers = answer.get("workers")
    silent = [
        str(number(worker, "worker"))
        for worker in (workers if isinstance(workers, list) else ())
        if isinstance(worker, dict) and worker.get("answers") is False
    ]
    if not silent:
        return ""
    return f"Workers do not answer since {{since}}: {', '.join(silent[:8])}."


def _quarantine(answer: Answer) -> str:
    kept = part(answer, "quarantine")
    if kept.get("usable") is False:
        return "The quarantine cannot be used since {since}: what is refused is not kept."
    for what in ("items", "bytes"):
        most = number(kept, f"max_{what}")
        if most and number(kept, what) >= _FULL * most:
            full = f"{number(kept, what):,} of {most:,} {what}"
            return f"The quarantine is nearly full since {{since}}: {full}."
    return ""


def _custody(answer: Answer) -> str:
    items = number(part(answer, "quarantine"), "custody_items")
    if not items:
        return ""
    what = f"{plural(items, 'event')} answered 200 and kept in the quarantine"
    return f"{what}: nobody sends them again."


def _shipping(answer: Answer) -> str:
    shipping = part(answer, "shipping")
    if store := shown(shipping, "store"):
        return f"The ledger is not shipped since {{since}}: {store}."
    if shipping.get("running") is False:
        return "The ledger is not shipped since {since}: hookgate ship does not run."
    if (amount(shipping, "lag_seconds") or 0.0) > _LATE_SECONDS:
        behind = shown(shipping, "behind")
        return f"The shipping of the ledger lags since {{since}}{behind and ': '}{behind}."
    return ""


def _unread(answer: Answer) -> str:
    lines = number(answer, "unread")
    if not lines:
        return ""
    return f"Lines come faster than they are read here since {{since}}: {lines:,} are to be read."


def _read_since(answer: Answer) -> str:
    since, now = seconds(answer.get("read_since")), seconds(answer.get("time"))
    if since is None or now is None or since <= now - COLUMNS * COLUMN_SECONDS:
        return ""
    return f"Of the last 15 minutes only what came since {clock(since)} was read: there is more."


def _found(answer: Answer) -> str:
    counts = counts_of(part(answer, "shipping"), "findings")
    told = [f"{n:,} {shown({'kind': kind}, 'kind')}" for kind, n in counts.items() if n]
    found = ", ".join(told[:_MOST_KINDS])
    return f"The store of the fleet has other lines than this gate: {found}." if found else ""


def _observing(answer: Answer) -> str:
    checks = ", ".join(_words(answer, "observing"))
    if not checks:
        return ""
    return f"The gate only observes {checks}: what they find goes to the endpoint all the same."


def _words(answer: Answer, name: str) -> list[str]:
    # A worker's fault may quote what the system said.
    return [shown({name: word}, name) for word in texts(answer, name)]


STATES = (
    State(
        "ledger_fails",
        Level.CRITICAL,
        _ledger,
        "df -h on the ledger's disk. Move rotated files away; do not delete the ledger.",
    ),
    State(
        "not_ready",
        Level.CRITICAL,
        _not_ready,
        "Mend what is named. More of it: journalctl -u hookgate -n 50.",
    ),
    State(
        "workers",
        Level.WARNING,
        _workers,
        "See why: journalctl -u hookgate -p warning."
        " systemctl kill -s USR2 hookgate tries at once.",
    ),
    State(
        "quarantine",
        Level.WARNING,
        _quarantine,
        "hookgate quarantine stats. Replay what is an event, and purge what is none; or look at its"
        " disk.",
    ),
    State("shipping", Level.WARNING, _shipping, "At the gate: systemctl status hookgate-ship."),
    State("unread", Level.WARNING, _unread, "Show fewer gates: --gate NAME."),
    State(
        "shipped",
        Level.WARNING,
        _found,
        "See which: hookgate fleet status. Then compare: hookgate audit verify, here and on what"
        " the store has.",
    ),
    State(
        "custody", Level.NOTE, _custody, "hookgate quarantine list; mend the contract and replay."
    ),
    State("read_since", Level.NOTE, _read_since, "hookgate audit stats reads all of it."),
    State("observing", Level.NOTE, _observing, ""),
)


def tell(found: str, since: float) -> str:
    """Write the sentence that a state was found by."""
    return found.replace("{since}", clock(since))
