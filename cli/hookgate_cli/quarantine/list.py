"""`hookgate quarantine list`: what is kept?"""

from itertools import chain, count

import typer

from hookgate_cli.audit.wording import count_of
from hookgate_cli.common import ConfigOption, JsonOption, err
from hookgate_cli.option_groups import grouped
from hookgate_cli.terminal import print_json, printable

from .fleet import FleetOptions, opened_items
from .opening import open_store, store_errors
from .rows import describe, print_rows
from .selection import SelectionOptions

app = typer.Typer(add_completion=False)


@app.command("list")
@grouped
def list_items(
    *,
    chosen: SelectionOptions,
    fleet: FleetOptions,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what is kept, oldest first; needs neither the identity nor a ledger.

    What has custody never expires: its sender was told that it is safe here. With --fleet it lists
    what all gates keep; its state is `claimed` while somebody sends it, and `unknown` where whoever
    did has ended since: it may have arrived.

    Examples:

      hookgate quarantine list --since 2h --reason-code contract_violation

      hookgate quarantine list --route /cm/messages --json

      hookgate quarantine list --fleet --dsn-file replayer.dsn
    """
    selection = chosen.selection()
    with store_errors(), opened_items(fleet) as items:
        if items is not None:
            where, max_age = fleet.where, None
            entries = items.entries()
        else:
            store, settings = open_store(config)
            where, max_age = settings.path, settings.max_age
            entries = iter(sorted(store.entries(), key=lambda entry: entry.kept_at))
        seen = count()  # of entries, one for each that comes
        found = (entry for entry, _ in zip(entries, seen, strict=False) if selection.picks(entry))
        first = next(found, None)
        if first is None:
            named, many = printable(where), next(seen)
            asked = f"none of {count_of(many, 'item')} in {named} is what was asked for"
            err.print(asked if many else f"nothing is kept in {named}", soft_wrap=True)
        elif as_json:
            for entry in chain((first,), found):
                print_json(describe(entry, max_age))
        else:
            print_rows(chain((first,), found), max_age)
