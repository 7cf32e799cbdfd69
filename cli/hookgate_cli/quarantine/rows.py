"""Items as lines that fit a terminal."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from hookgate.ledger.audit.times import local, show_time
from hookgate.quarantine.entry import Entry
from hookgate.quarantine.keeping import is_in_custody
from hookgate.quarantine.replay.items import body_of
from hookgate_cli.common import out
from hookgate_cli.terminal import printable

_HEADER = ("kept", "bytes", "sha256", "left", "reason", "route", "reference")
_FIXED = 4
_NARROWEST = 8
_GAP = "  "
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))


def print_rows(entries: Sequence[Entry], max_age: float) -> None:
    """Print items, one a line; on a terminal that is too narrow the reference is on the next."""
    now = time.time()
    rows = [_HEADER, *(_cells(entry, max_age, now) for entry in entries)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
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
    return entry.record is not None and is_in_custody(entry.record)


def describe(entry: Entry, max_age: float) -> dict[str, Any]:
    """Describe an item for `--json`."""
    expires = None if in_custody(entry) else _utc(entry.kept_at + max_age)
    return {
        "sha256": body_of(entry),
        "file": str(entry.path),
        "kept_at": _utc(entry.kept_at),
        "expires": expires,
        "custody": in_custody(entry),
        "size": entry.size,
        "claimed": entry.claimed,
        "record": entry.record,
    }


def text_of(record: Mapping[str, Any] | None, *names: str) -> str:
    """Return the first text that a record has under these names, as it can be printed."""
    found = (record.get(name) for name in names) if record is not None else ()
    return next((printable(value) for value in found if type(value) is str and value), "")


def age_left(seconds: float) -> str:
    """Write how long something is kept still, in its largest unit."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}"
    return "soon" if seconds > 0 else "over"


def _cells(entry: Entry, max_age: float, now: float) -> tuple[str, ...]:
    record = entry.record
    size = record.get("bytes") if record is not None else None
    left = "custody" if in_custody(entry) else age_left(entry.kept_at + max_age - now)
    return (
        local(entry.kept_at).strftime("%Y-%m-%d %H:%M"),
        str(size) if type(size) is int else "?",
        body_of(entry)[:8],
        entry.claimed or left,
        text_of(record, "reason") or "no record",
        text_of(record, "route", "path"),
        text_of(record, "reference", "event_reference"),
    )


def _narrow(widths: list[int], room: int) -> None:
    """Take what is too much from those that may be cut, the last first."""
    for column in reversed(range(_FIXED, len(widths))):
        most = max(_NARROWEST, widths[column] - (sum(widths) - room))
        widths[column] = min(widths[column], most)


def _fit(cell: str, width: int) -> str:
    return f"{cell:{width}}" if len(cell) <= width else f"{cell[: width - 1]}…"


def _utc(moment: float) -> str:
    return show_time(moment, "microseconds", utc=True).replace(" ", "T")
