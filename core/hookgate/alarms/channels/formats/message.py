"""A notice in words for a person: bounded, one line a fact, without control characters."""

from datetime import UTC, datetime
from typing import NamedTuple

from hookgate.alarms.notice import TEST, Notice
from hookgate.times import show_time

# Characters. What a phone shows of a message before it is opened.
LONGEST_HEADLINE = 100
LONGEST_LINE = 200
LONGEST_ADVICE = 400
LONGEST_NAME = 64
MOST_DETAILS = 20


class Message(NamedTuple):
    """Hold what every format for persons shows. `advice` is "" once the alarm is over."""

    headline: str
    facts: tuple[str, ...]
    advice: str


def make_message(notice: Notice) -> Message:
    """Put a notice into words, the summary first."""
    named_gate = "" if notice.summary.startswith(notice.gate) else f"{clean(notice.gate, 32)}: "
    about = clean(notice.subject, LONGEST_LINE)
    named = clean(notice.condition, LONGEST_NAME)
    facts = (
        f"Alarm: {named} ({about})" if about else f"Alarm: {named}",
        f"Gate: {clean(notice.gate, LONGEST_NAME)}",
        f"Began: {told_time(notice.began)}",
        *([f"Ended: {told_time(notice.ended)}"] if notice.ended else []),
        *(clean(detail, LONGEST_LINE) for detail in notice.details[:MOST_DETAILS]),
    )
    return Message(
        clean(f"[{_word(notice)}] {named_gate}{notice.summary}", LONGEST_HEADLINE),
        facts,
        "" if notice.resolved else clean(notice.advice, LONGEST_ADVICE),
    )


def render_text(notice: Notice) -> str:
    """Return a notice as plain text: the headline, an empty line, and a fact a line."""
    message = make_message(notice)
    advice = [f"What to do: {message.advice}"] if message.advice else []
    return "\n".join([message.headline, "", *message.facts, *advice]) + "\n"


def clean(text: str, most: int) -> str:
    """Return a text as one line of at most `most` characters.

    What is not printable becomes a space: line ends, escapes, marks that turn the direction of
    writing, halves of surrogate pairs.
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * most]).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def rfc3339(moment: datetime) -> str:
    """Return a time in UTC as RFC 3339 writes it, with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def told_time(moment: datetime) -> str:
    """Return a time as a person reads it."""
    return show_time(moment.timestamp(), "seconds", utc=True)


def _word(notice: Notice) -> str:
    if notice.condition == TEST:
        return "TEST"
    return "RESOLVED" if notice.resolved else notice.severity.upper()
