"""Reading ledgers: the files in the order they were written, and their lines, whole or not."""

import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from gzip import BadGzipFile, GzipFile
from pathlib import Path
from typing import IO, NamedTuple

import orjson

from .members import fault, is_usual
from .record import Record

LONGEST_LINE = 1 << 20
TORN = "torn: the file ends in it"
NO_RECORD = "no record"
_PROGRESS_EVERY = 4096
_BUFFER = 1 << 18
# The year 9999, from where on dates of some zone cannot be printed.
_END = datetime(9999, 1, 1, tzinfo=UTC).timestamp()

# What logrotate (.1, .2.gz, -20261122, -20261122-1700000000.gz) and several workers (.1 before the
# suffix) make of a name.
_ROTATED = r"(?:\.[0-9]+)?(?:-[0-9-]+)?{suffix}(?:[.-][0-9][0-9.-]*)?(?:\.gz)?"


class Line(NamedTuple):
    """One line of a ledger. `record` is None where it is none, and `problem` says why.

    `number` counts from 1; `raw` is without its newline.
    """

    file: str
    number: int
    raw: bytes
    record: Record | None
    problem: str

    @property
    def place(self) -> str:
        """As an editor opens it: `file:number`."""
        return f"{self.file}:{self.number}"

    def refused(self, wrong: str) -> "Line":
        """The same line as one that is no record, as a member of it is `wrong`."""
        return self._replace(record=None, problem=f"{NO_RECORD}: {wrong}")

    def checked(self) -> "Line":
        """The same line if every member of its record is what it may be, else as no record."""
        if self.record is None or is_usual(self.raw):
            return self
        wrong = fault(self.record)
        return self.refused(wrong) if wrong else self


def is_malformed(problem: str) -> bool:
    """Whether a line with this problem is a whole one that no gate wrote, rather than damaged."""
    return problem.startswith(f"{NO_RECORD}: ")


def find_files(path: Path) -> list[Path]:
    """The ledger at `path` with its rotated, compressed and per-worker siblings, in no order."""
    name = re.compile(re.escape(path.stem) + _ROTATED.format(suffix=re.escape(path.suffix)))
    try:
        siblings = sorted(path.parent.iterdir())
    except OSError:
        return []
    return [file for file in siblings if name.fullmatch(file.name) and file.is_file()]


def in_order(files: Iterable[Path]) -> list[Path]:
    """The files sorted by the time of their first record, as they were written.

    Raises OSError, with the file's name, where one cannot be read.
    """

    def began(file: Path) -> float:
        for line in read_file(file):
            if line.record is not None:
                return timestamp(line.record)
        return 0.0

    return sorted(dict.fromkeys(files), key=began)


def read(files: Iterable[Path], on_progress: Callable[[int], None] | None = None) -> Iterator[Line]:
    """Every line of the files, one after the other. `on_progress` is told the bytes read since.

    Raises OSError, with the file's name, where one cannot be read.
    """
    for file in files:
        yield from read_file(file, on_progress)


def read_file(file: Path, on_progress: Callable[[int], None] | None = None) -> Iterator[Line]:
    """Every line of one file, gzipped if its name ends in .gz. A line that is no record is
    yielded with its problem: torn, garbled, longer than `LONGEST_LINE`, or cut off inside gzip.
    """
    name = str(file)
    with file.open("rb", buffering=_BUFFER) as raw:
        stream: IO[bytes] = GzipFile(fileobj=raw) if file.suffix == ".gz" else raw  # type: ignore[assignment]  # it reads alike
        number = told = 0
        most = LONGEST_LINE
        try:
            while data := stream.readline(LONGEST_LINE):
                number += 1
                try:
                    record = orjson.loads(data)
                except orjson.JSONDecodeError:
                    record = None
                if type(record) is dict and type(record.get("event")) is str and len(data) < most:
                    yield Line(name, number, data.removesuffix(b"\n"), record, "")
                else:
                    yield _line(name, number, data, stream)
                if on_progress is not None and number % _PROGRESS_EVERY == 0:
                    position = raw.tell()
                    on_progress(position - told)
                    told = position
        except (EOFError, BadGzipFile, zlib.error):
            yield Line(name, number + 1, b"", None, "the gzip file is cut off or damaged here")
        if on_progress is not None:
            on_progress(raw.tell() - told)


def _line(name: str, number: int, data: bytes, stream: IO[bytes]) -> Line:
    raw = data.removesuffix(b"\n")
    if len(raw) == LONGEST_LINE:
        while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
            pass
        return Line(name, number, raw, None, "longer than any record")
    if (record := parse(raw)) is not None:
        return Line(name, number, raw, record, "")
    problem = NO_RECORD if data.endswith(b"\n") else TORN
    return Line(name, number, raw, None, problem)


def parse(raw: bytes) -> Record | None:
    """The record of one line, None where it is none."""
    try:
        record = orjson.loads(raw)
    except orjson.JSONDecodeError:
        record = _loads_surrogates(raw)
    return record if type(record) is dict and type(record.get("event")) is str else None


def _loads_surrogates(raw: bytes) -> object:
    # orjson refuses the lone surrogates that a sender's text may hold, as escapes.
    try:
        return json.loads(raw, parse_constant=_refuse) if b"\\u" in raw else None
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> object:
    raise ValueError(constant)  # NaN and Infinity are no JSON


def timestamp(record: Record) -> float:
    """The seconds since 1970 of a record's `ts`, 0.0 where it has none that can be read."""
    ts = record.get("ts")
    if type(ts) is not str:
        return 0.0
    if len(ts) == 27 and ts[26] == "Z":
        part = ts[20:26]
        return _second(ts[:19]) + int(part) / 1e6 if part.isdecimal() and part.isascii() else 0.0
    return _second(ts)


@lru_cache(maxsize=1024)
def _second(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return 0.0
    return seconds if 0 < seconds < _END else 0.0
