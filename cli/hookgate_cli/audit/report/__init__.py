"""`hookgate audit report`: the ledger as one page that needs nothing but a browser."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from hookgate.ledger.audit.balance import balance
from hookgate.ledger.audit.balance_scan import BalanceScan
from hookgate.ledger.audit.chain import verify
from hookgate.ledger.audit.chain_scan import ChainScan
from hookgate.ledger.audit.identity import NO_RANGES
from hookgate.ledger.audit.losses import Losses
from hookgate.ledger.audit.losses_scan import tell_losses
from hookgate.ledger.audit.query import Query
from hookgate.ledger.audit.stats import Summary
from hookgate.ledger.reading.forked import WorkerError, ahead
from hookgate.ledger.reading.locks import held_now
from hookgate.ledger.seal import Keyring
from hookgate.networks.range_set import RangeSet
from hookgate.paths import is_file
from hookgate_cli.audit.asked import asked_of_fleet
from hookgate_cli.audit.choosing import find_ledgers
from hookgate_cli.audit.configured import Keys, configured_ranges, configured_states, load_seal_keys
from hookgate_cli.audit.ledger import Ledger
from hookgate_cli.audit.options import (
    FilesArgument,
    FleetOptions,
    FleetSinceOption,
    FleetUntilOption,
    SealKeyOption,
)
from hookgate_cli.audit.reading import rereader, scanning
from hookgate_cli.audit.stats import sum_up
from hookgate_cli.common import FAILED, FINDING, ConfigOption, err, fail, out
from hookgate_cli.option_groups import grouped
from hookgate_cli.replacing import refuse_foreign
from hookgate_cli.terminal import printable

from .findings import Findings

# In bytes: beside the reading of less another process is not worth its beginning.
_LARGE = 32 << 20
# Near the beginning of a report; page.html.j2 has it.
_TITLE = b"<title>hookgate, "


@grouped
def report(
    html: Annotated[Path, typer.Option("--html", metavar="FILE", help="The page to write.")],
    files: FilesArgument = None,
    *,
    seal_key: SealKeyOption = None,
    fleet: FleetOptions,
    since: FleetSinceOption = None,
    until: FleetUntilOption = None,
    config: ConfigOption = None,
) -> None:
    """Write one page that shows what came to the gate and what became of it.

    When and why, from where, how fast, what changed, what is presumed lost, and whether the ledger
    balances and its chain holds. The page loads nothing from anywhere: mail it, or archive it.
    Needs the extra: pip install 'hookgate[audit]'.

    Examples:

      hookgate audit report --html report.html

      hookgate audit report --html november.html /var/log/hookgate/*.jsonl*
    """
    if find_spec("vl_convert") is None or find_spec("jinja2") is None:
        fail("the report's charts are not installed; pip install 'hookgate[audit]'")
    from .page import bundle, render  # noqa: PLC0415  # only a report needs the extra

    of_fleet = asked_of_fleet(fleet, files, config, since, until)
    ledger = find_ledgers(files, config, fleet=of_fleet)
    if ledger.holds(html):
        fail(f"--html {html} is a ledger; a report would overwrite it")
    if is_file(html):  # else nothing, or a pipe
        refuse_foreign(f"--html {html}", html, _is_report, "an earlier report")
    states = None if files or of_fleet else configured_states(config)
    keys, allowed = load_seal_keys(seal_key, config), configured_ranges(config)
    # First, as DuckDB takes the most memory.
    summary = sum_up(ledger, Query(), keys)
    # The script takes a second. Of one task alone no process is made: the other does nothing.
    with ahead((bundle, lambda: iter(())), forking=ledger.size >= _LARGE) as ready:
        found = gather(ledger, summary, keys, states, allowed)
        try:
            page = render(found, *ready(0))
        except WorkerError:
            fail("the process that makes the page's script ended before it was made", FAILED)
    try:
        html.write_text(page, "utf-8", "backslashreplace")
    except OSError as error:
        fail(f"--html {html} cannot be written: {error.strerror}")
    out.print(f"{found.summary.deliveries:,} requests: {printable(html)}", soft_wrap=True)
    if found.summary.malformed:
        err.print(f"{found.summary.malformed:,} lines were written by no gate; the page names them")
    is_whole = not (found.summary.damaged or ledger.unread or ledger.is_unproven)
    if found.summary.malformed or not is_whole:
        raise typer.Exit(FINDING)


def _is_report(beginning: bytes) -> bool:
    return beginning.lstrip().startswith(b"<!doctype html>") and _TITLE in beginning


def gather(
    ledger: Ledger,
    summary: Summary,
    keys: Keys = (),
    states: list[Path] | None = None,
    allowed: RangeSet = NO_RANGES,
) -> Findings:
    """Read a summed up ledger twice, and again if something may be lost; return what was found.

    With keys, lines that they do not prove count for nothing. `states` are state files, as `verify`
    takes them; `allowed` are the ranges that may send.
    """
    losses = Losses(allowed)
    read = rereader(ledger, keys)
    with scanning(ledger, BalanceScan(Keyring(keys), tell_losses), keys) as lines:
        balanced = balance(losses.watch(lines), is_held=held_now())
    with scanning(ledger, ChainScan(Keyring(keys))) as lines:
        verified = verify(lines, keys, states, apart=ledger.is_fleet)
    verified.findings.extend(ledger.findings())
    lost = losses.confirm(read, by_bytes=ledger.is_read_by_bytes(proving=bool(keys)))
    left_open = losses.left_open
    return Findings(summary, balanced, verified, lost, left_open, losses.unread, ledger.notes)
