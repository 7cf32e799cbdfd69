"""The top of a report: verdicts, and the numbers that are asked for first."""

from collections import Counter
from pathlib import Path

from hookgate.ledger.audit.balance import Balance
from hookgate.ledger.audit.chain import Verification
from hookgate.ledger.audit.counters import Seen
from hookgate.ledger.audit.fate import Fate
from hookgate.ledger.audit.stats import Summary
from hookgate_cli.audit.wording import count_of, length_of

from .charts import OUTCOMES
from .findings import Findings
from .integrity import open_words, unread_words
from .parts import Tile, Verdict, by_outcome, milliseconds, share


def verdicts(found: Findings) -> list[Verdict]:
    """Return the verdicts: whether it balances, whether its chain holds, and what was lost."""
    answers = [_balance(found.balance), _chain(found.verification), *_fates(found), *_near(found)]
    if not found.unread_files and not found.summary.damaged:
        return answers
    files = ", ".join(Path(note.file).name for note in found.unread_files)
    lines = f"{found.summary.damaged:,} lines" if found.summary.damaged else ""
    text = f"Not read: {', '.join(filter(None, (files, lines)))}. The rest is told of here."
    unsure = [
        verdict._replace(mark="unsure", title=f"{verdict.title}, in what could be read")
        if verdict.mark == "good" else verdict
        for verdict in answers
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
    fates = Counter(event.fate for event in found.events)
    lost, held, unknown = fates[Fate.LOST], fates[Fate.HELD], fates[Fate.UNKNOWN]
    beside = open_words(found.left_open) + unread_words(found.unread.undelivered)
    is_unsure = found.left_open[Fate.UNDELIVERED] or found.unread.undelivered
    return [
        Verdict(
            "bad",
            f"{count_of(lost, 'event')} presumed lost",
            "Tried in vain as long as the retry rule of the contract says.",
        )
        if lost
        else Verdict(
            "unsure" if is_unsure else "good",
            "Nothing presumed lost",
            f"No retry rule of an undelivered event has run out.{beside}",
        ),
        *_held(held),
        Verdict(
            "unsure",
            f"{count_of(unknown, 'event')} unknown",
            "Sent on without an answer: may be there.",
        )
        if unknown
        else Verdict("good", "Nothing unknown", "Of all that was sent on the end is known."),
    ]


def _near(found: Findings) -> list[Verdict]:
    count = found.summary.near_misses.total_with_dropped
    text = (
        "Refused for the address alone, and looks like the provider: it may send from a new range."
    )
    misses = f"{count:,} near miss{'' if count == 1 else 'es'}"
    return [Verdict("unsure", misses, text)] if count else []


def _held(count: int) -> list[Verdict]:
    text = "Nobody sends it again. It is kept, and hookgate quarantine replay sends it on."
    return [Verdict("bad", f"{count_of(count, 'event')} held", text)] if count else []


def tiles(summary: Summary) -> list[Tile]:
    """Return the headline numbers: requests, outcomes, latency."""
    total = summary.deliveries
    counts = by_outcome(summary.outcomes)
    found = [Tile("requests", f"{total:,}", _period(summary.span))]
    found += [
        Tile(outcome, f"{counts[outcome]:,}", share(counts[outcome], total).text, outcome)
        for outcome in OUTCOMES
        if counts.get(outcome) or outcome != "other"
    ]
    median, p99 = (milliseconds(summary.duration.percentile(part)).text for part in (50, 99))
    found.append(Tile("median time", median, f"99 % within {p99}"))
    return found


def _period(span: Seen) -> str:
    if span.first is None or span.last is None:
        return ""
    return f"in {length_of((span.last - span.first) / 60)}"
