"""`gap` lines: a running gate saw that lines were gone. They may have been put back since."""

from collections.abc import Callable

from hookgate.ledger.reading.reader import Line
from hookgate.ledger.record import Record

from .findings import AuditFinding, BoundedFindings
from .intervals import Intervals

_GONE, _RETURNED = "gap", "returned"


class GapLines:
    """The `gap` lines of a ledger. Each is a finding, and a better one once all lines are known."""

    def __init__(self, findings: BoundedFindings) -> None:
        self._findings = findings
        # Each with the number of its finding, its boot and its place.
        self._lines: list[tuple[int, str, str, Record]] = []

    def add(self, line: Line, record: Record) -> None:
        """Add one."""
        boot, text = str(record.get("boot")), tell_gap(record)
        finding = self._findings.note(_GONE, boot, line.place, text)
        if finding >= 0:
            self._lines.append((finding, boot, line.place, record))

    def judge(self, numbers: Callable[[str], Intervals | None]) -> None:
        """Say of each whether its lines are here; `numbers` gives those of a boot."""
        for finding, boot, place, record in self._lines:
            if (here := numbers(boot)) is not None:
                is_gone, text = judge_gap(record, here)
                kind = _GONE if is_gone else _RETURNED
                self._findings.amend(finding, AuditFinding(kind, boot, place, text))


def judge_gap(record: Record, here: Intervals) -> tuple[bool, str]:
    """Tell whether lines that a `gap` line misses are in no file still, and say so in words.

    `here` are the numbers of the boot's lines.
    """
    first, last = record.get("first_n"), record.get("last_n")
    if type(first) is not int or type(last) is not int or first > last:
        return True, tell_gap(record)
    missing = list(here.missing(first, last))
    if not missing:
        return False, tell_gap(record, "were found nowhere then, and are here")
    if missing == [(first, last)]:
        return True, tell_gap(record)
    count = sum(end - start + 1 for start, end in missing)
    some = f"{count} of them are still in no file, line {missing[0][0]} is the first"
    return True, tell_gap(record, f"were found nowhere then, and {some}")


def tell_gap(record: Record, what: str = "are gone") -> str:
    """Say in words what a `gap` line tells."""
    lines = f"lines {record.get('first_n')} to {record.get('last_n')}"
    return f"the file was {record.get('cause')} under the gate: {lines} {what}"
