"""`hookgate audit duplicates`: which events did the endpoint get more than once?"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from hookgate.ledger.audit.duplicates import Delivered, Duplicates, find_duplicates, scan_delivered
from hookgate.ledger.audit.fate import Attempt, Event, Fate
from hookgate.ledger.reading.reader import Line
from hookgate.ledger.reading.scanning import Run
from hookgate_cli.common import FINDING, ConfigOption, JsonOption, out
from hookgate_cli.option_groups import grouped
from hookgate_cli.terminal import print_json, printable

from .asked import asked_of_fleet
from .choosing import find_ledgers
from .configured import Keys, load_seal_keys
from .events import MOST_SHOWN, identify
from .ledger import Ledger
from .options import (
    FilesArgument,
    FleetOptions,
    FleetSinceOption,
    FleetUntilOption,
    SealKeyOption,
)
from .problems import Problems
from .reading import reading, rereader, scanning
from .wording import count_of


@grouped
def duplicates(
    files: FilesArgument = None,
    *,
    seal_key: SealKeyOption = None,
    fleet: FleetOptions,
    since: FleetSinceOption = None,
    until: FleetUntilOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List events that were delivered more than once, at one gate or at several.

    An event is its body: the same bytes. Replays count, too. Exits 1 if there are any. With a seal
    key, lines that it does not prove count for nothing.

    Examples:

      hookgate audit duplicates --fleet --since 1d

      hookgate audit duplicates /var/log/hookgate/*.jsonl* --json
    """
    keys = load_seal_keys(seal_key, config)
    of_fleet = asked_of_fleet(fleet, files, config, since, until)
    ledger = find_ledgers(files, config, fleet=of_fleet)
    problems = Problems(ledger)
    by_bytes = ledger.is_read_by_bytes(proving=bool(keys))
    with Delivered() as delivered:
        _collect(ledger, keys, delivered, problems)
        read = rereader(ledger.by_name(), keys)
        digests = list(delivered.again(read, by_bytes=by_bytes))
    found = find_duplicates(read, digests, time.time(), by_bytes=by_bytes)
    if as_json:
        events = [_report(event, ledger) for event in found.events]
        notes = {"whole": not problems.any, "notes": ledger.as_json()}
        print_json({"duplicates": found.total, "events": events, "more": found.more, **notes})
    else:
        _show(found, ledger, problems)
    problems.close()
    if found.total or ledger.is_unproven:
        raise typer.Exit(FINDING)


def _collect(ledger: Ledger, keys: Keys, delivered: Delivered, problems: Problems) -> None:
    # Keys prove each line; without them most need not be seen.
    once: AbstractContextManager[Iterator[Line | Run]]
    once = reading(ledger, keys) if keys else scanning(ledger, scan_delivered)
    with once as lines:
        for line in delivered.watch(lines):
            if isinstance(line, Line) and line.record is None:
                problems.note(line)


def _report(event: Event, ledger: Ledger) -> dict[str, Any]:
    about = ("sha256", "reference", "event_reference", "channel", "event_type", "time_utc")
    members = (
        *("place", "request_id", "ts", "outcome", "reason", "status", "upstream_status"),
        *("replay_of", "actor", "fate"),
    )
    return {
        **{name: getattr(event, name) for name in about},
        "delivered": event.ends[Fate.DELIVERED],
        "at": _places(event, ledger),
        "attempts": [
            {name: getattr(attempt, name) for name in members} for attempt in event.attempts
        ],
    }


def _places(event: Event, ledger: Ledger) -> list[str]:
    """The gates of a fleet, or the files, at which it was delivered."""
    arrived = (each.file for each in event.attempts if each.fate is Fate.DELIVERED)
    return list(dict.fromkeys(map(ledger.gate_of, arrived)))


def _show(found: Duplicates, ledger: Ledger, problems: Problems) -> None:
    rest = "; not all could be read" if problems.any else ""
    if not found.total:
        out.print(f"no event was delivered more than once{rest}")
        return
    were = "was" if found.total == 1 else "were"
    out.print(f"{count_of(found.total, 'event')} {were} delivered more than once{rest}")
    for event in found.events[:MOST_SHOWN]:
        times = f"{event.ends[Fate.DELIVERED]} times, at {', '.join(_places(event, ledger))}"
        out.print(printable(f"{times}: {event.name}"), style="yellow", soft_wrap=True)
        out.print(printable(f"  {identify(event)}"), soft_wrap=True)
        out.print(_attempts(event.attempts, ledger))
        if (more := event.count - MOST_SHOWN) > 0:
            out.print(f"  and {more} more attempts; --json has more of them")
    if (more := found.total - MOST_SHOWN) > 0:
        out.print(f"and {more:,} more events; --json has more of them")


def _attempts(attempts: list[Attempt], ledger: Ledger) -> Table:
    table = Table(box=None, padding=(0, 1), show_header=False)
    for each in attempts[:MOST_SHOWN]:
        told = "no answer known" if each.status is None else f"answered {each.status}"
        replay = "by a replay" if each.is_replay else ""
        why = each.outcome or "forwarded", each.reason or "no end"
        cells = (each.ts, ledger.gate_of(each.file), *why, told, replay, each.request_id)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table
