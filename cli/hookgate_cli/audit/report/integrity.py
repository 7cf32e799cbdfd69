"""The sections of a report about the ledger: events that may be lost, and whether it is whole."""

from collections import Counter
from pathlib import Path

from hookgate.ledger.audit.fate import Event, Fate
from hookgate.ledger.audit.keeping import KeepingTotals
from hookgate_cli.audit.wording import count_of

from .findings import Findings
from .parts import UNKNOWN, Cell, Part, Section, Table, left_out, number, when

_WORRYING = {
    Fate.LOST: "Presumed lost",
    Fate.HELD: "Held in the quarantine",
    Fate.UNKNOWN: "Unknown: may have arrived",
}
_MOST_EVENTS = 12
_MOST_FINDINGS = 25


def losses(found: Findings) -> Section:
    """Make the section of the events that are lost, held or unknown, the latest first."""
    parts = []
    for fate, what in _WORRYING.items():
        chosen = [event for event in found.events if event.fate is fate]
        chosen.sort(key=lambda event: event.attempts[-1].moment, reverse=True)
        if chosen:
            rows = [_row(event) for event in chosen[:_MOST_EVENTS]]
            columns = ("event", "what", "its time", "tries", "last reason", "last try", "line")
            more = left_out(len(chosen) - _MOST_EVENTS, "events")
            parts.append(Part([], Table(f"{what}: {len(chosen):,}", columns, rows, more)))
    lead = (
        "An event is presumed lost once the retry rule of its contract has run out; one that got no"
        " answer may not come again. `hookgate audit fate` tells the whole story of one; ask the"
        " provider to send again what is lost. What is held, `hookgate quarantine replay` sends on."
    )
    if not parts:
        lead = "Nothing is presumed lost, and of all that was sent on the end is known."
    lead += open_words(found.left_open) + unread_words(found.unread.undelivered)
    return Section("lost", "What may be lost", lead, parts)


def _row(event: Event) -> tuple[Cell, ...]:
    last = event.attempts[-1]
    what = " ".join(part for part in (event.channel, event.event_type) if part)
    return (
        Cell(event.name),
        Cell(what or UNKNOWN),
        Cell(event.time_utc or UNKNOWN),
        number(event.tries),
        Cell(last.reason or "no record of its end"),
        when(last.moment),
        _line(last.place),
    )


def integrity(found: Findings) -> Section:
    """Make the section of the balance, boot by boot, and of the findings with their lines."""
    balance, verification = found.balance, found.verification
    outcomes = ("delivered", "refused", "failed", "aborted")
    rows = [
        (
            Cell(boot.boot),
            Cell(boot.front),
            number(boot.received),
            *(number(boot.ended[outcome]) for outcome in outcomes),
            number(boot.unknown),
            number(boot.in_flight),
            number(boot.missing),
        )
        for boot in balance.boots
    ]
    columns = ("boot", "front", "received", *outcomes, "unknown", "in flight", "missing")
    boots = Table(
        "Boots", columns, rows[:_MOST_FINDINGS], left_out(len(rows) - _MOST_FINDINGS, "boots")
    )
    findings = [("files", note.file, note.text) for note in found.notes]
    findings += [("balance", finding.place, finding.text) for finding in balance.findings]
    findings += [("chain", finding.place, finding.text) for finding in verification.findings]
    left = len(findings) - _MOST_FINDINGS + balance.more.total() + verification.more.total()
    parts = [Part([], boots)] if rows else []
    if balance.keeping:
        parts.append(Part([], _quarantine(balance.keeping)))
    if findings:
        table = Table(
            "Findings",
            ("of", "line", "what"),
            [(Cell(of), _line(place), Cell(text)) for of, place, text in findings[:_MOST_FINDINGS]],
            left_out(left, "findings"),
        )
        parts.append(Part([], table))
    lead = (
        "received = delivered + refused + failed + aborted + open; `hookgate audit balance`"
        " and `hookgate audit verify` say more."
    )
    return Section("integrity", "Is it whole", lead, parts)


def _quarantine(keeping: KeepingTotals) -> Table:
    counts = {"kept": keeping.kept, **keeping.released, "held": keeping.held}
    if keeping.unexplained:
        counts["released, kept by no line here"] = keeping.unexplained
    return Table("Quarantine, by stored files", (*counts,), [tuple(map(number, counts.values()))])


def _line(place: str) -> Cell:
    return Cell(Path(place).name)


def open_words(left_open: Counter[Fate]) -> str:
    """Return how many events are still being retried or may be, as sentences; "" for none."""
    words = ""
    if retrying := left_open[Fate.RETRYING]:
        words += f" At most {count_of(retrying, 'event')} {_are(retrying)} still being retried."
    if open_ := left_open[Fate.UNDELIVERED]:
        words += (
            f" At most {count_of(open_, 'event')} {_are(open_)} not delivered so far without a"
            " retry rule that says whether it comes again."
        )
    return words


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def unread_words(count: int) -> str:
    """Return a caveat for `count` failed attempts that belong to no known event; "" for none."""
    if not count:
        return ""
    were = "was" if count == 1 else "were"
    return (
        f" Besides, {count_of(count, 'attempt')} from inside the ranges failed and {were} not"
        " read whole: at which events is not known."
    )
