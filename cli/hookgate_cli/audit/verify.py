"""`hookgate audit verify`: has the ledger been changed since it was written?"""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from hookgate.ledger.audit.chain import HARMLESS, ChainKind, Verification
from hookgate.ledger.audit.chain import verify as verify_chain
from hookgate.ledger.audit.chain_scan import ChainScan
from hookgate.ledger.seal import Keyring
from hookgate.times import show_time
from hookgate_cli.common import FINDING, ConfigOption, JsonOption, fail, out
from hookgate_cli.option_groups import grouped
from hookgate_cli.terminal import print_json, printable

from .against import Against, read_logs
from .asked import asked_of_fleet
from .choosing import find_ledgers
from .configured import configured_states, load_seal_keys
from .findings import print_findings
from .ledger import Ledger
from .notes import Compared, check_notes, read_notes
from .options import (
    FilesArgument,
    FleetOptions,
    FleetSinceOption,
    FleetUntilOption,
    SealKeyOption,
)
from .reading import scanning
from .wording import count_of

_UNSEALED = (
    "The ledger has no seals: it shows accidents. Whoever can write the file can also make it anew;"
    " audit.seal_key_file prevents that."
)
_SEALED = (
    "The ledger is sealed: nobody without the key can edit, insert, reorder or delete lines unseen,"
    " but for what docs/audit.md lists."
)
_OLD = (
    "are in the old format (0.1.0): chained, not sealed line by line. The last line of each boot is"
    " proved by nothing."
)
_WHOLE = (
    "What no ledger shows by itself: a newest end that was cut off since hookgate last started,"
    " rotated or stopped; and everything before the first line that is here."
)
_LOG = (
    "The log covers {:,} of the {} that are here, up to its last checkpoint, that of {}. It shows"
    " nothing of the others, and proves as much as the place where it was kept."
)
_NOTES = (
    "Compared with {}{}, the last of {}: lines after that may be gone, and a note proves as much as"
    " the place where it was kept."
)
_FLEET = (
    "What the store does not show by itself: lines that a gate had lost or changed before it sent"
    " them, and everything before the first that it sent."
)
_PART = (
    "Only these files were looked at: whether lines were cut off their end, or files after them are"
    " gone, shows with the state files. Name no FILE, or name them with --state."
)


