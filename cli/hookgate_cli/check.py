"""`hookgate check`: judge files offline, as a gate with this configuration would."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from hookgate.networks.addresses import parse_address
from hookgate.policy import Policy, Reason

from .common import FINDING, ConfigOption, JsonOption, fail, load_config, out
from .request_files import StoredRequest, read_requests
from .steps import describe_step, without_signatures
from .terminal import print_json, printable


def check(
    files: Annotated[
        list[Path],
        typer.Argument(help="JSON, JSON Lines (.jsonl, .ndjson), or a raw HTTP request each."),
    ],
    source: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="ADDRESS", help="Who sends it; else the first allowed address."
        ),
    ] = None,
    path: Annotated[
        str | None, typer.Option(metavar="PATH", help="The target; else the first route's.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge events offline and show what each check found, values included.

    Nothing is sent anywhere. A signature is checked where the file is a raw HTTP request, by the
    time that it is now. Exits 1 if anything would be refused.

    Examples:

      hookgate check event.json

      hookgate check captured.jsonl --from 31.169.56.7 --json
    """
    settings = load_config(config, offline=True)
    policy = Policy(settings, clock=time.time)
    unsigned = Policy(without_signatures(settings))
    peer = source or str(settings.source.allow[0].network)
    if parse_address(peer) is None:
        fail(f'--from "{peer}" is no IP address')
    target = (path or settings.routes[0].path or "/").encode()
    refused = False
    for file in files:
        for request in read_requests(file, peer, target):
            refused |= _judge(unsigned if request.is_bare else policy, request, as_json)
    if refused:
        raise typer.Exit(FINDING)


def _judge(policy: Policy, request: StoredRequest, as_json: bool) -> bool:
    if request.head is None:
        reason = Reason.MALFORMED_HTTP
        steps = [
            {
                "check": "http",
                "saw": "",
                "result": reason.code,
                "mode": "enforce",
                "details": ["the request is broken or cut off"],
            }
        ]
    else:
        decision, explained = policy.explain(request.head, request.body)
        reason = decision.reason
        steps = [describe_step(step, decision) for step in explained]
    report: dict[str, Any] = {
        "file": request.name,
        "outcome": "pass" if reason is Reason.CLEAN else "refuse",
        "reason": reason.code,
        "status": reason.status,
        "checks": steps,
    }
    if as_json:
        print_json(report)
    else:
        _show(report)
    return reason is not Reason.CLEAN


def _show(report: dict[str, Any]) -> None:
    colour = "green" if report["outcome"] == "pass" else "red"
    title = Text(report["outcome"], colour)
    title.append(f"  {printable(report['file'])}  {report['reason']} {report['status']}", "default")
    out.print(title)
    table = Table("check", "saw", "result", "found", box=None, padding=(0, 2))
    for item in report["checks"]:
        result = Text(item["result"], {"ok": "green", "skipped": "dim"}.get(item["result"], "red"))
        if item["mode"] == "observe":
            result.append(" (observed)", "dim")
        found = Text("\n".join(map(printable, item["details"])))
        table.add_row(item["check"], Text(printable(item["saw"])), result, found)
    if report["checks"]:
        out.print(table)
