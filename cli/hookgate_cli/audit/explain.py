"""`hookgate audit explain`: why did this one end as it did?"""

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from hookgate.ledger.audit.fate import Attempt, Event
from hookgate.ledger.audit.search import find
from hookgate_cli.common import FINDING, ConfigOption, JsonOption, load_config, out, read_file
from hookgate_cli.option_groups import grouped
from hookgate_cli.terminal import print_json, printable

from .asked import asked_of_fleet
from .choosing import find_ledgers
from .configured import load_seal_keys
from .events import describe_holding, identify, is_named_only, print_fate_and_attempts
from .explanation import explain_attempt, print_explanation
from .options import FleetOptions, LogOption, SealKeyOption
from .problems import Problems
from .reading import rereader


@grouped
def explain(
    identifier: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="A request_id, a reference, an event.reference, a SHA-256, or a webhook-id"
            " (evt_...).",
        ),
    ],
    *,
    body: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The body: judged again under the policy of now."),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Explain each attempt, not each event's last.")
    ] = False,
    log: LogOption = None,
    seal_key: SealKeyOption = None,
    fleet: FleetOptions,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what arrived, what each check saw and found, and the verdict.

    Exits 1 if the ledger does not know it, or the body is another one.

    Examples:

      hookgate audit explain 593fa8d3d1efaca2-1f

      hookgate audit explain 593fa8d3d1efaca2-1f --body event.json
    """
    settings = load_config(config, offline=True) if body is not None else None
    data = read_file(body) if body is not None else b""
    keys = load_seal_keys(seal_key, config)
    of_fleet = asked_of_fleet(fleet, log, config)
    ledger = find_ledgers(log, config, fleet=of_fleet, by_names=True)
    problems = Problems(ledger)
    read = rereader(ledger, keys)
    by_bytes = ledger.is_read_by_bytes(proving=bool(keys))
    (story,) = find(
        read, [identifier], records=True, by_bytes=by_bytes, on_problem=problems.note
    ).stories
    if not story.events:
        out.print(f"{printable(identifier)}: {problems.never_seen}")
        raise typer.Exit(FINDING)
    events = _of_body(story.events, data) if body is not None else story.events
    reports = [
        explain_attempt(attempt, settings, data) | describe_holding(event)
        for event in events
        for attempt in _choose(event, identifier, every=every)
    ]
    if as_json:
        for report in reports:
            print_json(report)
    else:
        if is_named_only(story):
            out.print(f"no body has this SHA-256; an event goes by {printable(identifier)}")
        for event in events:
            print_fate_and_attempts(event, identify(event) if len(events) > 1 else "")
        for report in reports:
            print_explanation(report)
    problems.close()
    if any(report.get("same_body") is False for report in reports):
        raise typer.Exit(FINDING)


def _of_body(events: list[Event], body: bytes) -> list[Event]:
    """The event that has this body, else all."""
    digest = sha256(body).hexdigest()
    return [event for event in events if event.sha256 == digest] or events


def _choose(event: Event, identifier: str, *, every: bool) -> list[Attempt]:
    """The attempt that was asked for, else the last, or each."""
    exact = [attempt for attempt in event.attempts if attempt.request_id == identifier]
    return event.attempts if every else (exact or event.attempts)[-1:]
