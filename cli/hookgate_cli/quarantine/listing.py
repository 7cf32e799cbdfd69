"""`hookgate quarantine list`: what is kept?"""

from hookgate_cli.audit.wording import count_of
from hookgate_cli.common import ConfigOption, JsonOption, err
from hookgate_cli.terminal import print_json, printable

from .opening import open_store, store_errors
from .rows import describe, print_rows
from .selection import (
    DigestOption,
    ReasonOption,
    ReferenceOption,
    RouteOption,
    SinceOption,
    UntilOption,
    make_selection,
)


def list_items(
    since: SinceOption = None,
    until: UntilOption = None,
    reason_code: ReasonOption = None,
    reference: ReferenceOption = None,
    sha256: DigestOption = None,
    route: RouteOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what is kept, oldest first; needs neither the identity nor a ledger.

    What has custody never expires: its sender was told that it is safe here.

    Examples:

      hookgate quarantine list --since 2h --reason-code contract_violation

      hookgate quarantine list --route /cm/messages --json
    """
    selection = make_selection(since, until, reason_code, reference, sha256, route)
    store, settings = open_store(config)
    with store_errors():
        entries = list(store.entries())
    found = sorted(filter(selection.picks, entries), key=lambda entry: entry.kept_at)
    if as_json:
        for entry in found:
            print_json(describe(entry, settings.max_age))
    elif found:
        print_rows(found, settings.max_age)
    if not found:
        named = printable(settings.path)
        asked = f"none of {count_of(len(entries), 'item')} in {named} is what was asked for"
        err.print(asked if entries else f"nothing is kept in {named}", soft_wrap=True)