@grouped
def verify(
    files: FilesArgument = None,
    *,
    state: Annotated[
        list[Path] | None,
        typer.Option(
            "--state",
            metavar="FILE",
            help="With FILEs: their state files, as often as needed; else those of audit.path.",
        ),
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            "--against",
            metavar="FILE",
            help="An operational log of hookgate, or - for standard input, as often as needed: JSON"
            " lines, or the journal's; compressed and wrapped ones too.",
        ),
    ] = None,
    note: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE|FOLDER",
            help="A note of hookgate anchor, or a folder of them, as often as needed.",
        ),
    ] = None,
    anchor_key: Annotated[
        list[str] | None,
        typer.Option(metavar="PUB|FILE", help="The public key of the notes, as often as needed."),
    ] = None,
    seal_key: SealKeyOption = None,
    fleet: FleetOptions,
    since: FleetSinceOption = None,
    until: FleetUntilOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell whether a ledger is as it was written, and name the first line that is not.

    Follows every boot line by line, and from boot to boot and file to file. With --against it looks
    for the lines that a log kept elsewhere saw, with --note for those that signed notes saw. Exits
    1 if anything was changed.

    Examples:

      hookgate audit verify

      hookgate audit verify old.jsonl.gz audit.jsonl --state audit.state

      hookgate audit verify --seal-key seal.key --seal-key last-year.key

      journalctl -u hookgate -o json | hookgate audit verify --against -

      hookgate audit verify --note /mnt/elsewhere --anchor-key gate1.pub
    """
    keys = load_seal_keys(seal_key, config)
    of_fleet = asked_of_fleet(fleet, files, config, since, until)
    if of_fleet is not None and state:
        fail(f"--state {state[0]} is of files: the store has none")
    states = state if files or of_fleet else [*(state or ()), *configured_states(config)]
    if Path("-") in (files or ()) and Path("-") in (against or ()):
        fail("- is given as a ledger and as --against: standard input can be read once")
    # Before the ledger: hookgate may write to both meanwhile.
    log = read_logs(against) if against else None
    notes = read_notes(note, anchor_key or ()) if note else []
    ledger = find_ledgers(files, config, may_be_gone=bool(against or note), fleet=of_fleet)
    witness = log.witness if log is not None else None
    if witness is not None:
        witness.files = ledger.files
    numbers = witness.numbers if witness is not None else None
    with scanning(ledger, ChainScan(Keyring(keys), numbers)) as lines:
        verification = verify_chain(lines, keys, states, witness, apart=ledger.is_fleet)
    verification.findings.extend(ledger.findings())
    compared = check_notes(ledger, notes, anew=verification.begins_anew) if notes else None
    verification.findings.extend(compared.findings if compared is not None else ())
    unread = ledger.unread or (log is not None and log.unread)
    if as_json:
        print_json(_report(verification, ledger, log, compared, unread=unread))
    else:
        _show(verification, log, unread=unread, of_fleet=ledger.is_fleet)
        if compared is not None and compared.notes:
            rest = f" of {len(notes):,}" if len(compared.notes) < len(notes) else ""
            what = count_of(len(compared.notes), "note")
            out.print(_NOTES.format(what, rest, compared.last or "an unknown time"), soft_wrap=True)
    if unread or not verification.holds:
        raise typer.Exit(FINDING)


def _report(
    verification: Verification,
    ledger: Ledger,
    log: Against | None,
    compared: Compared | None,
    *,
    unread: bool,
) -> dict[str, object]:
    bad = [finding for finding in verification.findings if finding.kind not in HARMLESS]
    return {
        "holds": verification.holds and not unread,
        "lines": verification.lines,
        "boots": verification.boots,
        "sealed": verification.sealed,
        "unchained": verification.unchained,
        "old_format": verification.old,
        "whole": verification.whole,
        "against": log.as_json() if log is not None else None,
        "anchored": compared.as_json() if compared is not None else None,
        "first_bad": bad[0].place if bad else None,
        "findings": [finding._asdict() for finding in verification.findings],
        "more": verification.more,
        "notes": ledger.as_json(),
    }


def _show(verification: Verification, log: Against | None, *, unread: bool, of_fleet: bool) -> None:
    wrong = {*(finding.kind for finding in verification.findings), *verification.more} - HARMLESS
    if not verification.holds:
        only_sealed = wrong == {ChainKind.SEALED}
        verdict = Text("not proven, its key is missing" if only_sealed else "broken", "red")
    elif unread:
        verdict = Text("not all could be read; the rest holds", "red")
    else:
        verdict = Text("holds", "green")
    boots = "1 boot" if verification.boots == 1 else f"{verification.boots} boots"
    out.print(verdict.append(f"  {verification.lines} lines of {boots}", "default"))
    print_findings(verification.findings, verification.more, lambda kind: kind not in HARMLESS)
    if verification.unchained:
        out.print(f"{verification.unchained} lines of nginx carry no chain: nothing proves them.")
    if verification.old:
        out.print(f"{verification.old} lines {_OLD}")
    if any(finding.kind is ChainKind.SEALED for finding in verification.findings):
        out.print("Name the key that it was sealed with: --seal-key.")
    elif not verification.sealed:
        out.print(_UNSEALED)
    elif verification.holds and verification.lines > verification.unchained:
        out.print(_SEALED)
    if log is not None:
        _show_log(log, verification.lines)
    elif of_fleet:
        out.print(_FLEET)
    else:
        out.print(_WHOLE if verification.whole else _PART)


def _show_log(log: Against, here: int) -> None:
    witness = log.witness
    for name, lines, found, _ in log.logs:
        told = f"{count_of(found, 'checkpoint')}, {count_of(lines - found, 'other line')}"
        out.print(f"{printable(name)}: {told}", soft_wrap=True)
    if witness.dropped:
        out.print(f"{count_of(witness.dropped, 'checkpoint')} dropped: nobody read the log then.")
    last = show_time(witness.last, "seconds", utc=True) if witness.last else "an unknown time"
    if not witness.covered:
        out.print("The log covers none of the lines that are here.")
        return
    out.print(_LOG.format(witness.covered, count_of(here, "line"), last), soft_wrap=True)
