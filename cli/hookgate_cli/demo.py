"""`hookgate demo`: the whole thing on loopback, with real sockets and a real process."""

import json
import shlex
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import requests
import typer
from rich.box import SIMPLE_HEAD
from rich.progress import track
from rich.table import Table
from rich.text import Text

from hookgate.policy import Reason

from .common import FINDING, out
from .gate_process import running_gate
from .receiver import Receiver
from .samples import CLEAN, HOSTILE, Sample, fire
from .terminal import printable

ALLOWED, STRANGER = "127.0.0.1", "127.0.0.2"


def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave it running for requests of your own.")
    ] = False,
    addon: Annotated[
        bool, typer.Option("--addon", help="Through mitmdump with the addon, not the sidecar.")
    ] = False,
) -> None:
    """Start a receiver and a gate, send clean and hostile samples, show what became of each.

    Everything stays on loopback: 127.0.0.1 plays the provider, 127.0.0.2 a stranger. Exits 0
    only if every sample ended as it should.

    Examples:

      hookgate demo

      hookgate demo --addon --keep
    """
    folder = Path(tempfile.mkdtemp(prefix="hookgate-demo-"))
    audit = folder / "audit.jsonl"
    verb = "mitmdump" if addon else "serve"
    with Receiver() as receiver, running_gate(verb, receiver.url, audit, ALLOWED) as port:
        url = f"http://127.0.0.1:{port}/cm/events"
        strangers = (
            Sample("a clean event, from a stranger", Reason.SOURCE_NOT_ALLOWED, CLEAN[0].body),
            Sample(
                "the same, with a forged X-Forwarded-For",
                Reason.SOURCE_NOT_ALLOWED,
                headers={"Content-Type": "application/json", "X-Forwarded-For": "31.169.56.7"},
            ),
        )
        plan = [(sample, ALLOWED) for sample in (*CLEAN, *HOSTILE)]
        plan += [(sample, STRANGER) for sample in strangers]
        rows = [
            _one(sample, url, source, receiver, audit)
            for sample, source in track(plan, "Sending", console=out, transient=True)
        ]
        good = _show(rows, audit)
        if keep:
            _stay(url, receiver.url, audit)
    if not good:
        raise typer.Exit(FINDING)


def _one(sample: Sample, url: str, source: str, receiver: Receiver, audit: Path) -> dict[str, Any]:
    before = len(receiver.bodies)
    known = len(_deliveries(audit))
    try:
        status: int | None = fire(sample, url, source)
    except (OSError, requests.RequestException) as error:
        out.print(f"{sample.name}: {type(error).__name__}: {printable(error)}")
        status = None
    record: dict[str, Any] = next(iter(_deliveries(audit)[known:]), {})
    bodies = receiver.bodies[before:]
    clean = sample.reason is Reason.CLEAN
    return {
        "sample": sample.name,
        "source": source,
        "outcome": record.get("outcome", "no record"),
        "reason": record.get("reason", ""),
        "status": status,
        "seen": "same bytes" if bodies == [sample.body] else "nothing" if not bodies else "?",
        "ok": status == sample.reason.status
        and record.get("reason") == sample.reason.code
        and bodies == ([sample.body] if clean else []),
    }


def _deliveries(audit: Path) -> list[dict[str, Any]]:
    records = [json.loads(line) for line in audit.read_text().splitlines()]
    return [record for record in records if record["event"] == "delivery"]


def _show(rows: list[dict[str, Any]], audit: Path) -> bool:
    for source, who in ((ALLOWED, "the provider"), (STRANGER, "a stranger")):
        out.print(Text(f"\nfrom {source}, {who}", "bold"))
        table = Table(box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
        shown = [row for row in rows if row["source"] == source]
        widths = {
            "answered": 4 + max(len(row["reason"]) for row in shown),
            "receiver saw": 12,
            "": 5,
        }
        # Eleven columns lie between them.
        rest = out.width - sum(widths.values()) - 11
        table.add_column("sent", no_wrap=True, max_width=max(16, rest))
        for heading, width in widths.items():
            table.add_column(heading, min_width=width)
        for row in shown:
            colour = "green" if row["outcome"] == "delivered" else "yellow"
            table.add_row(
                row["sample"],
                Text(f"{row['status']} {row['reason']}", colour, no_wrap=True),
                row["seen"],
                Text("ok", "green") if row["ok"] else Text("WRONG", "red"),
            )
        out.print(table)
    wrong = sum(not row["ok"] for row in rows)
    out.print(f"{len(rows)} requests, {len(rows) - wrong} ended as they should, {wrong} did not.")
    out.print(f"Audit log: {printable(audit)}", soft_wrap=True)
    ask = f"Ask it: {_command()} audit stats {printable(shlex.quote(str(audit)))}"
    out.print(ask, soft_wrap=True)
    return wrong == 0


def _command() -> str:
    """Return the command as the person who runs this calls it."""
    name = sys.argv[0]
    return shlex.quote(name) if Path(name).name == "hookgate" else "hookgate"


def _stay(url: str, receiver: str, audit: Path) -> None:
    out.print(f"\nThe gate is at {url}, in front of {receiver}. Try, in another terminal:\n")
    hookgate = _command()
    for command in (
        f"{hookgate} send {url}",
        f"curl -i -H 'Content-Type: application/json' -d '{{\"a\": 1, \"a\": 2}}' {url}",
        f"curl -i --interface {STRANGER} -d '{{}}' {url}",
        f"{hookgate} audit tail -f {printable(shlex.quote(str(audit)))}",
    ):
        out.print(f"  {command}", soft_wrap=True)
    out.print("\nCtrl-C ends it.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        out.print("Stopped.")
