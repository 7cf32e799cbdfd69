"""Causes that an answer tells of by itself: something is so, or it is not. Pure."""

from collections.abc import Callable
from typing import NamedTuple

from .cause import Level, clock, shown
from .step import Answer, part, texts

_LATE_SECONDS = 60.0
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
    return f"Fewer workers serve than should since {{since}}: {'; '.join(words)}." if words else ""


def _quarantine(answer: Answer) -> str:
    if part(answer, "quarantine").get("usable") is not False:
        return ""
    return "The quarantine cannot be used since {since}: what is refused is not kept."


def _shipping(answer: Answer) -> str:
    shipping = part(answer, "shipping")
    if store := shown(shipping, "store"):
        return f"The ledger is not shipped since {{since}}: {store}."
    if shipping.get("running") is False:
        return "The ledger is not shipped since {since}: hookgate ship does not run."
    lag = shipping.get("lag_seconds")
    if isinstance(lag, (int, float)) and lag > _LATE_SECONDS:
        return "The shipping of the ledger lags since {since}."
    return ""


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
        "not_ready", Level.CRITICAL, _not_ready, "Mend what is named: journalctl -u hookgate -n 50."
    ),
    State(
        "workers",
        Level.WARNING,
        _workers,
        "See why: journalctl -u hookgate -p warning."
        " systemctl kill -s USR2 hookgate tries at once.",
    ),
    State(
        "not_kept",
        Level.WARNING,
        _quarantine,
        "Look at the folder and its disk: hookgate quarantine stats.",
    ),
    State("shipping", Level.WARNING, _shipping, "systemctl status hookgate-ship."),
    State("observing", Level.NOTE, _observing, ""),
)


def tell(found: str, since: float) -> str:
    """Write the sentence that a state was found by."""
    return found.replace("{since}", clock(since))
