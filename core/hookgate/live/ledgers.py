"""A ledger in place of /status: of a front that has no admin listener, or as the past.

What is in it already is told as if it had been asked for when it was written.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from hookgate.alarms.observing.ledgers import Ledgers
from hookgate.ledger.names import is_part
from hookgate.ledger.reading.files import find_files
from hookgate.ledger.reading.parsing import timestamp
from hookgate.ledger.record import Record

from .lines import LineAnswers, counts
from .step import Answer

_NEVER = "there is no ledger yet"
_LEFT = "no gate has the ledger open any more"


class LedgerAnswers:
    """Follow the ledger at a path, with those of its workers. It may not be there yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ledgers = Ledgers([path])
        self._lines = LineAnswers()
        self._has_begun = self._was_open = False

    def read(self, now: float) -> Iterator[tuple[Answer | str, float]]:
        """Read on, and yield an answer, or why there is none, and its time in seconds since 1970.

        At first there are several: those of the last quarter of an hour.
        """
        if not self._has_begun:
            self._has_begun = True
            firsts: dict[str, float] = {}
            for record, file in self._records():
                at = timestamp(record)
                self._lines.add_past(record, at, now, file)
                firsts.setdefault(file, at)
            cut = [firsts[file] for file in self._ledgers.parts if file in firsts]
            # A copy is written to later than what it is of begins.
            rotated = min(self._rotated_at(), max(firsts.values(), default=now))
            self._lines.read_since = min(max(rotated, *cut, 0.0), now)
            yield from self._lines.past(now)
        self._ledgers.look()
        for record, file in self._records():
            self._lines.add(record, timestamp(record), file)
        yield self._trouble() or self._lines.answer(now), now

    def close(self) -> None:
        """Close the files."""
        self._ledgers.close()

    def _records(self) -> Iterator[tuple[Record, str]]:
        """Read to the end; what is none of a gate's own, as a replay's, is left out."""
        while True:
            yield from ((record, file) for record, file in self._ledgers.poll() if counts(record))
            if not self._ledgers.is_behind:
                return

    def _rotated_at(self) -> float:
        """Return when a file was written to last that was rotated away, and is not read; 0.0 where
        there is none. What is gone by now is passed over.
        """
        rotated = (file for file in find_files(self._path) if not is_part(file.name, self._path))
        times = [0.0]
        for file in rotated:
            with suppress(OSError):
                times.append(file.stat().st_mtime)
        return max(times)

    def _trouble(self) -> str:
        (sight,) = self._ledgers.sights()
        if sight.trouble or not sight.has_files:
            return sight.trouble or _NEVER
        self._was_open = self._was_open or sight.is_locked is True
        return _LEFT if self._was_open and sight.is_locked is False else ""
