"""What a report is made from, and its verdicts: whether it balances, holds, and lost nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hookgate.ledger.audit.balance import Balance
from hookgate.ledger.audit.chain import Verification
from hookgate.ledger.audit.fate import Event, Fate
from hookgate.ledger.audit.identity import Unread
from hookgate.ledger.audit.stats import Summary
from hookgate.ledger.reading.files import Note

from .parts import UNKNOWN, Cell, Part, Section, Table, Verdict, number, when

_MOST_EVENTS = 12
_MOST_FINDINGS = 25


class Findings(NamedTuple):
    """All that was found in some ledgers. `events` are those that are lost or unknown."""

    summary: Summary
    balance: Balance
    verification: Verification
    events: list[Event]
    unread: Unread
    notes: Sequence[Note] = ()

    @property
    def unread_files(self) -> list[Note]:
        """What was found and could not be read: no verdict is a clean one."""
        return [note for note in self.notes if note.unread]


def verdicts(found: Findings) -> list[Verdict]:
    """The answers to what is asked first."""
    told = [_balance(found.balance), _chain(found.verification), *_fates(found)]
    if not found.unread_files and not found.summary.damaged:
        return told
    files = ", ".join(Path(note.file).name for note in found.unread_files)
    lines = f"{found.summary.damaged:,} lines" if found.summary.damaged else ""
    text = f"Not read: {', '.join(filter(None, (files, lines)))}. The rest is told of here."
    unsure = [
        verdict._replace(mark="unsure", title=f"{verdict.title}, in what could be read")
        if verdict.mark == "good" else verdict
        for verdict in told
    ]  # fmt: skip
    return [Verdict("bad", "Not all could be read", text), *unsure]


def _balance(balance: Balance) -> Verdict:
    total = balance.total
    if not balance.balances:
        text = "Something is missing, doubled or made up; see below."
        return Verdict("bad", "The ledger does not balance", text)
    text = f"{total.received:,} requests received, all accounted for."
    if unnumbered := balance.unnumbered.total():
        text += (
            f" nginx numbers none: nothing shows whether any is missing beside its {unnumbered:,}."
        )
    if not total.received:
        return Verdict("unsure", "Nothing to balance", text if unnumbered else "No request.")
    return Verdict("good", "The ledger balances", text)


def _chain(verification: Verification) -> Verdict:
    if not verification.holds:
        return Verdict("bad", "The chain is broken", "Lines were changed; see below.")
    if verification.sealed:
        text = "Sealed: nobody without the key edited, inserted, moved or deleted lines."
    else:
        text = "Without a key: no accident changed it; whoever can write it could."
    return Verdict("good", "The chain holds", text)


def _fates(found: Findings) -> list[Verdict]:
    lost = sum(event.fate is Fate.LOST for event in found.events)
    unknown = len(found.events) - lost
    unread = _unread(found.unread.undelivered)
    return [
        Verdict("bad", f"{_events(lost)} presumed lost", "Tried three times or more, in vain.")
        if lost
        else Verdict(
            "unsure" if unread else "good",
            "Nothing presumed lost",
            f"No event was tried three times in vain.{unread}",
        ),
        Verdict("unsure", f"{_events(unknown)} unknown", "Sent on without an answer: may be there.")
        if unknown
        else Verdict("good", "Nothing unknown", "Of all that was sent on the end is known."),
    ]


def _events(count: int) -> str:
    return f"{count:,} event{'' if count == 1 else 's'}"


def _unread(count: int) -> str:
    """What stands beside a claim about events; "" where every attempt is known to be at one."""
    if not count:
        return ""
    attempts = "1 attempt" if count == 1 else f"{count:,} attempts"
    were = "was" if count == 1 else "were"
    return (
        f" Beside that {attempts} from inside the ranges failed and {were} not read whole:"
        " at which events is not known."
    )


def fates(found: Findings) -> Section:
    """The events that are presumed lost or unknown, the latest first."""
    parts = []
    for fate, what in ((Fate.LOST, "Presumed lost"), (Fate.UNKNOWN, "Unknown: may have arrived")):
        chosen = [event for event in found.events if event.fate is fate]
        chosen.sort(key=lambda event: event.attempts[-1].moment, reverse=True)
        if chosen:
            rows = [_row(event) for event in chosen[:_MOST_EVENTS]]
            columns = ("event", "what", "its time", "tries", "last reason", "last try", "line")
            more = _more(len(chosen) - _MOST_EVENTS, "events")
            parts.append(Part([], Table(f"{what}: {len(chosen):,}", columns, rows, more)))
    lead = (
        "An event that is answered other than 2xx is tried about three times; one that got no"
        " answer may not come again. `hookgate audit fate` tells the whole story of one; ask the"
        " provider to send again what is lost."
    )
    if not parts:
        lead = "Nothing: every event was delivered, or may still be tried again."
    lead += _unread(found.unread.undelivered)
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
    """Boot by boot, and every finding with its line."""
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
        "Boots", columns, rows[:_MOST_FINDINGS], _more(len(rows) - _MOST_FINDINGS, "boots")
    )
    findings = [("files", note.file, note.text) for note in found.notes]
    findings += [("balance", finding.place, finding.text) for finding in balance.findings]
    findings += [("chain", finding.place, finding.text) for finding in verification.findings]
    left = len(findings) - _MOST_FINDINGS + balance.more.total() + verification.more.total()
    parts = [Part([], boots)] if rows else []
    if findings:
        table = Table(
            "Findings",
            ("of", "line", "what"),
            [(Cell(of), _line(place), Cell(text)) for of, place, text in findings[:_MOST_FINDINGS]],
            _more(left, "findings"),
        )
        parts.append(Part([], table))
    lead = (
        "received = delivered + refused + failed + aborted + in flight; `hookgate audit balance`"
        " and `hookgate audit verify` say more."
    )
    return Section("integrity", "Is it whole", lead, parts)


def _line(place: str) -> Cell:
    return Cell(Path(place).name)


def _more(left: int, what: str) -> str:
    return f"{left:,} more {what} are left out." if left > 0 else ""
