"""`hookgate audit verify`: has the ledger been changed since it was written?"""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from hookgate.ledger.audit.chain import HARMLESS, ChainKind, Verification
from hookgate.ledger.audit.chain import verify as verify_chain
from hookgate_cli.common import FINDING, ConfigOption, JsonOption, out
from hookgate_cli.terminal import print_json

from .configured import configured_states, load_seal_keys
from .findings import print_findings
from .ledger import Ledger, find_ledgers
from .options import FilesArgument, SealKeyOption
from .reading import reading

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
_PART = (
    "Only these files were looked at: whether lines were cut off their end, or files after them are"
    " gone, shows with the state files. Name no FILE, or name them with --state."
)


def verify(
    files: FilesArgument = None,
    state: Annotated[
        list[Path] | None,
        typer.Option(
            "--state",
            metavar="FILE",
            help="With FILEs: their state files, as often as needed; else those of audit.path.",
        ),
    ] = None,
    seal_key: SealKeyOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell whether a ledger is as it was written, and name the first line that is not.

    Follows every boot line by line, and from boot to boot and file to file. Exits 1 if anything was
    changed.

    Examples:

      hookgate audit verify

      hookgate audit verify audit.jsonl.2.gz audit.jsonl.1 audit.jsonl --state audit.state

      hookgate audit verify --seal-key seal.key --seal-key last-year.key
    """
    keys = load_seal_keys(seal_key, config)
    states = state if files else [*(state or ()), *configured_states(config)]
    ledger = find_ledgers(files, config)
    with reading(ledger) as lines:
        verification = verify_chain(lines, keys, states)
    if as_json:
        print_json(_report(verification, ledger))
    else:
        _show(verification, ledger)
    if ledger.unread or not verification.holds:
        raise typer.Exit(FINDING)


def _report(verification: Verification, ledger: Ledger) -> dict[str, object]:
    bad = [finding for finding in verification.findings if finding.kind not in HARMLESS]
    return {
        "holds": verification.holds and not ledger.unread,
        "lines": verification.lines,
        "boots": verification.boots,
        "sealed": verification.sealed,
        "unchained": verification.unchained,
        "old_format": verification.old,
        "whole": verification.whole,
        "first_bad": bad[0].place if bad else None,
        "findings": [finding._asdict() for finding in verification.findings],
        "more": verification.more,
        "notes": ledger.as_json(),
    }


def _show(verification: Verification, ledger: Ledger) -> None:
    verdict = Text("holds", "green") if verification.holds else Text("broken", "red")
    if verification.holds and ledger.unread:
        verdict = Text("not all could be read; the rest holds", "red")
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
    out.print(_WHOLE if verification.whole else _PART)
