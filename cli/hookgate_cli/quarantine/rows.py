"""Items as lines that fit a terminal."""

import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from hookgate.quarantine.entry import Entry, InFleet
from hookgate.quarantine.keeping import is_in_custody
from hookgate.quarantine.replay.items import body_of
from hookgate.times import iso_time, show_time
from hookgate_cli.common import out
from hookgate_cli.terminal import printable

_HEADER = ("kept", "bytes", "sha256", "left", "reason", "contract", "reference")
_FLEET_HEADER = ("kept", "bytes", "sha256", "state", "gate", "reason", "contract", "reference")
_FIXED = 4
# Rows whose columns are aligned, and letters of a cell: of another hand a record may be anything.
_TOGETHER, _LONGEST = 1_000, 256
_NARROWEST = 8
_GAP = "  "
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))


def print_rows(entries: Iterable[Entry], max_age: float | None) -> None:
    """Print items, one a line; on a terminal that is too narrow the reference is on the next.

    Without a `max_age` in seconds they are those of a fleet. Columns are as wide as what comes at a
    time needs.
    """
    now = time.time()
    header = _HEADER if max_age is not None else _FLEET_HEADER
    cells = (_cells(entry, max_age, now) for entry in entries)
    widths = [0] * len(header)
    while rows := list(islice(cells, _TOGETHER)):
        if not any(widths):
            rows.insert(0, header)
        widths = [max(old, *map(len, column)) for old, *column in zip(widths, *rows, strict=True)]
        _print(rows, widths)


def _print(rows: Sequence[Sequence[str]], needed: Sequence[int]) -> None:
    widths = list(needed)
    if out.is_terminal and sum(widths) + len(_GAP) * (len(widths) - 1) > out.width:
        widths.pop()
        _narrow(widths, out.width - len(_GAP) * (len(widths) - 1))
    for row in rows:
        cells = (_fit(cell, width) for cell, width in zip(row, widths, strict=False))
        print(_GAP.join(cells).rstrip())
        for cell in filter(None, row[len(widths) :]):
            print(_GAP + _fit(cell, out.width - len(_GAP)).rstrip())


def in_custody(entry: Entry) -> bool:
    """Tell whether an item's sender was told that it is safe here."""
    if entry.fleet is not None:
        return entry.fleet.in_custody
    return entry.record is not None and is_in_custody(entry.record)


def describe(entry: Entry, max_age: float | None) -> dict[str, Any]:
    """Describe an item for `--json`; of a fleet's no `max_age` is known."""
    never = max_age is None or in_custody(entry)
    expires = None if never else _utc(entry.kept_at + (max_age or 0))
    return {
        "sha256": body_of(entry),
        "file": str(entry.path),
        "kept_at": _utc(entry.kept_at),
        "expires": expires,
        "custody": in_custody(entry),
        "size": entry.size,
        "claimed": entry.claimed,
        "record": entry.record,
        **_describe_in_fleet(entry.fleet),
    }


def _describe_in_fleet(fleet: InFleet | None) -> dict[str, Any]:
    if fleet is None:
        return {}
    since = _utc(fleet.claimed_at) if fleet.claimed_at is not None else None
    return {
        "gate": fleet.gate,
        "kept": fleet.kept,
        "state": _state(fleet),
        "claimed_by": fleet.claimed_by or None,
        "claimed_at": since,
    }


def _state(fleet: InFleet) -> str:
    """Say in a word what has befallen an item."""
    if fleet.claimed_by:
        return "claimed" if fleet.is_claimed else "unknown"
    return "arrived" if fleet.arrived else "custody" if fleet.in_custody else "held"


def text_of(record: Mapping[str, Any] | None, *names: str) -> str:
    """Return the first text that a record has under these names, as it can be printed."""
    found = (record.get(name) for name in names) if record is not None else ()
    text = next((value for value in found if type(value) is str and value), "")
    return printable(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")


def age_left(seconds: float) -> str:
    """Write how long something is kept still, in its largest unit."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}"
    return "soon" if seconds > 0 else "over"


def _cells(entry: Entry, max_age: float | None, now: float) -> tuple[str, ...]:
    record = entry.record
    size = record.get("bytes") if record is not None else None
    return (
        show_time(entry.kept_at, "minutes"),
        str(size) if type(size) is int else "?",
        body_of(entry)[:8],
        *_standing(entry, max_age, now),
        text_of(record, "reason") or "no record",
        text_of(record, "route", "path"),
        text_of(record, "reference", "event_reference"),
    )


def _standing(entry: Entry, max_age: float | None, now: float) -> tuple[str, ...]:
    if entry.fleet is not None:
        return _state(entry.fleet), printable(entry.fleet.gate)
    left = "custody" if in_custody(entry) else age_left(entry.kept_at + (max_age or 0) - now)
    return (entry.claimed or left,)


def _narrow(widths: list[int], room: int) -> None:
    """Take what is too much from those that may be cut, the last first."""
    for column in reversed(range(_FIXED, len(widths))):
        most = max(_NARROWEST, widths[column] - (sum(widths) - room))
        widths[column] = min(widths[column], most)


def _fit(cell: str, width: int) -> str:
    return f"{cell:{width}}" if len(cell) <= width else f"{cell[: width - 1]}…"


def _utc(moment: float) -> str:
    return iso_time(moment, "microseconds")
