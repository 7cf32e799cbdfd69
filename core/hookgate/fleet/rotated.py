"""The files of a ledger that are written to no more, read whole and in order."""

from collections.abc import Generator, Iterator
from pathlib import Path

import structlog

from hookgate.ledger.names import is_part
from hookgate.ledger.reading.files import find_ledger, sort
from hookgate.ledger.reading.line import is_damage
from hookgate.ledger.reading.reader import read_file
from hookgate.ledger.reading.source import Source, probe
from hookgate.ledger.shipping import is_told

from .boots import Boots, GapError
from .segment import digest_of, place_of

# Between two looks at whether to stop.
_LINES_A_STEP = 2_000

_Stamp = tuple[int, int, int]
_Ends = dict[str, tuple[int, str]]


class Rotated:
    """Read what is beside the ledger at a path. `left` is how many bytes of files are to be read;
    `is_whole` says that all could be.
    """

    def __init__(self, ledger: Path, log: structlog.BoundLogger) -> None:
        self._ledger, self._log = ledger, log
        self.left = 0
        self.is_whole = True
        self._listed: list[str] = []
        # The last line of each boot in files that were read whole.
        self._read: dict[_Stamp, _Ends] = {}
        self._said: set[tuple[str, str]] = set()

    def siblings(self) -> list[Path]:
        """List what is in the ledger's folder."""
        try:
            return sorted(self._ledger.parent.iterdir())
        except OSError as error:
            self.not_read(str(self._ledger.parent), error.strerror or "")
            return []

    @property
    def is_as_listed(self) -> bool:
        """Whether no file was renamed, compressed or deleted since they were read."""
        return self._listed == self._list()

    def read(self, boots: Boots) -> Iterator[None]:
        """Have the boots take every line; yields now and then."""
        self._listed, self.is_whole = self._list(), True
        waiting = list(self._sources())
        self.left = sum(_size(source) for source in waiting)
        while waiting:
            waiting = yield from self._read_files(waiting, boots)
        self.left = 0

    def not_read(self, file: str, why: str) -> None:
        """Say it once. What is not read is not missing."""
        self.is_whole = False
        if (file, why) not in self._said:
            self._said.add((file, why))
            self._log.warning("ship.not_read", file=file, why=why)

    def _list(self) -> list[str]:
        stem, suffix = self._ledger.stem, self._ledger.suffix
        names = [path.name for path in self.siblings()]
        return [n for n in names if n.startswith(stem) and suffix in n and not is_told(n)]

    def _sources(self) -> list[Source]:
        found = find_ledger(self._ledger)
        for note in found.notes:
            if note.unread:
                self.not_read(note.file, note.text)
        sources = []
        for path in found.files:
            if not is_part(path.name, self._ledger):
                try:
                    sources.append(probe(path))
                except OSError as error:
                    self.not_read(str(path), error.strerror or "cannot be read")
        try:
            return sort(sources)
        except OSError:  # one is gone since
            return sources

    def _read_files(
        self, sources: list[Source], boots: Boots
    ) -> Generator[None, None, list[Source]]:
        """Return those whose lines follow what was not read yet: a clock may have put the files out
        of order. Where that is all of them, lines are gone.
        """
        taken = boots.taken
        gaps: list[tuple[int, str, Source]] = []
        for source in sources:
            try:
                yield from self._read_file(source, boots)
            except GapError as gap:
                gaps.append((gap.n, gap.boot, source))
        left = [source for _, _, source in gaps]
        if gaps and boots.taken == taken:
            if not self.is_as_listed:
                return []  # whoever calls has them listed anew
            _, boot, source = min(gaps, key=lambda gap: gap[0])
            try:
                yield from self._read_file(source, boots, may_skip=boot)
                left.remove(source)
            except GapError:
                pass  # of another boot
        return left

    def _read_file(self, source: Source, boots: Boots, may_skip: str = "") -> Iterator[None]:
        try:
            status = source.path.stat()
        except OSError as error:
            self.not_read(source.name, error.strerror or "")
            return
        stamp = status.st_ino, status.st_size, status.st_mtime_ns
        known = self._read.get(stamp, {})
        held = [boots.has(name, n, tip) for name, (n, tip) in known.items()]
        if not held or not all(held):
            yield from self._read_lines(source, stamp, boots, may_skip)
        self.left -= status.st_size

    def _read_lines(
        self, source: Source, stamp: _Stamp, boots: Boots, may_skip: str
    ) -> Iterator[None]:
        ends: dict[str, tuple[int, bytes]] = {}
        is_whole = True
        for number, line in enumerate(read_file(source), 1):
            if (record := line.record) is not None:
                if boots.take_next(line.raw, record):
                    ends[record["boot"]] = record["n"], line.raw
                elif (place := place_of(record)) is not None:
                    boots.take(line.raw, record, place, may_skip=may_skip)
                    ends[place.boot] = place.n, line.raw
            elif is_damage(line.problem):
                is_whole = False
                self.not_read(source.name, line.problem)
            if not number % _LINES_A_STEP:
                yield
        if is_whole:
            self._read[stamp] = {name: (n, digest_of(raw)) for name, (n, raw) in ends.items()}


def _size(source: Source) -> int:
    try:
        return source.path.stat().st_size
    except OSError:
        return 0
