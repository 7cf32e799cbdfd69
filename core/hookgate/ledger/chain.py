"""Does the chain hold? Each line's `prev` is the digest of its boot's line before.

The first line of a boot, its `start`, names the digest of the file's line before instead.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from .findings import Finding
from .links import HARMLESS, Context, Kind, Links, plain_digest
from .reader import Line
from .record import Record

__all__ = ["HARMLESS", "Kind", "Verification", "verify"]


class Verification(NamedTuple):
    """What became of the chains. `unchained` lines, nginx's, carry none; beyond a bound findings
    are only counted, in `more`.
    """

    lines: int
    boots: int
    sealed: bool
    unchained: int
    findings: list[Finding]
    more: Counter[str]

    @property
    def holds(self) -> bool:
        """Whether no link is broken."""
        return HARMLESS.issuperset((*(finding.kind for finding in self.findings), *self.more))


def verify(lines: Iterable[Line], key: bytes = b"") -> Verification:
    """Follow the chain of every boot; `key` is the seal key, b"" for an unkeyed chain."""
    verifier = _Verifier(key)
    for line in lines:
        verifier.add(line)
    return verifier.close()


class _Verifier:
    def __init__(self, key: bytes) -> None:
        self._context = Context(key)
        self._boots: dict[str, Links] = {}
        self._lines = self._unchained = 0
        # The digests of the last lines of the files before.
        self._ends: set[str] = set()
        # Of the present file: its last line, the last one if that is unreadable, the first one of
        # nginx, and whether any is chained.
        self._file = ""
        self._last: Line | None = None
        self._damaged: Line | None = None
        self._foreign: Line | None = None
        self._chained = False

    def add(self, line: Line) -> None:
        self._lines += 1
        line = line.checked()
        if line.file != self._file:
            self._end_file()
            self._file = line.file
        record = line.record
        if record is None:
            self._end_damaged()
            self._damaged = line
        else:
            self._add_record(line, record)
        if line.raw:
            self._last = line

    def close(self) -> Verification:
        self._end_file()
        for links in self._boots.values():
            if not links.stopped:
                text = "no stop: it crashed, is still running, or its end was cut off"
                self._note(Kind.NO_STOP, links.place, text, links.boot)
        context = self._context
        return Verification(
            self._lines,
            len(self._boots),
            bool(context.key),
            self._unchained,
            context.findings.listed,
            context.findings.more,
        )

    def _add_record(self, line: Line, record: Record) -> None:
        boot, prev = record.get("boot"), record.get("prev")
        if type(boot) is not str or type(prev) is not str:
            self._add_unchained(line, record)
            return
        links = self._boots.get(boot)
        if links is None:
            self._check_first(line, record, boot, prev)
            links = self._boots[boot] = Links(boot, line, self._context)
        else:
            links.follow(line, prev, damaged=self._damaged is not None)
        if self._damaged is not None:
            self._end_damaged()
        if record["event"] == "stop":
            links.stopped = True
        self._chained = True

    def _check_first(self, line: Line, record: Record, boot: str, prev: str) -> None:
        if record["event"] == "start" and prev == "":
            self._check_line_before(line, str(record.get("previous_line") or ""), boot)
        elif line.number == 1 and prev != "":
            text = "it began before these files, or its first lines were deleted"
            self._note(Kind.NO_START, line.place, text, boot)
        else:
            text = "it does not begin with its start: lines before are missing"
            self._note(Kind.CUT, line.place, text, boot)

    def _check_line_before(self, line: Line, said: str, boot: str) -> None:
        """A start names the digest of the line that it found at the file's end."""
        last = self._last
        if said == (plain_digest(last.raw) if last is not None else ""):
            if last is None:
                self._damaged = None  # an empty line in an empty file: a crash amid a trial of it
            elif last is self._damaged:
                self._damaged = None
                self._note(Kind.TORN, last.place, "torn by a crash, and survived")
        elif said in self._ends:
            pass  # it was written late, into the next file
        elif last is None:
            text = "it found lines in this file, and they are gone"
            self._note(Kind.CUT, line.place, text, boot)
        elif not said:
            text = "it found its file empty: several were joined, or it wrote to a pipe"
            self._note(Kind.JOINED, line.place, text, boot)
        else:
            text = (
                f"edited, or lines after it were cut off: boot {boot}, which begins at"
                f" {line.place}, found another line there"
            )
            self._note(Kind.CUT, last.place, text)

    def _add_unchained(self, line: Line, record: Record) -> None:
        self._end_damaged()
        if record.get("front") == "nginx":
            self._unchained += 1
            self._foreign = self._foreign or line
        else:
            text = "it has no boot and no prev: hookgate did not write it"
            self._note(Kind.FOREIGN, line.place, text)

    def _end_damaged(self) -> None:
        line, self._damaged = self._damaged, None
        if line is not None:
            self._note(Kind.GARBLED, line.place, line.problem)

    def _end_file(self) -> None:
        if self._damaged is not None and self._damaged.problem.startswith("torn"):
            self._note(Kind.TORN, self._damaged.place, self._damaged.problem)
            self._damaged = None
        self._end_damaged()
        if self._foreign is not None and self._chained:
            text = "a line of nginx among chained ones: inserted, or several files were joined"
            self._note(Kind.FOREIGN, self._foreign.place, text)
        if self._last is not None:
            self._ends.add(plain_digest(self._last.raw))
        self._last = self._foreign = None
        self._chained = False

    def _note(self, kind: Kind, place: str, text: str, boot: str = "") -> None:
        self._context.findings.note(kind, boot, place, text)
