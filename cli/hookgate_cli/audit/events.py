"""One event for a person: its fate in words, what identifies it, and its attempts."""

import re
from collections.abc import Sequence
from math import inf
from typing import Any

from rich.table import Table
from rich.text import Text

from hookgate.ledger.audit.fate import MOST_ATTEMPTS, Attempt, Event, Fate, Story
from hookgate.ledger.audit.holding import Held
from hookgate.times import show_time
from hookgate.wording import in_shell
from hookgate_cli.common import out
from hookgate_cli.offering import offered
from hookgate_cli.terminal import printable

from .wording import count_of

# Of anything; --json tells of all.
MOST_SHOWN = 20
_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_TIMES = {1: "once", 2: "twice"}
_COLOURS = {Fate.DELIVERED: "green", Fate.UNDELIVERED: "yellow", Fate.RETRYING: "yellow"}
# What a replay of what nobody holds takes, and what it risks.
_REPLAYS = {
    Fate.RETRYING: ("deliver it, and the sender's next try again", " --retrying"),
    Fate.UNKNOWN: ("deliver it, which may double it", " --unknown"),
}
_UNREAD = "a body that was not read whole"
_UNPARSED = "did not parse"
_DIGEST = re.compile("[0-9a-f]{64}")


def print_event(event: Event, title: str) -> None:
    """Print the fate of an event in words, its title, and its first 20 attempts with causes."""
    print_fate(event.fate, fate_in_words(event), title)
    out.print(_attempts(event.attempts[:MOST_SHOWN], with_cause=True))
    if (more := event.count - MOST_SHOWN) > 0:
        out.print(f"  and {more} more; --json tells of each")
    _print_mend(event)


def print_fate_and_attempts(event: Event, title: str) -> None:
    """Print the fate of an event in words and, of several attempts, the last 20."""
    out.print(f"{fate_in_words(event)}  {printable(title)}".rstrip(), soft_wrap=True)
    if len(event.attempts) > 1:
        out.print(_attempts(event.attempts[-MOST_SHOWN:], with_cause=False))
    _print_mend(event)


def _print_mend(event: Event) -> None:
    """Print the command that delivers what is kept, and not delivered."""
    is_kept = event.holding.held is not None and event.fate is not Fate.DELIVERED
    if is_kept or event.held_elsewhere:
        when, option = _REPLAYS.get(event.fate, ("deliver it", ""))
        named = f"--identity FILE --sha256 {in_shell(event.sha256)}{option}"
        command = offered("hookgate quarantine replay")
        out.print(f"  {when}: {command} {named}", soft_wrap=True)


def _attempts(attempts: Sequence[Attempt], *, with_cause: bool) -> Table:
    table = Table(box=None, padding=(0, 1), show_header=False)
    several = len({attempt.path for attempt in attempts} - {None}) > 1
    for attempt in attempts:
        cause = _cause(attempt) if with_cause else None
        parts = (attempt.reason or "no end", cause, _keeping(attempt), _replay(attempt))
        why = " ".join(map(str, filter(None, parts)))
        path = [attempt.path or ""] if several else []
        cells = (attempt.ts, attempt.outcome or "forwarded", *path, why, attempt.request_id)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def _cause(attempt: Attempt) -> int | str | None:
    """Return what was wrong with the endpoint's answer: its error, or its status."""
    status = None if attempt.fate is Fate.DELIVERED else attempt.upstream_status
    return attempt.upstream_error or status


def _keeping(attempt: Attempt) -> str:
    """Return whether it is kept, or why it is not; "" where it should not be."""
    if attempt.not_kept is not None:
        return f"(not kept: {attempt.not_kept})"
    custody = ", answered 200" if attempt.custody else ""
    return f"(kept{custody})" if attempt.kept is not None else ""


def _replay(attempt: Attempt) -> str:
    """Return whose replay it was, of what, and why; "" for none."""
    if not attempt.is_replay:
        return ""
    why = f": {attempt.why}" if attempt.why else ""
    return f"(a replay of {attempt.replay_of} by {attempt.actor or 'nobody known'}{why})"


def is_named_only(story: Story) -> bool:
    """Tell whether a SHA-256 was asked for that only a sender gave an event as a name.

    Neither a body's digest is that, nor a request_id.
    """
    if _DIGEST.fullmatch(story.asked) is None:
        return False
    return not any(
        event.sha256 == story.asked
        or any(each.request_id == story.asked for each in event.attempts)
        for event in story.events
    )


