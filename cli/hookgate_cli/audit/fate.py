"""`hookgate audit fate`: what became of these events in the end?"""

from collections import Counter
from typing import Annotated, Any

import typer

from hookgate.ledger.audit.fate import Event, Fate, Story
from hookgate.ledger.audit.losses import WORRYING
from hookgate.ledger.audit.search import Found, find
from hookgate.times import iso_time
from hookgate_cli.common import FINDING, ConfigOption, JsonOption, fail, out
from hookgate_cli.option_groups import grouped
from hookgate_cli.terminal import print_json, printable

from .asked import MOST_BY_NAME, asked_of_fleet
from .choosing import find_ledgers
from .configured import configured_ranges, load_seal_keys
from .events import MOST_SHOWN, describe_holding, identify, is_named_only, print_event, print_fate
from .names import read_names
from .options import FleetOptions, LogOption, SealKeyOption
from .problems import Problems
from .reading import rereader
from .wording import count_of

_FINDINGS = (*WORRYING, Fate.NEVER_SEEN)
_IN_ALL = {
    Fate.DELIVERED: "delivered",
    Fate.UNKNOWN: "unknown",
    Fate.LOST: "presumed lost",
    Fate.HELD: "held",
    Fate.UNDELIVERED: "not delivered so far",
    Fate.RETRYING: "still being retried",
    Fate.NEVER_SEEN: "never seen",
}


@grouped
def fate(
    references: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="An event's reference, its own event.reference, its SHA-256, its webhook-id"
            " (evt_...), or a request_id.",
        ),
    ] = None,
    *,
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
    fleet: FleetOptions,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what became of events: every attempt, and the end.

    An event is its body; several may share a name, and each has a fate of its own. Exits 1 if any
    is presumed lost, held in the quarantine, unknown or was never seen; what is still being retried
    is no finding. With a seal key, lines that it does not prove are left out.

    Examples:

      hookgate audit fate 121c38a5-cf77-424a-9ea9-d6c044a845f8

      hookgate audit fate --file backfill.csv --json
    """
    asked = [*(references or ()), *(read_names(file) if file is not None else ())]
    if not asked:
        fail("no reference; name one, or a list of them with --file")
    keys = load_seal_keys(seal_key, config)
    of_fleet = asked_of_fleet(fleet, log, config)
    ledger = find_ledgers(log, config, fleet=of_fleet, by_names=len(asked) <= MOST_BY_NAME)
    problems = Problems(ledger)
    read = rereader(ledger, keys)
    by_bytes = ledger.is_read_by_bytes(proving=bool(keys))
    found = find(
        read, asked, configured_ranges(config), by_bytes=by_bytes, on_problem=problems.note
    )
    counts = Counter(story.fate for story in found.stories)
    if as_json:
        for story in found.stories:
            print_json(_report(story, found.unread))
        summary = {fate.value: counts[fate] for fate in Fate}
        notes = {"whole": not problems.any, "notes": ledger.as_json()}
        print_json({"summary": summary, "unread": found.unread, **notes})
    else:
        _show(found, counts, problems)
    problems.close()
    if any(counts[fate] for fate in _FINDINGS) or any(map(is_named_only, found.stories)):
        raise typer.Exit(FINDING)


def _report(story: Story, unread: int) -> dict[str, Any]:
    return {
        "asked": story.asked,
        "fate": story.fate,
        "events": [_report_event(event) for event in story.events],
        "unread": unread,
    }


def _report_event(event: Event) -> dict[str, Any]:
    names = ("sha256", "reference", "event_reference", "channel", "event_type", "time_utc")
    return {
        **{name: getattr(event, name) for name in names},
        "parsed": event.parsed,
        "fate": event.fate,
        "retry": event.retry,
        "until": iso_time(event.until, "microseconds") if event.until is not None else None,
        "tries_left": event.tries_left,
        "delivered_on": event.delivered_on,
        "tries": event.tries,
        "delivered": event.ends[Fate.DELIVERED],
        **describe_holding(event),
        "attempts": [
            {
                "place": attempt.place,
                **{name: value for name, value in attempt._asdict().items()
                   if name not in ("file", "number", "rule", "record")},
                "fate": attempt.fate,
            }
            for attempt in event.attempts
        ],
    }  # fmt: skip


def _show(found: Found, counts: Counter[Fate], problems: Problems) -> None:
    stories = shown = found.stories
    if len(stories) > MOST_SHOWN:
        shown = [
            story
            for story in stories
            if story.fate is not Fate.DELIVERED
            or any(event.held_elsewhere for event in story.events)
        ]
    for story in shown[:MOST_SHOWN]:
        _print_story(story, problems.never_seen)
    if len(shown) > MOST_SHOWN:
        out.print(f"and {len(shown) - MOST_SHOWN} more; --json tells of each")
    if found.unread and counts[Fate.DELIVERED] < len(stories):
        which = "this event" if len(stories) == 1 else "one of these events"
        out.print(_unread(found.unread, which), soft_wrap=True)
    if len(stories) > 1:
        parts = (f"{counts[fate]} {_IN_ALL[fate]}" for fate in Fate if counts[fate])
        rest = "; not all of the ledger could be read" if problems.any else ""
        out.print(f"{len(stories)} asked: {', '.join(parts)}{rest}")


def _unread(count: int, which: str) -> str:
    were, any_ = ("was", "it") if count == 1 else ("were", "any")
    attempts = count_of(count, "attempt")
    return f"{attempts} from inside the ranges {were} not read whole; {any_} may have been {which}"


def _print_story(story: Story, never: str) -> None:
    events = story.events
    if not events:
        print_fate(story.fate, never, story.asked)
    elif len(events) == 1 and not is_named_only(story):
        print_event(events[0], story.asked)
    else:
        _print_several(story)


def _print_several(story: Story) -> None:
    events = story.events
    called = "1 event goes by" if len(events) == 1 else f"{len(events)} events go by"
    no_body = "no body has this SHA-256; " if is_named_only(story) else ""
    out.print(f"{no_body}{called} {printable(story.asked)}", soft_wrap=True)
    if len(events) > MOST_SHOWN:
        events = sorted(events, key=lambda event: event.fate is Fate.DELIVERED)
    for event in events[:MOST_SHOWN]:
        print_event(event, identify(event))
    if len(events) > MOST_SHOWN:
        out.print(f"and {len(events) - MOST_SHOWN} more events; --json tells of each")
    counted = len(story.counted)
    what = f"the worst of {counted} events" if counted > 1 else "the event"
    if beside := len(events) - counted:
        what += f"; {beside} beside it did not parse"
    print_fate(story.fate, _IN_ALL[story.fate], f"{story.asked}, {what}")
