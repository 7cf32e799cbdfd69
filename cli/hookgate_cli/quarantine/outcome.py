"""What a replay would do, and what it did, as a table or as JSON."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.table import Table

from hookgate.policy import Reason
from hookgate.quarantine.replay.plan import Planned, Verdict
from hookgate.times import iso_time, show_time
from hookgate_cli.common import err, out
from hookgate_cli.offering import offered
from hookgate_cli.terminal import print_json, printable

_CLEAN = Reason.CLEAN.code
_DELIVERED = (Verdict.SEND, Verdict.DELIVERED, Verdict.SAME)
_PLANNED = {
    Verdict.SEND: "to be sent",
    Verdict.DELIVERED: "delivered already by what the ledgers say: to be released",
    Verdict.REFUSED: "left: refused still",
    Verdict.UNKNOWN: "left: may have been delivered; --unknown sends them, which may double",
    Verdict.RETRYING: "left: their sender retries{until}; --retrying sends them, which doubles",
    Verdict.UNRECORDED: "left: no ledger says that a gate kept them; --override sends them",
    Verdict.DAMAGED: "left: damaged",
    Verdict.BEYOND_LIMIT: "left: beyond --limit",
    Verdict.CLAIMED: "left: somebody else sends them at this moment",
    Verdict.SAME: "of the same events, kept at another gate: they go with the others",
}

_MOST_NAMED = 4

NOT_WHOLE = "a part of the ledgers cannot be read, and may say that items were delivered"


def print_nothing() -> None:
    """Say that no item was asked for."""
    command = offered("hookgate quarantine list")
    err.print(f"no item is what was asked for; {command} has what is kept", soft_wrap=True)


def is_whole(planned: Iterable[Planned]) -> bool:
    """Tell whether all is sent or released by a plan."""
    return all(one.verdict in _DELIVERED for one in planned)


def print_plan(planned: Sequence[Planned]) -> None:
    """Print which items are to be sent, by the beginnings of their SHA-256, and why the others are
    not.
    """
    named: dict[tuple[Verdict, str], list[str]] = {}
    for one in planned:
        named.setdefault((one.verdict, one.why), []).append(one.sha256[:8])
    table = _table()
    for verdict in Verdict:
        for (found, why), names in sorted(named.items()):
            if found is verdict:
                words = _PLANNED[verdict].format(until=_until(planned))
                words += f", {printable(why)}" if why else ""
                table.add_row(f"{len(names):,}", f"{words} ({_some(names)})")
    out.print(table)


def _some(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    said = ", ".join(names[:_MOST_NAMED])
    return f"{said} and {more:,} more; --json has all" if more > 0 else said


def print_ends(ends: Mapping[str, int], released: int, untried: int) -> None:
    """Print what became of what was sent, by reason codes."""
    table = _table()
    for code, count in sorted(ends.items(), key=lambda end: end[0] != _CLEAN):
        words = "delivered" if code == _CLEAN else f"left: {_WORDS.get(code, printable(code))}"
        table.add_row(f"{count:,}", words)
    if untried:
        table.add_row(f"{untried:,}", "left: not tried")
    table.add_row(f"{released:,}", "released from the quarantine")
    out.print(table)


_WORDS = {
    "changed": "gone or another by now",
    "claimed": "somebody else sends them, or has sent them",
    Reason.UPSTREAM_TIMEOUT.code: "upstream_timeout, which may have been delivered",
    Reason.UPSTREAM_INVALID.code: "upstream_invalid, which may have been delivered",
}


def print_json_items(planned: Iterable[Planned], ends: Mapping[str, str] | None) -> None:
    """Print each item as a line of JSON; `ends` has how those that were tried ended, by name."""
    for one in planned:
        end = {} if ends is None else {"end": ends.get(one.entry.name)}
        print_json(
            {
                "sha256": one.sha256,
                "file": str(one.entry.path),
                "kept": one.kept or None,
                "verdict": one.verdict,
                "why": one.why or None,
                "until": iso_time(one.until, "seconds") if one.until is not None else None,
                **end,
            }
        )


def count_plan(planned: Iterable[Planned]) -> dict[str, Any]:
    """Count the items of a plan by verdict, and those that are refused by reason code."""
    counts: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for one in planned:
        counts[one.verdict] += 1
        if one.verdict is Verdict.REFUSED:
            refused[one.why] += 1
    return {**{verdict.value: counts[verdict] for verdict in Verdict}, "reasons": dict(refused)}


def _until(planned: Iterable[Planned]) -> str:
    ends = [one.until for one in planned if one.until is not None]
    return f" until {show_time(max(ends), 'minutes')} at most" if ends else ""


def _table() -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    return table
