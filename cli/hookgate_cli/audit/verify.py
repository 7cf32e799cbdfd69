"""`hookgate audit verify`: has the ledger been changed since it was written?"""

import typer
from rich.text import Text

from hookgate.ledger.chain import HARMLESS, Kind, Verification
from hookgate.ledger.chain import verify as verify_chain
from hookgate_cli.common import FINDING, ConfigOption, JsonOption, out
from hookgate_cli.terminal import print_json

from .common import FilesArgument, SealKeyOption, find_ledgers, load_seal_key, reading, tell

_UNSEALED = (
    "The chain has no key: it shows accidents. Whoever can write the file can also make the chain"
    " anew; audit.seal_key_file prevents that."
)
_SEALED = "The chain is sealed: nobody without the key can edit, insert or reorder lines unseen."
_EITHER = (
    "What no chain shows: lines cut off the end, unless a later start in the file names another"
    " line before it, or a boot lacks its stop; and lines before the first that is here."
)


def verify(
    files: FilesArgument = None,
    seal_key: SealKeyOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow the hash chain of every boot and name the first line that breaks it.

    Exits 1 if a chain is broken.

    Examples:

      hookgate audit verify

      hookgate audit verify audit.jsonl.2.gz audit.jsonl.1 audit.jsonl --seal-key seal.key
    """
    key = load_seal_key(seal_key, config)
    with reading(find_ledgers(files, config)) as lines:
        verification = verify_chain(lines, key)
    if as_json:
        print_json(_report(verification))
    else:
        _show(verification)
    if not verification.holds:
        raise typer.Exit(FINDING)


def _report(verification: Verification) -> dict[str, object]:
    bad = [finding for finding in verification.findings if finding.kind not in HARMLESS]
    return {
        "holds": verification.holds,
        "lines": verification.lines,
        "boots": verification.boots,
        "sealed": verification.sealed,
        "unchained": verification.unchained,
        "first_bad": bad[0].place if bad else None,
        "findings": [finding._asdict() for finding in verification.findings],
        "more": verification.more,
    }


def _show(verification: Verification) -> None:
    verdict = Text("holds", "green") if verification.holds else Text("broken", "red")
    boots = "1 boot" if verification.boots == 1 else f"{verification.boots} boots"
    out.print(verdict.append(f"  {verification.lines} lines of {boots}", "default"))
    tell(verification.findings, verification.more, lambda kind: kind not in HARMLESS)
    if verification.unchained:
        out.print(f"{verification.unchained} lines of nginx carry no chain: nothing proves them.")
    if any(finding.kind is Kind.SEALED for finding in verification.findings):
        out.print("Name the key that the chain was made with: --seal-key.")
    else:
        out.print(_SEALED if verification.sealed else _UNSEALED)
    out.print(_EITHER)
