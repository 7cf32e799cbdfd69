"""What a report is made from, and its verdicts: whether it balances, holds, and lost nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hookgate.ledger.balance import Balance
from hookgate.ledger.chain import Verification
from hookgate.ledger.fate import Attempt, Fate, Story
from hookgate.ledger.files import Note
from hookgate.ledger.reader import timestamp
from hookgate.ledger.stats import Summary

from .parts import Cell, Part, Section, Table, Verdict, number, when

_MOST_EVENTS = 12
_MOST_FINDINGS = 25


class Findings(NamedTuple):
    """All that was found in some ledgers. `stories` are of what is lost or unknown."""

    summary: Summary
    balance: Balance
    verification: Verification
    stories: list[Story]
    notes: Sequence[Note] = ()

    @property
    def unread(self) -> list[Note]:
        """What was found and could not be read: no verdict is a clean one."""
        return [note for note in self.notes if note.unread]


def verdicts(found: Findings) -> list[Verdict]:
    """The answers to what is asked first."""
    told = [_balance(found.balance), _chain(found.verification), *_fates(found.stories)]
    if not found.unread and not found.summary.damaged:
        return told
    files = ", ".join(Path(note.file).name for note in found.unread)
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


def _fates(stories: list[Story]) -> list[Verdict]:
    lost = sum(story.fate is Fate.LOST for story in stories)
    unknown = len(stories) - lost
    return [
        Verdict("bad", f"{_events(lost)} presumed lost", "Tried three times or more, in vain.")
        if lost
        else Verdict("good", "Nothing presumed lost", "No event was tried three times in vain."),
        Verdict("unsure", f"{_events(unknown)} unknown", "Sent on without an answer: may be there.")
        if unknown
        else Verdict("good", "Nothing unknown", "Of all that was sent on the end is known."),
    ]


def _events(count: int) -> str:
    return f"{count:,} event{'' if count == 1 else 's'}"


def fates(stories: list[Story]) -> Section:
    """The events that are presumed lost or unknown, the latest first."""
    parts = []
    for fate, what in ((Fate.LOST, "Presumed lost"), (Fate.UNKNOWN, "Unknown: may have arrived")):
        chosen = [story for story in stories if story.fate is fate and story.attempts]
        chosen.sort(key=lambda story: _moment(story.attempts[-1]), reverse=True)
        if chosen:
            rows = [_row(story) for story in chosen[:_MOST_EVENTS]]
            columns = ("event", "tries", "last reason", "last try", "line")
            more = _more(len(chosen) - _MOST_EVENTS, "events")
            parts.append(Part([], Table(f"{what}: {len(chosen):,}", columns, rows, more)))
    lead = (
        "An event that is not delivered is tried about three times. `hookgate audit fate` tells the"
        " whole story of one; ask the provider to send again what is lost."
    )
    if not parts:
        lead = "Nothing: every event was delivered, or may still be tried again."
    return Section("lost", "What may be lost", lead, parts)


def _row(story: Story) -> tuple[Cell, ...]:
    last = story.attempts[-1]
    return (
        Cell(story.identifier),
        number(story.ends.total()),
        Cell(last.reason or "no record of its end"),
        when(_moment(last)),
        _line(last.place),
    )


def _moment(attempt: Attempt) -> float:
    return timestamp({"ts": attempt.ts})


def integrity(found: Findings) -> Section:
    """Boot by boot, and every finding with its line."""
    balance, verification = found.balance, found.verification
    outcomes = ("delivered", "refused", "failed", "aborted")
    rows = [
        (
            Cell(sheet.boot),
            Cell(sheet.front),
            number(sheet.received),
            *(number(sheet.ended[outcome]) for outcome in outcomes),
            number(sheet.unknown),
            number(sheet.in_flight),
            number(sheet.missing),
        )
        for sheet in balance.sheets
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
