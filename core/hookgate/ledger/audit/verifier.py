"""The walk over a ledger's lines: each to its boot, and starts to what they found in their file."""

from collections.abc import Sequence

from hookgate.ledger.reading.reader import Line
from hookgate.ledger.reading.scanning import Run
from hookgate.ledger.record import Record
from hookgate.ledger.seal import Keyring
from hookgate.ledger.state import parse_last_line

from .against import check_log
from .ends import State, begin_anew, check_ends
from .gap_lines import GapLines
from .links import ChainKind, Context, plain_digest
from .numbered import NumberedBoot
from .old_format import OldBoot
from .witness import LogWitness


class Verifier:
    """Follow the lines of a ledger, file after file, and note what does not follow.

    `lines` counts all of them, `unchained` those of nginx, `old_lines` those of version 0.1.0;
    `begins_anew` is what `ends.begin_anew` says of the boots in the end.
    """

    def __init__(
        self, keyring: Keyring, witness: LogWitness | None = None, *, apart: bool = False
    ) -> None:
        self._apart = apart
        self.context = Context(keyring, witness)
        self._note = self.context.note
        self._gaps = GapLines(self.context.findings)
        self._boots: dict[str, NumberedBoot] = {}
        self._old: dict[str, OldBoot] = {}
        self.lines, self.unchained, self.old_lines, self.begins_anew = 0, 0, 0, False
        # The boots of the last lines of the files before, by the digests of these.
        self._ends: dict[str, NumberedBoot | None] = {}
        # Of the present file: its last line and the boot of that, the last one if that is
        # unreadable, the first one of nginx, and whether any is chained.
        self._file = ""
        self._last: Line | None = None
        self._last_boot: NumberedBoot | None = None
        self._damaged: Line | None = None
        self._nginx: Line | None = None
        self._chained = False
        # A line before was not proved, and that is said.
        self._hole = False

    def add(self, line: Line) -> None:
        """Add the next line."""
        self.lines += 1
        record, boot = line.record, self._last_boot
        if record is not None and record["event"] == "gap":
            self._gaps.add(line, record)
        if (
            boot is not None
            and record is not None
            and self._damaged is None
            and not self._hole
            and line.file == self._file
            and boot.go_on(line, record)
        ):
            self._last = line
            return
        line = line.checked()
        record = line.record
        if line.file != self._file:
            self._end_file()
            self._file = line.file
        if record is None:
            self._end_damaged()
            self._damaged = line
        else:
            self._add_record(line, record)
        if line.raw:
            self._last = line

    def add_run(self, run: Run) -> None:
        """Add the lines of a run, all together where they simply go on."""
        boot = self._last_boot
        last = None
        if boot is not None and self._damaged is None and not self._hole and run.file == self._file:
            last = boot.go_on_run(run)
        if last is None:
            for line in run.lines():
                self.add(line)
        else:
            self.lines += run.total
            self._last = last

    @property
    def boots(self) -> int:
        """The number of boots."""
        return len(self._boots) + len(self._old)

    def close(self, states: Sequence[State] | None) -> None:
        """Note what the ends of files and boots lack; `states` as in `ends.check_ends`."""
        self._end_file()
        for old in self._old.values():
            old.close()
        begun = [boot for boot in self._boots.values() if boot.begun]
        self._gaps.judge(lambda name: boot.here if (boot := self._boots.get(name)) else None)
        ends: list[NumberedBoot | OldBoot] = [*begun, *self._old.values()]
        for end in ends:
            if not end.stopped:
                text = "no stop: it crashed, is still running, or its end was cut off"
                self._note(ChainKind.NO_STOP, end.place, text, end.boot)
        check_ends(begun, states, self.context)
        self.begins_anew = not self._old and begin_anew(begun)
        if self.context.witness is not None:
            check_log(self._boots, self.context.witness, self.context)

    def _add_record(self, line: Line, record: Record) -> None:
        name, prev = record.get("boot"), record.get("prev")
        if type(name) is not str or type(prev) is not str:
            self._add_unchained(line, record)
        elif name in self._boots or (name not in self._old and type(record.get("n")) is int):
            self._add_numbered(line, record, name, prev)
        else:
            self._add_old(line, record, name, prev)

    def _add_numbered(self, line: Line, record: Record, name: str, prev: str) -> None:
        boot = self._boots.get(name)
        if boot is None:
            boot = self._boots[name] = NumberedBoot(name, self.context)
        self._chained = True
        digest = boot.prove(line, record) if type(record.get("n")) is int else ""
        if not digest:
            if type(record.get("n")) is not int:
                self._note(ChainKind.OLD_FORMAT, line.place, "without a number: made up", name)
            self._end_damaged()
            self._hole = True
            self._last_boot = boot
            return
        if not boot.begun:
            self._check_first(line, record, prev, boot)
        boot.follow(line, record, digest, damaged=self._hole or self._damaged is not None)
        self._end_damaged()
        self._hole = False
        self._last_boot = boot

    def _add_old(self, line: Line, record: Record, name: str, prev: str) -> None:
        self.old_lines += 1
        self._last_boot = None
        boot = self._old.get(name)
        if boot is not None:
            boot.follow(line, prev, damaged=self._damaged is not None)
        else:
            if self._boots and self.context.keyring:
                text = "of the old format after newer ones: made up, or by an older hookgate"
                self._note(ChainKind.OLD_FORMAT, line.place, text, name)
            if record["event"] == "start" and prev == "":
                self._check_line_before(line, record, name)
            else:
                self._check_no_start(line, name, 1 if prev == "" else 0)
            boot = self._old[name] = OldBoot(name, line, self.context)
        self._end_damaged()
        if record["event"] == "stop":
            boot.stopped = True
        self._chained = True

    def _check_first(self, line: Line, record: Record, prev: str, boot: NumberedBoot) -> None:
        if record["event"] != "start" or record["n"] != 1 or prev != "":
            self._check_no_start(line, boot.boot, record["n"])
            return
        before = self._check_line_before(line, record, boot.boot)
        follows = record.get("follows")
        boot.piped = follows is None
        boot.follows = parse_last_line(follows)
        boot.is_anew = follows == "" and not record.get("previous_line")
        if boot.piped:
            text = "it wrote to a pipe: no state file shows whether its end is here"
            self._note(ChainKind.PIPED, line.place, text, boot.boot)
        elif boot.follows is None and before is not None:
            text = "it found lines of hookgate's and no state file that it could use"
            self._note(ChainKind.NO_STATE, line.place, text, boot.boot)

    def _check_no_start(self, line: Line, name: str, n: int) -> None:
        kind, text = ChainKind.CUT, "it does not begin with its start: lines before are missing"
        if n != 1 and line.number == (n if self._apart else 1):  # numbered as in the boot, or file
            kind = ChainKind.NO_START
            text = "it began before these files, or its first lines were deleted"
        self._note(kind, line.place, text, name)

    def _check_line_before(self, line: Line, record: Record, name: str) -> NumberedBoot | None:
        """Check the line that a start found before it; return its boot, if that has numbers."""
        said = str(record.get("previous_line") or "")
        last, before = self._last, self._last_boot
        if said == (plain_digest(last.raw) if last is not None else ""):
            if last is None:
                self._damaged = None  # an empty line in an empty file: a crash amid a trial of it
            elif last is self._damaged:
                self._damaged = None
                self._note(ChainKind.TORN, last.place, "torn by a crash, and survived")
        elif said in self._ends:
            before = self._ends[said]  # it was written late, into the next file
        elif self._apart:
            before = None
            text = "it found another line before it in its file, which is of no boot that is here"
            self._note(ChainKind.ELSEWHERE, line.place, text, name)
        elif last is None:
            text = "it found lines in this file, and they are gone"
            self._note(ChainKind.CUT, line.place, text, name)
        elif not said:
            before = None
            text = "it found its file empty: several were joined, or it wrote to a pipe"
            self._note(ChainKind.JOINED, line.place, text, name)
        else:
            if before is not None:
                before.cut = True
            before = None
            text = (
                f"edited, or lines after it were cut off: boot {name}, which begins at"
                f" {line.place}, found another line there"
            )
            self._note(ChainKind.CUT, last.place, text)
        if before is not None:
            before.named = True
        return before

    def _add_unchained(self, line: Line, record: Record) -> None:
        self._end_damaged()
        self._last_boot = None
        if record.get("front") == "nginx":
            self.unchained += 1
            self._nginx = self._nginx or line
        else:
            text = "it has no boot and no prev: hookgate did not write it"
            self._note(ChainKind.FOREIGN, line.place, text)

    def _end_damaged(self) -> None:
        line, self._damaged = self._damaged, None
        if line is not None:
            self._note(ChainKind.GARBLED, line.place, line.problem)

    def _end_file(self) -> None:
        if self._damaged is not None and self._damaged.problem.startswith("torn"):
            self._note(ChainKind.TORN, self._damaged.place, self._damaged.problem)
            self._damaged = None
        self._end_damaged()
        if self._nginx is not None and (self._chained or self.context.keyring):
            text = "a line of nginx among chained ones: inserted, or several files were joined"
            if not self._chained:
                text = "lines of nginx: no key proves them; verify them apart, without one"
            self._note(ChainKind.FOREIGN, self._nginx.place, text)
        if self._last is not None:
            self._ends[plain_digest(self._last.raw)] = self._last_boot
        self._last = self._last_boot = self._nginx = None
        self._chained = self._hole = False
