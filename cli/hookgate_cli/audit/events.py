"""An event as a person is told of it: its fate in words, what it is, and its attempts."""

import re

from rich.table import Table
from rich.text import Text

from hookgate.ledger.audit.fate import MOST_ATTEMPTS, Attempt, Event, Fate, Story
from hookgate_cli.common import out
from hookgate_cli.terminal import printable

# Of anything; --json tells of all.
MOST_SHOWN = 20
_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_TIMES = {1: "once", 2: "twice"}
_COLOURS = {Fate.DELIVERED: "green", Fate.UNDELIVERED: "yellow"}
_UNREAD = "a body that was not read whole"
_UNPARSED = "did not parse"
_DIGEST = re.compile("[0-9a-f]{64}")


def tell_event(event: Event, title: str) -> None:
    """Print the fate of an event in words, what it is, and its attempts."""
    tell_fate(event.fate, words(event), title)
    table = Table(box=None, padding=(0, 1), show_header=False)
    for attempt in event.attempts[:MOST_SHOWN]:
        outcome = attempt.outcome or "forwarded"
        why = " ".join(map(str, filter(None, (attempt.reason or "no end", _cause(attempt)))))
        cells = (attempt.ts, outcome, why, attempt.request_id)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    out.print(table)
    if (more := event.tries - MOST_SHOWN) > 0:
        out.print(f"  and {more} more; --json tells of each")


def _cause(attempt: Attempt) -> int | str | None:
    """What the endpoint answered, or why it did not, of a try that failed."""
    return (
        None
        if attempt.fate is Fate.DELIVERED
        else attempt.upstream_status or attempt.upstream_error
    )


def is_only_called(story: Story) -> bool:
    """Whether a SHA-256 was asked for that no body has, and a sender has called an event so."""
    is_digest = _DIGEST.fullmatch(story.asked) is not None
    return is_digest and all(event.sha256 != story.asked for event in story.events)


def identify(event: Event) -> str:
    """What tells an event from others of its name: its body, channel, type and own time."""
    about = (event.channel, event.event_type, event.time_utc, None if event.parsed else _UNPARSED)
    return ", ".join(part for part in (event.sha256 or _UNREAD, *about) if part)


def tell_fate(fate: Fate, text: str, title: str) -> None:
    """Print a fate in words, and what it is of."""
    told = Text(text, _COLOURS.get(fate, "red"))
    out.print(told.append(f"  {printable(title)}", "default"), soft_wrap=True)


def words(event: Event) -> str:
    """The fate of an event, as a person would say it."""
    tries = event.tries
    match event.fate:
        case Fate.DELIVERED:
            times = event.ends[Fate.DELIVERED]
            again = f", and {times} times in all" if times > 1 else ""
            return f"delivered on the {_ordinal(event.delivered_on)} try{again}"
        case Fate.UNKNOWN:
            return "unknown: it was forwarded and may have arrived"
        case Fate.LOST:
            return f"presumed lost: tried {tries} times, never delivered"
        case _:
            return f"not delivered so far: tried {_TIMES.get(tries, f'{tries} times')}"


def _ordinal(number: int | None) -> str:
    if number is None:
        return f"more than {MOST_ATTEMPTS}th"
    return _ORDINALS[number - 1] if number <= len(_ORDINALS) else f"{number}th"
