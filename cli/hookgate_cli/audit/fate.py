"""`hookgate audit fate`: what became of these events in the end?"""

from collections import Counter
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from hookgate.ledger.fate import MOST_ATTEMPTS, Fate, Story, find
from hookgate_cli.common import FINDING, ConfigOption, JsonOption, fail, out
from hookgate_cli.terminal import print_json, printable

from .common import LogOption, Problems, SealKeyOption, load_seal_keys, rereading
from .ledger import find_ledgers
from .names import read_names

_WORRYING = (Fate.LOST, Fate.UNKNOWN, Fate.NEVER_SEEN)
_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_COLOURS = {Fate.DELIVERED: "green", Fate.UNDELIVERED: "yellow"}
_MOST_SHOWN = 20


def fate(
    references: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[REFERENCE]...",
            help="An event's reference, its own event.reference, its SHA-256, or a request_id.",
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help='Many of them: one a line, JSON, JSON Lines, or CSV with "reference" or the like;'
            ' "-" is standard input.',
        ),
    ] = None,
    log: LogOption = None,
    seal_key: SealKeyOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what became of events: every attempt, and the end.

    Exits 1 if any is presumed lost, unknown or was never seen. With a seal key, lines that it does
    not prove are left out.

    Examples:

      hookgate audit fate 121c38a5-cf77-424a-9ea9-d6c044a845f8

      hookgate audit fate --file backfill.csv --json
    """
    asked = [*(references or ()), *(read_names(file) if file is not None else ())]
    if not asked:
        fail("no reference; name one, or a list of them with --file")
    keys = load_seal_keys(seal_key, config)
    ledger = find_ledgers(log, config)
    problems = Problems(ledger)
    read = rereading(ledger, keys)
    stories = find(read, asked, on_problem=problems.note)
    counts = Counter(story.fate for story in stories)
    if as_json:
        for story in stories:
            print_json(_report(story))
        summary = {fate.value: counts[fate] for fate in Fate}
        print_json({"summary": summary, "whole": not problems.any, "notes": ledger.as_json()})
    else:
        _show(stories, counts, unread=problems.any)
    problems.close()
    if any(counts[fate] for fate in _WORRYING):
        raise typer.Exit(FINDING)


def _report(story: Story) -> dict[str, Any]:
    attempts = [
        {
            "place": attempt.place,
            **{name: value for name, value in attempt._asdict().items()
               if name not in ("file", "number", "record")},
            "fate": attempt.fate,
        }
        for attempt in story.attempts
    ]  # fmt: skip
    return {
        "reference": story.identifier,
        "fate": story.fate,
        "delivered_on": story.delivered_on,
        "tries": story.ends.total(),
        "delivered": story.ends[Fate.DELIVERED],
        "attempts": attempts,
    }


def _show(stories: list[Story], counts: Counter[Fate], *, unread: bool) -> None:
    told = stories
    if len(stories) > _MOST_SHOWN:
        told = [story for story in stories if story.fate is not Fate.DELIVERED]
    for story in told[:_MOST_SHOWN]:
        _tell(story, unread=unread)
    if len(told) > _MOST_SHOWN:
        out.print(f"and {len(told) - _MOST_SHOWN} more; --json tells of each")
    if len(stories) > 1:
        parts = (f"{counts[fate]} {fate.replace('_', ' ')}" for fate in Fate if counts[fate])
        rest = "; not all of the ledger could be read" if unread else ""
        out.print(f"{len(stories)} asked: {', '.join(parts)}{rest}")


def _tell(story: Story, *, unread: bool) -> None:
    colour = _COLOURS.get(story.fate, "red")
    never = unread and story.fate is Fate.NEVER_SEEN
    title = Text("not seen in what could be read" if never else words(story), colour)
    out.print(title.append(f"  {printable(story.identifier)}", "default"))
    table = Table(box=None, padding=(0, 1), show_header=False)
    for attempt in story.attempts[:_MOST_SHOWN]:
        outcome = attempt.outcome or "forwarded"
        cells = (attempt.ts, outcome, attempt.reason or "no end", attempt.request_id)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    if story.attempts:
        out.print(table)
    if (more := story.ends.total() - _MOST_SHOWN) > 0:
        out.print(f"  and {more} more; --json tells of each")


def words(story: Story) -> str:
    """The fate of an event, as a person would say it."""
    tries = story.ends.total()
    match story.fate:
        case Fate.DELIVERED:
            times = story.ends[Fate.DELIVERED]
            again = f", and {times} times in all" if times > 1 else ""
            return f"delivered on the {_ordinal(story.delivered_on)} try{again}"
        case Fate.UNKNOWN:
            return "unknown: it was forwarded and may have arrived"
        case Fate.LOST:
            return f"presumed lost: tried {tries} times, never delivered"
        case Fate.UNDELIVERED:
            return f"not delivered so far: tried {'once' if tries == 1 else 'twice'}"
        case _:
            return "never seen"


def _ordinal(number: int | None) -> str:
    if number is None:
        return f"more than {MOST_ATTEMPTS}th"
    return _ORDINALS[number - 1] if number <= len(_ORDINALS) else f"{number}th"
