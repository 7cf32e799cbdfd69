"""A record as one line for a person, or as it stands in the ledger."""

import sys
from typing import Annotated

import typer
from rich.text import Text

from hookgate.ledger.reader import timestamp
from hookgate.ledger.record import Record
from hookgate_cli.common import out, print_json, visible

COLOURS = {"delivered": "green", "refused": "yellow", "failed": "red", "aborted": "magenta"}
_SHOWN_OTHERWISE = frozenset(("event", "ts", "boot", "n", "prev", "mac"))

ForwardsOption = Annotated[
    bool,
    typer.Option("--forwards", help="Also what was about to go upstream (event = forward)."),
]


def write(record: Record, raw: bytes, *, as_json: bool) -> None:
    """Print one record on a line of its own."""
    if as_json:
        _write_json(record, raw)
    elif out.is_terminal:
        out.print(render(record), soft_wrap=True)
    else:
        sys.stdout.write(render(record).plain + "\n")


def render(record: Record) -> Text:
    """When, how it ended and why, from whom, which event, how long it took, and what was found."""
    text = Text()
    ts = record.get("ts")
    text.append(visible(ts)[:23].replace("T", " ") if timestamp(record) else "?", "dim")
    if record["event"] == "delivery":
        _add_delivery(text, record)
    elif record["event"] == "refusals":
        _add_outcome(text, record)
        text.append(f"  {visible(record.get('count'))} summed ({visible(record.get('cause'))})")
    else:
        text.append(f"  {visible(record['event'])}", "bold")
        for name, value in record.items():
            if name not in _SHOWN_OTHERWISE:
                text.append(f"  {visible(name)}=", "dim").append(visible(value))
    return text


def _add_outcome(text: Text, record: Record) -> None:
    outcome = visible(record.get("outcome"))
    text.append(f"  {outcome:9}", COLOURS.get(outcome, "")).append(
        f" {visible(record.get('reason'))}"
    )


def _add_delivery(text: Text, record: Record) -> None:
    _add_outcome(text, record)
    for name in ("status", "client", "channel", "event_type", "reference"):
        if record.get(name) is not None:
            text.append(f"  {visible(record[name])}", "bold" if name == "reference" else "")
    if (duration := record.get("duration_ms")) is not None:
        text.append(f"  {visible(duration)} ms", "dim")
    if record.get("answered") is False:
        text.append("  unanswered", "magenta")
    for name in ("errors", "observed"):
        found = record.get(name)
        for item in found if type(found) is list else ():
            text.append("  " + ("" if name == "errors" else "observed: ") + visible(item), "cyan")


def _write_json(record: Record, raw: bytes) -> None:
    if raw.isascii() and raw.decode().isprintable():
        sys.stdout.write(raw.decode() + "\n")
    else:
        print_json(record)  # a line that was edited by hand may hold more than a gate writes
