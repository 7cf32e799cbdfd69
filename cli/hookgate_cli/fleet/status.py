"""`hookgate fleet status`: how each gate is, and what somebody should look at."""

import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from hookgate.fleet.status import GateStatus, read_status
from hookgate.times import iso_time, show_time
from hookgate_cli.audit.moments import read_time
from hookgate_cli.common import FINDING, JsonOption, err, out
from hookgate_cli.terminal import print_json, printable

from .login import DsnOption, read_dsn, store_errors


def status(
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="TIME", help="Only what was found from then on: 7d (ago), today, ..."
        ),
    ] = None,
    dsn_file: DsnOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show each gate of the fleet, and what somebody should look at.

    Findings: a gate that is silent or behind for a minute; a boot that ended without a stop
    (no_stop), or of which nothing came (missing); lines that were gone before they were sent
    (lost), that are gone on the gate since (cut), or that came twice and differ (fork).

    Exits 1 if there are findings. It needs a login that may read: an administrator's, or one in
    the role hookgate_reader.

    Examples:

      hookgate fleet status --dsn-file reader.dsn

      hookgate fleet status --json --since 1d
    """
    moment = read_time(since, time.time())
    after = None if moment is None else datetime.fromtimestamp(moment, UTC)
    dsn = read_dsn(dsn_file)
    with store_errors(dsn_file):
        gates = read_status(dsn, after)
    findings = [(gate, finding) for gate in gates for finding in gate.findings]
    if as_json:
        print_json([_to_json(gate) for gate in gates])
    elif not gates:
        err.print("no gate belongs to this fleet; hookgate fleet init --gate NAME adds one")
    else:
        table = Table("gate", "heard of", "last line", "behind", "boots", "software", box=None)
        for gate in gates:
            times = (_time(gate.seen), _time(gate.received))
            table.add_row(
                gate.gate, *times, str(gate.behind), str(gate.boots), printable(gate.software)
            )
        out.print(table)
        for gate, finding in findings:
            unknown = _tell_unknown(gate) if finding.kind == "silent" else ""
            # Boots and versions are words of whoever has a gate's password.
            text = f"{gate.gate}: {finding.kind}: {finding.text}{unknown}"
            out.print(printable(text), soft_wrap=True)
    if findings:
        raise typer.Exit(FINDING)


def _tell_unknown(gate: GateStatus) -> str:
    if gate.stopped:
        return "; the gate had stopped, and whether it runs again is not known"
    return "; whether the gate runs is not known"


def _time(moment: datetime | None) -> str:
    return show_time(moment.timestamp(), "seconds", utc=True) if moment else "never"


def _to_json(gate: GateStatus) -> dict[str, Any]:
    row = asdict(gate)
    for name in ("seen", "received"):
        row[name] = row[name] and iso_time(row[name].timestamp(), "microseconds")
    return {**row, "findings": [{"kind": f.kind, "text": f.text} for f in gate.findings]}
