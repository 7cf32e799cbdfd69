"""Causes that are counted: from the first time that something happens until it stays away. Pure."""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from hookgate.policy import Fault, Outcome, Reason

from .cause import Level, Spell, clock, plural, shown
from .meanings import meaning_of
from .step import Answer, Step, number, text

_UPSTREAM = frozenset(reason.code for reason in Reason if reason.fault is Fault.UPSTREAM)
_REJECTED = Reason.UPSTREAM_REJECTED.code
_GATE = frozenset((Reason.OVERLOADED.code, Reason.GATE_ERROR.code))
# What is refused before it is known that the sender is allowed is none of its doing.
_INSIDE = frozenset(
    reason.code
    for reason in Reason
    if reason.outcome is Outcome.REFUSED and reason.check not in ("", "http", "source")
)


class Kind(NamedTuple):
    """What is counted, and which rows are its. It is over once it has stayed away for `quiet`
    seconds, and where `needs_delivery` something was delivered since.
    """

    name: str
    level: Level
    quiet: float
    needs_delivery: bool
    count_in: Callable[[Step], Counter[str]]
    has: Callable[[Answer], bool]
    tell: Callable[[Spell], tuple[str, str]]


def _of(codes: frozenset[str]) -> Callable[[Step], Counter[str]]:
    return lambda now: Counter({code: n for code, n in now.reasons.items() if code in codes and n})


def _has(codes: frozenset[str]) -> Callable[[Answer], bool]:
    return lambda row: text(row, "reason") in codes


def _endpoint(now: Step) -> Counter[str]:
    """Count by cause; what was answered, or has no cause, by reason."""
    counts = Counter({word: count for word, count in now.errors.items() if count})
    if rejected := now.reasons[_REJECTED]:
        counts[_REJECTED] = rejected
    rest = sum(now.reasons[code] for code in _UPSTREAM) - counts.total()
    if rest > 0:
        counts[Reason.UPSTREAM_UNREACHABLE.code] += rest
    return counts


def _tell_endpoint(spell: Spell) -> tuple[str, str]:
    (label, _), *_ = spell.labels.most_common(1)
    events = spell.share("event")
    meaning = meaning_of(label, label)
    is_rejected = label == _REJECTED
    if spell.is_over:
        verb = "rejected" if is_rejected else "failed"
        what = f"The endpoint {verb} {events}, the last at {clock(spell.last)}"
    else:
        verb = "rejects events" if is_rejected else "fails"
        what = f"The endpoint {verb} since {clock(spell.since)}, {events}"
    status = number(spell.newest, "upstream_status")
    if is_rejected and status:
        what += f": its last answer was {status}"
    elif meaning is not None:
        what += f": {meaning.means}"
    return f"{what}.", meaning.first if meaning else ""


def _tell_refusals(spell: Spell) -> tuple[str, str]:
    (label, count), *_ = spell.labels.most_common(1)
    places = [(place, n) for place, n in spell.places.most_common() if place[0] == label]
    where = ""
    if places:
        (_, found, route), _ = places[0]
        where = f" at {found}" if found else ""
        where += f" (contract {route.rpartition('/')[2]})" if route else ""
    mostly = "" if count == spell.count else "mostly "
    requests = spell.share("request")
    if spell.is_over:
        what = f"The policy refused {requests} from inside the ranges, the last at "
        what += f"{clock(spell.last)}"
    else:
        what = "The policy refuses what comes from inside the ranges since "
        what += f"{clock(spell.since)}: {requests}"
    meaning = meaning_of(label)
    return f"{what}, {mostly}for {label}{where}.", meaning.first if meaning else ""


def _tell_gate(spell: Spell) -> tuple[str, str]:
    (label, _), *_ = spell.labels.most_common(1)
    meaning = meaning_of(label)
    why = f": {meaning.means}" if meaning else ""
    if spell.is_over:
        what = f"The gate itself answered 503 to {spell.share('request')}, the last at "
        what += clock(spell.last)
    else:
        what = f"The gate itself answers 503 since {clock(spell.since)}, {spell.share('request')}"
    return f"{what}{why}.", meaning.first if meaning else ""


def _tell_near(spell: Spell) -> tuple[str, str]:
    client = shown(spell.newest, "client")
    what = (
        f"A sender outside the ranges{f', {client},' if client else ''} looks like CM.com and was"
        f" refused {plural(spell.count, 'time')} since {clock(spell.since)}."
    )
    return what, (
        "Look whether CM.com sends from new addresses: hookgate audit show --near --since 1d."
        " Allow them only once CM.com confirms them."
    )


def _tell_missing(spell: Spell) -> tuple[str, str]:
    what = (
        f"{plural(spell.count, 'line')} of the ledger went missing at {clock(spell.last)}:"
        " something that is no rotation deleted or cut its file."
    )
    return what, (
        "Look for what removes or truncates files there, such as copytruncate in a logrotate rule."
        " Keep any copy."
    )


def _tell_not_kept(spell: Spell) -> tuple[str, str]:
    what = (
        f"{plural(spell.count, 'request')} that should be in the quarantine since"
        f" {clock(spell.since)} could not be kept."
    )
    return what, (
        "hookgate quarantine stats. A full one wants a replay, a purge or larger bounds; else look"
        " at its disk."
    )


def _alone(name: str) -> Callable[[Step], Counter[str]]:
    def count_in(now: Step) -> Counter[str]:
        count: int = getattr(now, name)
        return Counter({name: count} if count else {})

    return count_in


def _is_near(row: Answer) -> bool:
    return bool(row.get("near"))


def _none(_: Answer) -> bool:
    return False


REPEATED = (
    Kind("gate_fails", Level.CRITICAL, 60, False, _of(_GATE), _has(_GATE), _tell_gate),
    Kind("endpoint", Level.CRITICAL, 5, True, _endpoint, _has(_UPSTREAM), _tell_endpoint),
    Kind("refusals", Level.WARNING, 60, False, _of(_INSIDE), _has(_INSIDE), _tell_refusals),
    Kind("near", Level.WARNING, 900, False, _alone("near"), _is_near, _tell_near),
    Kind("ledger_gone", Level.CRITICAL, 900, False, _alone("missing"), _none, _tell_missing),
    Kind("not_kept", Level.WARNING, 900, False, _alone("not_kept"), _none, _tell_not_kept),
)
