"""`hookgate quarantine show`: one item, as far as it may be read."""

import sys
from typing import Annotated, Any

import typer
from rich.table import Table

from hookgate.quarantine.encryption import Identities
from hookgate.quarantine.entry import Entry
from hookgate.quarantine.item import Item
from hookgate.quarantine.items import Items
from hookgate.quarantine.replay.items import DamagedError, body_of, open_item
from hookgate.times import iso_time, show_time
from hookgate_cli.common import FINDING, ConfigOption, JsonOption, err, fail, out
from hookgate_cli.offering import offered
from hookgate_cli.option_groups import grouped
from hookgate_cli.terminal import print_json, printable

from .fleet import FleetOptions, opened_items
from .opening import IdentityOption, find_identities, need_identities, open_store, store_errors
from .rows import describe
from .selection import parse_prefix

# Letters of a member: of another hand a record may be anything.
_LONGEST = 4096


@grouped
def show(
    sha256: Annotated[str, typer.Argument(help="That of the body, or its beginning.")],
    *,
    identity: IdentityOption = None,
    body: Annotated[
        bool,
        typer.Option("--body", help="Write the body alone, as it came; escaped on a terminal."),
    ] = False,
    fleet: FleetOptions,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the items of a body: what the ledger says of each, and with the identity its head.

    One body may be kept for several targets. Exits 1 where an item cannot be read.

    Examples:

      hookgate quarantine show 3f2a9c81

      hookgate quarantine show 3f2a9c81 --identity replay.key

      hookgate quarantine show 3f2a9c81 --identity replay.key --body > event.json

      hookgate quarantine show 3f2a9c81 --fleet --dsn-file replayer.dsn
    """
    prefix = parse_prefix(sha256)
    identities = need_identities(identity, "a body") if body else find_identities(identity)
    with store_errors(), opened_items(fleet) as items:
        if items is not None:
            _show(items, prefix, identities, None, body=body, as_json=as_json)
        else:
            store, settings = open_store(config)
            _show(store, prefix, identities, settings.max_age, body=body, as_json=as_json)


def _show(
    store: Items,
    prefix: str,
    identities: Identities | None,
    max_age: float | None,
    *,
    body: bool,
    as_json: bool,
) -> None:
    found = [
        entry._replace(record=None)  # which is looked up again, one at a time
        for entry in store.entries()
        if body_of(entry).startswith(prefix)
    ]
    if not found:
        rest = offered(
            "hookgate quarantine list has what is there, hookgate audit fate says what became of"
            " the rest"
        )
        fail(f"nothing is kept whose SHA-256 begins with {prefix}; {rest}", FINDING)
    if body and identities is not None:
        _write_body(store, found, identities)
        return
    whole = True
    for entry in filter(None, map(store.look_again, found)):
        item, problem = _open(store, entry, identities)
        whole = whole and not problem
        if as_json:
            read = {"head": _head(item), "problem": problem or None}
            print_json({**describe(entry, max_age), **read})
        else:
            _print(entry, item, problem)
    if not whole:
        raise typer.Exit(FINDING)


def _open(store: Items, entry: Entry, identities: Identities | None) -> tuple[Item | None, str]:
    if identities is None:
        return None, ""
    try:
        return open_item(store, entry, identities).item, ""
    except DamagedError as error:
        return None, str(error)


def _write_body(store: Items, found: list[Entry], identities: Identities) -> None:
    bodies = {body_of(entry) for entry in found}
    if len(bodies) > 1:
        fail(f"{len(bodies)} bodies have a SHA-256 that begins so; write more of it")
    for entry in found:
        item, problem = _open(store, entry, identities)
        if item is not None:
            if sys.stdout.isatty():
                err.print("escaped, as this is a terminal; > FILE has the bytes as they came")
                out.print(item.body.decode("utf-8", "backslashreplace"), soft_wrap=True)
            else:
                sys.stdout.buffer.write(item.body)
                sys.stdout.buffer.flush()
            return
        err.print(f"{printable(entry.path)} {printable(problem)}", soft_wrap=True)
    raise typer.Exit(FINDING)


def _print(entry: Entry, item: Item | None, problem: str) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("file", printable(entry.path))
    table.add_row("kept at", show_time(entry.kept_at, "seconds"))
    for name, value in (entry.record or {}).items():
        if name not in ("event", "ts") and value not in (None, "", []):
            said = ", ".join(map(str, value)) if type(value) is list else str(value)
            table.add_row(printable(name[:_LONGEST]), printable(said[:_LONGEST]))
    if entry.record is None:
        table.add_row("record", "none that can be read")
    if problem:
        table.add_row("damaged", printable(problem))
    out.print(table)
    if item is not None:
        out.print()
        for line in _lines(item):
            out.print(printable(line), soft_wrap=True)
    out.print()


def _lines(item: Item) -> list[str]:
    head = item.head
    first = f"{_text(head.method)} {_text(head.target)} HTTP/{head.version}"
    return [first, *(f"{_text(name)}: {_text(value)}" for name, value in head.fields)]


def _head(item: Item | None) -> dict[str, Any] | None:
    if item is None:
        return None
    head = item.head
    return {
        "method": _text(head.method),
        "target": _text(head.target),
        "fields": [[_text(name), _text(value)] for name, value in head.fields],
        "client": item.origin.client,
        "peer": item.origin.peer,
        "received": iso_time(item.received, "microseconds"),
        "signed": item.signed,
        "request_id": item.request_id,
    }


def _text(value: bytes) -> str:
    return value.decode("latin-1")
