"""One boot's requests: how many began, how each ended, and which have no end."""

from collections import Counter, deque
from collections.abc import Iterator
from typing import NamedTuple

from hookgate.ledger.reading.reader import Line, timestamp
from hookgate.ledger.reading.scanning import Run
from hookgate.ledger.record import Record

from .balance_scan import MINUTE, BalanceRun
from .boot_lines import BootLines, Unread
from .findings import BoundedFindings
from .intervals import Gap, Intervals
from .totals import OUTCOMES, BalanceKind, Totals, outcome_of

# Three times an hour is the most that the configuration lets a request take.
_LONGEST_FLIGHT = 3 * 3600
_MOST_MINUTES = _LONGEST_FLIGHT // 60 + 2


class Forwarded(NamedTuple):
    """A delivery that was forwarded, as its `forward` line tells."""

    file: str
    number: int
    request_id: object
    reference: object

    @property
    def place(self) -> str:
        """The line as an editor opens it: `file:number`."""
        return f"{self.file}:{self.number}"

    @property
    def name(self) -> str:
        """The names by which the endpoint can be asked about it."""
        return f"request {self.request_id}, reference {self.reference},"


class BootAccount:
    """The requests of one boot: which began, and how they ended."""

    def __init__(
        self, name: str, line: Line, record: Record, findings: BoundedFindings, unread: Unread
    ) -> None:
        self.name = name
        self._findings = findings
        self.last = line
        self.lines = BootLines(name, findings, unread)
        self._front = ""
        self._began = timestamp(record)
        self._first = line.place
        self._whole = record["event"] == "start"
        self._settled = self._whole
        self._stop: Line | None = None
        self._ended: Counter[str] = Counter()
        self._numbers = Intervals()
        # What was forwarded, by seq, until its delivery is read.
        self._forwarded: dict[int, Forwarded] = {}
        # The highest number as each minute began.
        self._minutes: deque[tuple[str, int]] = deque(maxlen=_MOST_MINUTES)
        self._minute = ""

    def add(self, line: Line, record: Record) -> None:
        """Add a line of the boot; of an unknown kind, only note that it is there."""
        self.last = line
        if type(n := record.get("n")) is int:
            # A `gap` says itself what is missing before it.
            self.lines.add(n, n, line.place, is_told=record["event"] == "gap")
        match record["event"]:
            case "delivery":
                self._add_delivery(line, record)
            case "forward":
                seq = record.get("seq")
                if type(seq) is int and seq >= 1:
                    self._forwarded[seq] = Forwarded(
                        line.file, line.number, record.get("request_id"), record.get("reference")
                    )
            case "refusals":
                self._add_sum(line, record)
            case "stop":
                self._stop = line
            case "start":
                self._front = str(record.get("front"))

    def add_run(self, run: Run) -> bool:
        """Add a run of the boot, if that can be done all at once; else do nothing."""
        told: BalanceRun = run.told
        forwarded, numbers = self._forwarded, self._numbers
        if (
            not self._settled
            or not forwarded.keys().isdisjoint(told.forwarded)
            or not forwarded.keys() >= set(told.owed)
            or not all(numbers.are_new(first, last) for first, last, _, _ in told.blocks)
        ):
            return False
        for seq in told.ended:
            forwarded.pop(seq, None)
        for seq, offset, request_id, reference in told.open:
            forwarded[seq] = Forwarded(run.file, run.first + offset, request_id, reference)
        for first, last, offset, ts in told.blocks:
            numbers.add(first, run.file, run.first + offset)
            if ts:
                self._note_minute(ts)
            numbers.extend(first, last, run.file, run.first + offset)
        self._ended.update(told.outcomes)
        self.last = run.last_line
        self.lines.add(run.n, run.n + run.total - 1, f"{run.file}:{run.first}")
        return True

    def _note_minute(self, ts: str) -> None:
        """Note the highest number where a minute begins."""
        if ts[:MINUTE] != self._minute:
            self._minute = ts[:MINUTE]
            self._minutes.append((ts, self._numbers.top))

    def _add_delivery(self, line: Line, record: Record) -> None:
        seq = record.get("seq")
        if type(seq) is not int or seq < 1:
            self._note(BalanceKind.DAMAGED, line.place, "a delivery without seq")
            return
        if self._forwarded.pop(seq, None) is None and (
            record.get("upstream_ms") is not None or record.get("outcome") == "delivered"
        ):
            self._add_unforwarded(line, record)
        if not self._numbers.add(seq, line.file, line.number):
            self._note(BalanceKind.DOUBLED, line.place, f"request {seq} has ended before")
            return
        self._ended[outcome_of(record)] += 1
        if not self._settled:
            self._settle(seq, record)
        if type(ts := record.get("ts")) is str:
            self._note_minute(ts)

    def _add_unforwarded(self, line: Line, record: Record) -> None:
        if not self._whole and _ago(record, "upstream_ms") < self._began:
            return  # its forward is in a file before these
        self._note(
            BalanceKind.UNFORWARDED,
            line.place,
            f"request {record.get('request_id')} ended upstream, and no line says that it was"
            " forwarded",
        )

    def _settle(self, seq: int, record: Record) -> None:
        """Where these files begin within a boot, what arrived before them may have ended there."""
        self._front = self._front or str(record.get("front"))
        if _ago(record, "duration_ms") >= self._began:
            self._settled = True
            self._numbers.base = seq

    def _add_sum(self, line: Line, record: Record) -> None:
        first, last, count = (record.get(name) for name in ("first_seq", "last_seq", "count"))
        if not (type(first) is type(last) is type(count) is int and 1 <= first <= last):
            self._note(BalanceKind.DAMAGED, line.place, "a sum without its numbers")
            return
        self._front = self._front or str(record.get("front"))
        self._numbers.count(first, last, count)
        self._ended[outcome_of(record)] += count

    def close(self, *, runs: bool) -> Totals:
        """Note what is left open as findings, and return the boot's totals.

        `runs` says that its last line's file was held by the process that wrote it.
        """
        self.lines.settle()
        said = self._stop.record or {} if self._stop is not None else {}
        forwarded = dict(self._still_forwarded())
        received = said.get("received")
        top = max(self._numbers.top, received if type(received) is int else 0)
        if not self._settled:
            self._numbers.base = top + 1
        gaps = sorted(self._numbers.gaps(top))
        count = len(forwarded) + sum(max(0, gap.missing) for gap in gaps)
        # What may have been under way as the boot ended; with a stop that counts as many, all.
        since = (
            self._horizon() if self._stop is None else 0 if count == said.get("in_flight") else top
        )
        for seq, forward in forwarded.items():
            self._note_forwarded(forward, flying=seq > since, runs=runs)
        for gap in gaps:
            self._note_gap(gap, flying=gap.first > since, runs=runs)
        self._compare_with_stop(said)
        if not self._whole:
            self._note(BalanceKind.NO_START, self._first, "began before these files")
        if self._stop is None:
            text = "it still runs" if runs else "it crashed, or is still running"
            self._note(BalanceKind.NO_STOP, self.last.place, text)
        unknown = sum(seq > since for seq in forwarded)
        in_flight = sum(max(0, gap.missing) for gap in gaps if gap.first > since)
        missing = count - unknown - in_flight
        return Totals(self.name, self._front, self._ended, unknown, in_flight, missing)

    def _still_forwarded(self) -> Iterator[tuple[int, Forwarded]]:
        for seq, forwarded in self._forwarded.items():
            if self._numbers.add(seq, forwarded.file, forwarded.number):
                yield seq, forwarded
            else:
                text = f"{forwarded.name} was forwarded before"
                self._note(BalanceKind.DOUBLED, forwarded.place, text)

    def _horizon(self) -> int:
        """The highest number that cannot have been in flight at the boot's last line."""
        latest = timestamp(self.last.record or {}) - _LONGEST_FLIGHT
        return max((top for ts, top in self._minutes if timestamp({"ts": ts}) <= latest), default=0)

    def _note_forwarded(self, forwarded: Forwarded, *, flying: bool, runs: bool) -> None:
        end = " and is on its way" if runs else " and has no end: it may have arrived"
        if not flying:
            end = "; the line that says how it ended is missing"
        kind = BalanceKind.UNKNOWN if flying else BalanceKind.MISSING
        self._note(kind, forwarded.place, f"{forwarded.name} was forwarded{end}")

    def _note_gap(self, gap: Gap, *, flying: bool, runs: bool) -> None:
        place = f"{gap.mark[0]}:{gap.mark[1]}" if gap.mark is not None else self.last.place
        is_one = gap.first == gap.last
        span = f"request {gap.first}" if is_one else f"requests {gap.first} to {gap.last}"
        if gap.missing < 0:
            text = f"{-gap.missing} more are counted among {span} than there were"
            self._note(BalanceKind.OVERCOUNTED, place, text)
            return
        if gap.missing <= gap.last - gap.first:
            span = f"{gap.missing} of the {span}"
        if not flying:
            self._note(BalanceKind.MISSING, place, f"{span}: no line, and in no sum")
        elif self._stop is None:
            why = "in lines that are not here, or " if self.lines.is_cut else ""
            when = "" if runs else " when it ended"
            self._note(BalanceKind.IN_FLIGHT, place, f"{span}: no record, {why}in flight{when}")
        else:
            self._note(BalanceKind.IN_FLIGHT, place, f"{span}: cut off by the stop")

    def _compare_with_stop(self, said: Record) -> None:
        if self._stop is None:
            return
        for outcome in OUTCOMES:
            count, lines = said.get(outcome), self._ended[outcome]
            if type(count) is int and (count != lines if self._whole else count < lines):
                text = f"stop says {count} {outcome}, its lines {lines}"
                self._note(BalanceKind.STOP_DIFFERS, self._stop.place, text)

    def _note(self, kind: BalanceKind, place: str, text: str) -> None:
        self._findings.note(kind, self.name, place, text)


def _ago(record: Record, field: str) -> float:
    """When the span that ended with this record began, 0.0 where it does not say."""
    span = record.get(field)
    return timestamp(record) - span / 1000 if isinstance(span, float | int) else 0.0
