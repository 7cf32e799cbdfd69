"""`hookgate demo`: the whole thing on loopback, with real sockets and a real process."""

import json
import shlex
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from shutil import rmtree
from typing import Annotated

import requests
import typer
from rich.progress import track

from hookgate.policy import Reason
from hookgate.samples import CONTRACTS
from hookgate.wording import path_in_shell

from .common import FINDING, fail, out
from .demo_quarantine import show_quarantine
from .demo_tables import Row, show_refusals, show_webhooks
from .firing import Answer, fire
from .gate_process import refuse_without_loopback, running_gate
from .receiver import Receiver
from .samples import Sample, base, clean, hostile
from .terminal import printable

ALLOWED, STRANGER = "127.0.0.1", "127.0.0.2"
_PATHS = {contract: f"/cm/{contract.removeprefix('cm-')}" for contract in CONTRACTS}
_EVENTS = _PATHS["cm-events"]
# What the receiver answers where it must come back to the sender.
_ANSWERS = {
    _PATHS["cm-voice"]: (200, b'{"instruction": "hang up"}'),
    _PATHS["cm-two-way"]: (201, b""),
}


def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave it running for requests of your own.")
    ] = False,
    addon: Annotated[
        bool, typer.Option("--addon", help="Through mitmdump with the addon, not the sidecar.")
    ] = False,
    fleet: Annotated[
        bool,
        typer.Option(
            "--fleet",
            help="Three gates behind an nginx, one of which is killed, and the store of them all.",
        ),
    ] = False,
) -> None:
    """Start a receiver and a gate, send clean and hostile samples, show what became of each.

    The gate has a route for each of CM.com's webhooks. Everything stays on loopback: 127.0.0.1
    plays the provider, 127.0.0.2 a stranger. A second gate has a contract that is too narrow: what
    it refuses is kept, and sent on once the contract is mended. Exits 0 only if every sample ended
    as it should.

    With --fleet it is three gates, with an nginx and a PostgreSQL of their own; one gate is killed
    in the middle, and what became of each event is asked of the ledgers of all.

    Examples:

      hookgate demo

      hookgate demo --addon --keep

      hookgate demo --fleet
    """
    refuse_without_loopback()
    if fleet:
        _demo_fleet(alone=not (keep or addon))
        return
    folder = Path(tempfile.mkdtemp(prefix="hookgate-demo-"))
    audit = folder / "audit.jsonl"
    # A gate takes it from the folder that it starts in.
    (folder / "hookgate.toml").write_text(_routes())
    verb = "mitmdump" if addon else "serve"
    with Receiver(_ANSWERS) as receiver, running_gate(verb, receiver.url, audit, ALLOWED) as gate:
        site = f"http://127.0.0.1:{gate.port}"
        rows = [
            _one(sample, site, path, source, receiver, audit)
            for sample, path, source in track(_plan(), "Sending", console=out, transient=True)
        ]
        show_webhooks([row for row in rows if row.is_clean], ALLOWED)
        for source, who in ((ALLOWED, "the provider"), (STRANGER, "a stranger")):
            refused = [row for row in rows if row.source == source and not row.is_clean]
            show_refusals(refused, f"from {source}, {who}")
        kept_well = show_quarantine(verb, receiver, folder / "narrow", ALLOWED)
        wrong = sum(not row.ok for row in rows)
        out.print(
            f"{len(rows)} requests, {len(rows) - wrong} ended as they should, {wrong} did not."
        )
        is_left = keep or wrong or not kept_well
        if is_left:
            out.print(f"Audit log: {printable(audit)}", soft_wrap=True)
            ask = f"Ask it: {_command()} audit stats {path_in_shell(audit)}"
            out.print(ask, soft_wrap=True)
        if keep:
            _stay(site + _EVENTS, receiver.url, audit)
    if not is_left:
        rmtree(folder)
        out.print(
            f"Nothing is left of it; {_command()} demo --keep leaves the gate and its ledger."
        )
    if wrong or not kept_well:
        raise typer.Exit(FINDING)


def _demo_fleet(*, alone: bool) -> None:
    if not alone:
        fail("--fleet is neither with --keep nor with --addon")
    if find_spec("psycopg") is None:
        fail("the package psycopg is missing; install it: pip install 'hookgate[fleet]'")
    from .demo_fleet import show_fleet  # noqa: PLC0415  # the package may be missing

    folder = Path(tempfile.mkdtemp(prefix="hookgate-demo-"))
    is_left = False
    try:
        is_left = not show_fleet(folder)
    finally:
        if not is_left:
            rmtree(folder)
    if is_left:
        out.print(f"Not all ended as it should; the ledgers are in {printable(folder)}")
        raise typer.Exit(FINDING)
    out.print("\nEvery event is accounted for by name. Nothing is left of the demo.")


def _routes() -> str:
    return "".join(
        f'[[route]]\npath = "{path}"\ncontract = "{contract}"\n'
        for contract, path in _PATHS.items()
    )


def _plan() -> list[tuple[Sample, str, str]]:
    """Each sample with the path that it goes to, and the address that it comes from."""
    event = base("cm-events")
    forged = {"Content-Type": "application/json", "X-Forwarded-For": "31.169.56.7"}
    nowhere = Sample("to a path without a route", Reason.PATH_NOT_ROUTED, event)
    strange = "a clean event, from a stranger", Reason.SOURCE_NOT_ALLOWED, event
    forger = "the same, forging X-Forwarded-For", Reason.SOURCE_NOT_ALLOWED, event
    return [
        *((sample, path, ALLOWED) for name, path in _PATHS.items() for sample in clean(name)),
        *((sample, _EVENTS, ALLOWED) for sample in hostile("cm-events")),
        (nowhere, "/cm", ALLOWED),
        (Sample(*strange), _EVENTS, STRANGER),
        (Sample(*forger, headers=forged), _EVENTS, STRANGER),
    ]


def _one(sample: Sample, site: str, path: str, source: str, receiver: Receiver, audit: Path) -> Row:
    before, known = len(receiver.bodies), len(_deliveries(audit))
    answer: Answer | None = None
    try:
        answer = fire(sample, site + path, source)
    except (OSError, requests.RequestException) as error:
        out.print(f"{sample.name}: {type(error).__name__}: {printable(error)}")
    record = next(iter(_deliveries(audit)[known:]), {})
    bodies = receiver.bodies[before:]
    is_clean = sample.reason is Reason.CLEAN
    due = Answer(*_ANSWERS[path]) if is_clean and path in _ANSWERS else None
    return Row(
        path,
        sample.name,
        source,
        is_clean,
        answer,
        record.get("reason", "no record"),
        "same bytes" if bodies == [sample.body] else "nothing" if not bodies else "?",
        ok=answer is not None
        and (answer == due if due is not None else answer.status == sample.reason.status)
        and record.get("reason") == sample.reason.code
        and bodies == ([sample.body] if is_clean else []),
    )


def _deliveries(audit: Path) -> list[dict[str, str]]:
    records = [json.loads(line) for line in audit.read_text().splitlines()]
    return [record for record in records if record["event"] == "delivery"]


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
        f"{hookgate} audit tail -f {path_in_shell(audit)}",
    ):
        out.print(f"  {command}", soft_wrap=True)
    out.print("\nCtrl-C ends it.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        out.print("Stopped.")