def describe_holding(event: Event) -> dict[str, Any]:
    """Return for JSON what is kept of an event, and what became of what was kept."""
    holding, held = event.holding, event.holding.held
    return {
        "kept": held.kept if held is not None else None,
        "kept_elsewhere": [
            {"path": other.path, "kept": other.kept} for other in event.held_elsewhere
        ],
        "custody": holding.custody,
        "released": holding.released,
    }


def identify(event: Event) -> str:
    """Return what tells an event from others of its name: SHA-256, channel, type, own time."""
    about = (event.channel, event.event_type, event.time_utc, None if event.parsed else _UNPARSED)
    return ", ".join(part for part in (event.sha256 or _UNREAD, *about) if part)


def print_fate(fate: Fate, text: str, title: str) -> None:
    """Print a fate in words, coloured, and the title of what has it."""
    told = Text(text, _COLOURS.get(fate, "red"))
    out.print(told.append(f"  {printable(title)}", "default"), soft_wrap=True)


def fate_in_words(event: Event) -> str:
    """Return the fate of an event, as a person would say it; whatever it quotes is printable."""
    return printable(_words(event))


def _words(event: Event) -> str:
    tried = f"tried {_TIMES.get(event.tries, f'{event.tries} times')}"
    held = event.holding.held
    kept = f", kept since {_since(held)}" if held is not None else ""
    match event.fate:
        case Fate.DELIVERED:
            times = event.ends[Fate.DELIVERED]
            again = f", and {times} times in all" if times > 1 else ""
            return f"delivered {_how(event)}{again}{_untold(event)}{_elsewhere(event) or kept}"
        case Fate.UNKNOWN:
            if event.ends[Fate.UNKNOWN]:
                return f"unknown: it was forwarded and may have arrived{kept}"
            released = event.holding.released or "sent on"
            return f"unknown: released as {released}, and no line says that it arrived{kept}"
        case Fate.HELD if held is not None:
            return f"held: {held.outcome} as {held.reason}{kept}"
        case Fate.LOST:
            return _loss(event, tried)
        case Fate.RETRYING:
            return f"still being retried{_outlook(event)}: {tried}{kept}"
        case _:
            return f"not delivered so far: {tried}{kept}"


def _elsewhere(event: Event) -> str:
    """Return what is kept of it for paths on which it was not delivered."""
    if not event.held_elsewhere:
        return ""
    held, *others = event.held_elsewhere
    more = f", and {count_of(len(others), 'item')} more" if others else ""
    ended = f"{held.outcome} as {held.reason}"
    return f"; not on {held.path}: {ended}, kept since {_since(held)}{more}"


def _since(held: Held) -> str:
    if held.since == inf:
        return "a time that no line tells"
    return show_time(held.since, "seconds", utc=True)


def _how(event: Event) -> str:
    arrival = event.arrival
    if arrival is None or not arrival.is_replay:
        return f"on the {_ordinal(event.delivered_on)} try"
    why = f": {arrival.why}" if arrival.why else ""
    return f"by a replay of {arrival.replay_of} by {arrival.actor or 'nobody known'}{why}"


def _loss(event: Event, tried: str) -> str:
    released = event.holding.released
    kept = f"kept until it {'was ' if released == 'purged' else ''}{released}"
    if event.retry is not None:
        gone = f", {kept}" if released is not None else ""
        return f"presumed lost: {tried}, never delivered (retry rule: {event.retry}){gone}"
    gone = kept if released is not None else "kept nowhere"
    return f"lost: {tried}, answered 200, {gone}, never delivered"


def _outlook(event: Event) -> str:
    until, left = event.until, event.tries_left
    words = "" if until is None else f" until {show_time(until, 'seconds', utc=True)}"
    if left is not None:
        words += f", {count_of(left, 'more time')}" + ("" if until is None else " at most")
    return words


def _untold(event: Event) -> str:
    """Return that the sender was never told so, as where a body to be relayed was cut off."""
    told = [attempt.status for attempt in event.attempts if attempt.fate is Fate.DELIVERED]
    if not told or event.more or any(type(each) is not int or each < 300 for each in told):
        return ""
    return f", but answered {told[-1]}: it may be sent again"


def _ordinal(number: int | None) -> str:
    if number is None:
        return f"more than {MOST_ATTEMPTS}th"
    return _ORDINALS[number - 1] if number <= len(_ORDINALS) else f"{number}th"
