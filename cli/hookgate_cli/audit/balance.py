"""`hookgate audit balance`: is every request accounted for?"""

from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from hookgate.ledger.audit.balance import GRAVE, OUTCOMES, Balance, Totals
from hookgate.ledger.audit.balance import balance as add_up
from hookgate.ledger.audit.balance_scan import BalanceScan
from hookgate.ledger.audit.keeping import KeepingTotals
from hookgate.ledger.reading.locks import held_now
from hookgate.ledger.seal import Keyring
from hookgate_cli.common import FINDING, ConfigOption, JsonOption, out
from hookgate_cli.option_groups import grouped
from hookgate_cli.terminal import print_json, printable

from .asked import asked_of_fleet
from .choosing import find_ledgers
from .configured import load_seal_keys
from .findings import print_findings
from .ledger import Ledger
from .options import (
    FilesArgument,
    FleetOptions,
    FleetSinceOption,
    FleetUntilOption,
    SealKeyOption,
)
from .reading import scanning
from .wording import count_of

_OPEN = ("unknown", "in_flight", "missing")
# A person reads the newest of many; --json has them all.
_MOST_SHOWN = 20


@grouped
def balance(
    files: FilesArgument = None,
    *,
    seal_key: SealKeyOption = None,
    fleet: FleetOptions,
    since: FleetSinceOption = None,
    until: FleetUntilOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add up every boot: received = delivered + refused + failed + aborted + open.

    Open is what no line tells the end of: unknown, in flight or missing.

    Names what is missing, doubled or unknown, with file and line, and adds up the quarantine: kept
    = replayed + delivered + expired + purged + held. Exits 1 if it does not balance. With a seal
    key, lines that it does not prove count for nothing.

    Examples:

      hookgate audit balance

      hookgate audit balance /var/log/hookgate/*.jsonl* --json
    """
    keys = load_seal_keys(seal_key, config)
    of_fleet = asked_of_fleet(fleet, files, config, since, until)
    ledger = find_ledgers(files, config, fleet=of_fleet)
    with scanning(ledger, BalanceScan(Keyring(keys)), keys) as lines:
        sums = add_up(lines, keys, () if files else ledger.states(config), held_now())
    if as_json:
        print_json(_report(sums, ledger))
    else:
        _show(sums, ledger)
    if ledger.unread or not sums.balances:
        raise typer.Exit(FINDING)


def _report(sums: Balance, ledger: Ledger) -> dict[str, Any]:
    return {
        "balances": sums.balances and not ledger.unread,
        "total": _row(sums.total),
        "boots": [{"boot": boot.boot, "front": boot.front, **_row(boot)} for boot in sums.boots],
        "unnumbered": sums.unnumbered,
        "quarantine": _quarantine(sums.keeping),
        "findings": [finding._asdict() for finding in sums.findings],
        "more": sums.more,
        "notes": ledger.as_json(),
    }


def _quarantine(keeping: KeepingTotals) -> dict[str, int]:
    rest = {"held": keeping.held, "unexplained": keeping.unexplained}
    return {"kept": keeping.kept, **keeping.released, **rest}


def _row(boot: Totals) -> dict[str, int]:
    ended = {outcome: boot.ended[outcome] for outcome in OUTCOMES}
    if other := boot.ended.total() - sum(ended.values()):
        ended["other"] = other
    rest = {name: getattr(boot, name) for name in _OPEN}
    return {"received": boot.received, **ended, **rest}


def _show(sums: Balance, ledger: Ledger) -> None:
    verdict = Text("balances", "green") if sums.balances else Text("does not balance", "red")
    if sums.balances and ledger.unread:
        verdict = Text("not all could be read; the rest balances", "red")
    out.print(verdict)
    if sums.boots:
        _show_boots(sums)
    if sums.keeping:
        _show_quarantine(sums.keeping)
    print_findings(sums.findings, sums.more, GRAVE.__contains__)
    if sums.unnumbered:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in sums.unnumbered.items())
        out.print(
            f"nginx: {sums.unnumbered.total()} received, {counts}. It numbers no requests: nothing"
            " shows whether a line is missing."
        )


def _show_boots(sums: Balance) -> None:
    table = Table("boot", "front", box=None, padding=(0, 1, 0, 0))
    for name in ("received", *OUTCOMES, "open"):
        table.add_column(name, justify="right")
    for boot in sums.boots[-_MOST_SHOWN:]:
        table.add_row(printable(boot.boot), printable(boot.front), *_cells(boot))
    if len(sums.boots) > _MOST_SHOWN:
        table.add_row(f"{len(sums.boots) - _MOST_SHOWN} before", style="dim")
    total = sums.total
    table.add_row("all", "", *_cells(total), style="bold")
    out.print(table)
    if total.open:
        out.print(
            f"open: {total.unknown} unknown, {total.in_flight} in flight, {total.missing} missing"
        )


def _show_quarantine(keeping: KeepingTotals) -> None:
    parts = {**keeping.released, "held": keeping.held}
    sum_ = " + ".join(f"{count} {cause}" for cause, count in parts.items())
    out.print(f"quarantine: {keeping.kept} kept = {sum_}", soft_wrap=True)
    if count := keeping.unexplained:
        were = "was" if count == 1 else "were"
        out.print(
            f"{count_of(count, 'file')} more {were} released, and no line here says"
            " kept: it is in a ledger that is not here",
            soft_wrap=True,
        )


def _cells(boot: Totals) -> list[str]:
    ended = (boot.ended[outcome] for outcome in OUTCOMES)
    return [str(count) for count in (boot.received, *ended, boot.open)]
