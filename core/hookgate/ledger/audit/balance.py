"""Does the ledger balance? Per boot: received = delivered + refused + failed + aborted + open.

Every request of a boot has a number, `seq`, and ends in one line or is counted in a sum of
refusals, so what is missing shows as a gap.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import NoneType
from typing import NamedTuple

from hookgate.ledger.reading.reader import Line, is_damage, is_malformed
from hookgate.ledger.reading.scanning import Run
from hookgate.ledger.record import Record
from hookgate.ledger.seal import Keyring

from .boot_account import BootAccount
from .boot_lines import Unread
from .ends import read_end
from .findings import AuditFinding, BoundedFindings
from .gap_lines import GapLines
from .keeping import Keeping, KeepingTotals
from .proven import is_unproved
from .totals import GRAVE, OUTCOMES, BalanceKind, Totals, outcome_of

_OPTIONAL = (float, int, NoneType)

__all__ = ["GRAVE", "OUTCOMES", "Balance", "BalanceKind", "Totals", "balance"]


class Balance(NamedTuple):
    """What the ledger's boots come to. `unnumbered` counts nginx's deliveries by outcome: it
    numbers none, so nothing shows whether any is missing. `keeping` is what the quarantine comes
    to. `more` findings are only counted.
    """

    boots: list[Totals]
    unnumbered: Counter[str]
    keeping: KeepingTotals
    findings: list[AuditFinding]
    more: Counter[str]

    @property
    def balances(self) -> bool:
        """Whether nothing is missing, doubled, garbled or made up."""
        return GRAVE.isdisjoint((*(finding.kind for finding in self.findings), *self.more))

    @property
    def total(self) -> Totals:
        """All boots together."""
        ended: Counter[str] = Counter()
        for boot in self.boots:
            ended.update(boot.ended)
        return Totals(
            "",
            "",
            ended,
            sum(boot.unknown for boot in self.boots),
            sum(boot.in_flight for boot in self.boots),
            sum(boot.missing for boot in self.boots),
        )


def balance(
    lines: Iterable[Line | Run],
    keys: Iterable[bytes] = (),
    states: Iterable[Path] = (),
    is_held: Callable[[str], bool] = lambda _: False,
) -> Balance:
    """Add up a ledger; `states` are its state files, which name the last line that there must be.
    `lines` may hold runs by `BalanceScan`. `is_held` tells of a file whether a gate held it before
    the first line was read.

    Memory grows with its boots, with what was in flight and with what was kept, not its lines.
    """
    # First, as hookgate may write lines meanwhile and then a state that names them.
    ends = [(path, read_end(path, Keyring(keys))) for path in states]
    boots: dict[str, BootAccount] = {}
    unnumbered: Counter[str] = Counter()
    keeping = Keeping()
    findings, unread = BoundedFindings(), Unread()
    gaps = GapLines(findings)
    for line in _apart(lines, boots):
        record = line.record
        if record is not None and not _is_plain(record):
            line = line.checked()
            record = line.record
        if record is None:
            if is_unproved(line.problem):
                kind = BalanceKind.UNPROVED
            else:
                damaged = BalanceKind.GARBLED if is_damage(line.problem) else BalanceKind.DAMAGED
                kind = BalanceKind.MALFORMED if is_malformed(line.problem) else damaged
            findings.note(kind, "", line.place, line.problem)
            unread.count += 1
            continue
        if "kept" in record:
            keeping.add(record)
        name = record.get("boot")
        if type(name) is not str:
            if record["event"] == "delivery":
                unnumbered[outcome_of(record)] += 1
            continue
        boot = boots.get(name)
        if boot is None:
            boot = boots[name] = BootAccount(name, line, record, findings, unread)
        boot.add(line, record)
        if record["event"] == "gap":
            gaps.add(line, record)
    for path, last in ends:
        if isinstance(last, str):
            continue  # `verify` tells of it
        here = boots[last.boot].lines.last if last.boot in boots else 0
        if here < last.n:
            text = (
                f"lines {here + 1} to {last.n} are not here, and the state file names the last; if"
                " the files were meant to go, let the state file go too"
            )
            findings.note(BalanceKind.CUT, last.boot, str(path), text)
    gaps.judge(lambda name: boots[name].lines.here)
    latest = _latest(boots.values())
    totals = [
        boot.close(runs=latest[boot.last.file] is boot and is_held(boot.last.file))
        for boot in boots.values()
    ]
    return Balance(totals, unnumbered, keeping.totals(), findings.listed, findings.more)


def _latest(boots: Iterable[BootAccount]) -> dict[str, BootAccount]:
    """Return the boot that wrote the last line of each file in which one ends."""
    ordered = sorted(boots, key=lambda boot: boot.last.number)
    return {boot.last.file: boot for boot in ordered}


def _apart(lines: Iterable[Line | Run], boots: dict[str, BootAccount]) -> Iterator[Line]:
    """Add the runs that can be added all at once, and yield the other lines."""
    for line in lines:
        if isinstance(line, Line):
            yield line
        elif (boot := boots.get(line.told.boot)) is None or not boot.add_run(line):
            yield from line.lines()


def _is_plain(record: Record) -> bool:
    """Whether all that is counted by is plainly what it may be: most lines need no longer look."""
    if record["event"] not in ("delivery", "forward"):
        return False
    get = record.get
    if type(get("seq")) is not int or type(get("boot")) is not str or type(get("ts")) is not str:
        return False
    if record["event"] == "forward":
        return True
    return (
        get("outcome") in OUTCOMES
        and type(get("upstream_ms")) in _OPTIONAL
        and "kept" not in record
    )
