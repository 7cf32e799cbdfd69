"""One record on one line: for a person, or as it stands in the ledger."""

import sys
from typing import Annotated

import typer
from rich.text import Text

from hookgate.ledger.reading.reader import timestamp
from hookgate.ledger.record import Record
from hookgate.times import show_time
from hookgate_cli.common import out
from hookgate_cli.terminal import printable, to_json

COLOURS = {"delivered": "green", "refused": "yellow", "failed": "red", "aborted": "magenta"}
_SHOWN_OTHERWISE = frozenset(("event", "ts", "boot", "n", "prev", "mac"))

ForwardsOption = Annotated[
    bool,
    typer.Option("--forwards", help="Also what was about to go upstream (event = forward)."),
]


def print_record(record: Record, raw: bytes, *, as_json: bool, utc: bool = False) -> None:
    """Print a record on one line; its time is local unless it is to be `utc`.

    With `as_json` it is `raw`, its line in the ledger.
    """
    if as_json:
        sys.stdout.write(_ascii(record, raw) + "\n")
    elif out.is_terminal:
        out.print(format_record(record, utc=utc), soft_wrap=True)
    else:
        sys.stdout.write(format_record(record, utc=utc).plain + "\n")


def format_record(record: Record, *, utc: bool = False) -> Text:
    """Format a record: time, outcome, reason, client, event, duration and findings."""
    text = Text()
    moment = timestamp(record)
    text.append(show_time(moment, utc=utc) if moment else "?", "dim")
    if record["event"] == "delivery":
        _add_delivery(text, record)
    elif record["event"] == "refusals":
        _add_outcome(text, record)
        text.append(f"  {printable(record.get('count'))} summed ({printable(record.get('cause'))})")
    else:
        text.append(f"  {printable(record['event'])}", "bold")
        for name, value in record.items():
            if name not in _SHOWN_OTHERWISE and value not in (None, "", []):
                said = ", ".join(map(str, value)) if type(value) is list else value
                text.append(f"  {printable(name)}=", "dim").append(printable(said))
    return text


def _add_outcome(text: Text, record: Record) -> None:
    outcome = printable(record.get("outcome"))
    text.append(f"  {outcome:9}", COLOURS.get(outcome, "")).append(
        f" {printable(record.get('reason'))}"
    )


def _add_delivery(text: Text, record: Record) -> None:
    _add_outcome(text, record)
    for name in ("status", "client", "channel", "event_type", "reference"):
        if record.get(name) is not None:
            text.append(f"  {printable(record[name])}", "bold" if name == "reference" else "")
    if (duration := record.get("duration_ms")) is not None:
        text.append(f"  {printable(duration)} ms", "dim")
    if record.get("answered") is False:
        text.append("  unanswered", "magenta")
    if record.get("kept") is not None:
        text.append("  kept, answered 200" if record.get("custody") is True else "  kept", "cyan")
    if record.get("not_kept") is not None:
        text.append(f"  not kept: {printable(record['not_kept'])}", "red")
    if record.get("replay_of") is not None:
        said = (record.get(name) for name in ("replay_of", "actor", "why"))
        text.append("  replay of {}, by {}: {}".format(*map(printable, said)), "bold")
    if near := record.get("near"):
        text.append(f"  near miss: {printable(', '.join(map(str, near)))}", "bold magenta")
    for name in ("errors", "observed"):
        found = record.get(name)
        for item in found if type(found) is list else ():
            text.append("  " + ("" if name == "errors" else "observed: ") + printable(item), "cyan")


def _ascii(record: Record, raw: bytes) -> str:
    # A line that was edited by hand may hold more than a gate writes.
    return raw.decode() if raw.isascii() and raw.decode().isprintable() else to_json(record)
