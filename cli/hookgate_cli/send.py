"""`hookgate send`: the shipped samples, fired at a running gate."""

from typing import Annotated

import requests
import typer
from rich.table import Table
from rich.text import Text

from .common import FINDING, JsonOption, fail, out
from .samples import CLEAN, HOSTILE, Sample, fire
from .terminal import print_json, printable


def send(
    url: Annotated[str, typer.Argument(help="Where to send, with the path of a route.")],
    clean: Annotated[bool, typer.Option("--clean", help="Only what must pass.")] = False,
    hostile: Annotated[bool, typer.Option("--hostile", help="Only what must not.")] = False,
    only: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only samples whose name holds this.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--from", metavar="ADDRESS", help="Local address to send from.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fire the shipped samples at a running gate and compare the answers.

    The sender must be allowed there. Clean samples reach the endpoint behind the gate.
    Exits 1 if any answer is not as it should be.

    Examples:

      hookgate send http://127.0.0.1:8081/cm/events

      hookgate send --hostile https://hooks.example.com/cm/events --json
    """
    samples = [
        sample
        for group, wanted in ((CLEAN, clean or not hostile), (HOSTILE, hostile or not clean))
        for sample in group
        if wanted and (only is None or only in sample.name)
    ]
    if not samples:
        fail(f'no sample has "{only}" in its name')
    rows = [_one(sample, url, source) for sample in samples]
    if as_json:
        print_json(rows, indent=2)
    else:
        _show(rows)
    if not all(row["ok"] for row in rows):
        raise typer.Exit(FINDING)


def _one(sample: Sample, url: str, source: str | None) -> dict[str, object]:
    row: dict[str, object] = {
        "sample": sample.name,
        "expected": sample.reason.status,
        "reason": sample.reason.code,
        "status": None,
        "error": None,
    }
    try:
        row["status"] = fire(sample, url, source)
    except (OSError, requests.RequestException, ValueError) as error:
        row["error"] = f"{type(error).__name__}: {error}"
    row["ok"] = row["status"] == row["expected"]
    return row


def _show(rows: list[dict[str, object]]) -> None:
    table = Table("sample", "must end as", "status", "")
    for row in rows:
        verdict = Text("ok", "green") if row["ok"] else Text(f"expected {row['expected']}", "red")
        status = printable(row["status"] or row["error"])
        table.add_row(str(row["sample"]), str(row["reason"]), status, verdict)
    out.print(table)
    wrong = sum(not row["ok"] for row in rows)
    out.print(f"{len(rows)} sent, {len(rows) - wrong} as expected, {wrong} not")
