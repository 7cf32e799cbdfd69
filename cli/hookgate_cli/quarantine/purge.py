"""`hookgate quarantine purge`: erase what is kept."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Annotated

import typer

from hookgate.log import make_log
from hookgate.quarantine.entry import Entry
from hookgate.quarantine.items import Items
from hookgate.quarantine.replay.session import Leaving, Releases, opened_gate
from hookgate.settings import Config
from hookgate_cli.audit.wording import count_of
from hookgate_cli.common import FINDING, ConfigOption, JsonOption, err, fail, load_config, out
from hookgate_cli.option_groups import grouped
from hookgate_cli.terminal import print_json, printable

from .fleet import FleetOptions, opened_items
from .opening import actor, open_store, parse_reason, store_errors
from .outcome import print_nothing
from .rows import describe, in_custody, print_rows
from .running import alone, run
from .selection import SelectionOptions

_BATCH = 32


@grouped
def purge(
    *,
    chosen: SelectionOptions,
    all_items: Annotated[bool, typer.Option("--all", help="All that is kept.")] = False,
    custody: Annotated[
        bool,
        typer.Option(
            "--custody",
            help="Also what has custody: its sender was told that it is safe, and it is lost.",
        ),
    ] = False,
    fleet: FleetOptions,
    reason: Annotated[
        str | None,
        typer.Option("--reason", metavar="TEXT", help="Why; the ledger says it."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Erase them; without it, only list.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase what is kept; without --yes, list what would be erased.

    The ledger then has the SHA-256 of what was purged, by whom and why, and nothing else of it.
    Exits 1 if any that was asked for stays. Copies of the folder, as in backups, are not reached.
    With --fleet it erases in the store, and the gates in their folders soon.

    Examples:

      hookgate quarantine purge --reference 121c38a5-cf77-424a-9ea9 --yes

      hookgate quarantine purge --reason-code malformed_json --until 7d
    """
    selection = chosen.selection()
    if selection.is_all != all_items:
        fail("say which items: --reference, --sha256 or another option of theirs, or else --all")
    told = {"actor": actor(), **({"why": parse_reason(reason)} if reason else {})}
    with store_errors(), ExitStack() as stack:
        kept = stack.enter_context(opened_items(fleet))
        max_age = None
        if kept is not None:
            items: Items = kept
        else:
            items, settings = open_store(config)
            max_age = settings.max_age
            if yes:
                stack.enter_context(alone(settings.path))
        broken = 0

        def looked_at() -> Iterator[Entry]:
            nonlocal broken
            for entry in items.entries():
                broken += selection.needs_record and entry.record is None
                yield entry

        asked = sorted(map(_light, selection.pick(looked_at())), key=lambda entry: entry.kept_at)
        if broken:
            err.print(
                f"{count_of(broken, 'item')} without a record that tells whether it is meant;"
                " --sha256 names one",
                soft_wrap=True,
            )
        erased = [entry for entry in asked if custody or not in_custody(entry)]
        left = len(asked) - len(erased)
        remaining = 0
        if not yes:
            _list(filter(None, map(partial(_whole, items), erased)), max_age, as_json=as_json)
        elif erased:
            loaded = load_config(config, offline=True)
            remaining = run(_purge(items, erased, loaded, told), loaded)
    if as_json:
        count = len(erased) - remaining
        print_json(
            {"purged": count if yes else 0, "planned": len(erased), "left": left + remaining}
        )
    elif not asked:
        print_nothing()
    elif yes:
        out.print(f"erased: {count_of(len(erased) - remaining, 'item')}")
    else:
        err.print(f"to be erased: {count_of(len(erased), 'item')}; --yes does it")
    if left:
        err.print(f"left, as it has custody: {count_of(left, 'item')}; --custody erases that too")
    if left or remaining:
        raise typer.Exit(FINDING)


def _light(entry: Entry) -> Entry:
    """Leave out the record of a fleet's item: of many they take more memory than there may be."""
    return entry if entry.fleet is None else entry._replace(record=None)


def _whole(items: Items, entry: Entry) -> Entry | None:
    return entry if entry.fleet is None else items.look_again(entry)


def _list(erased: Iterable[Entry], max_age: float | None, *, as_json: bool) -> None:
    if not as_json:
        print_rows(erased, max_age)
        return
    for entry in erased:
        print_json(describe(entry, max_age))


async def _purge(
    store: Items, entries: Sequence[Entry], config: Config, told: dict[str, str]
) -> int:
    """Erase items; returns how many could not be."""
    async with opened_gate(config, make_log()) as gate:
        releases = Releases(store, gate, told)
        await releases.settle_stale()
        for first in range(0, len(entries), _BATCH):
            batch = entries[first : first + _BATCH]
            await releases.release([Leaving(entry, "purged") for entry in batch])
    if releases.problem:
        err.print(printable(f"hookgate: {releases.problem}"), soft_wrap=True)
    return releases.remaining
