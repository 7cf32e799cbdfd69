"""Which files are a ledger's: that at its path, and those that rotation and people made of it."""

import os
import re
import stat
from collections.abc import Iterable
from math import inf
from pathlib import Path
from typing import NamedTuple

from hookgate.ledger.names import PART
from hookgate.paths import is_file

from .decoding import UnreadableError
from .source import Source, probe

# What workers and replays, logrotate's `extension`, and file managers put before the suffix.
_COPY = r"(?: ?\((?:copy|copie|kopie|[0-9]+)\)| ?-? ?[Cc]opy(?: ?\(?[0-9]+\)?)?)"
_MIDDLE = rf"{PART}(?:[-.][0-9][0-9T_-]*)?{_COPY}?"
# What follows the suffix: of logrotate and newsyslog (.1, .0.bz2, -20261122.xz), and of people.
_ENDING = re.compile(
    rf"(?:[._-][0-9][0-9T._:-]*|[._-](?:old|orig|bak|backup|save|saved|copy)[0-9]*|~|{_COPY})*"
    r"(?:\.(?:gz|xz|lzma|bz2|zst|zstd))?",
    re.IGNORECASE,
)

# In a name: a date or a time, which grows with each rotation, or a number, which each lowers.
_STAMP_OR_NUMBER = re.compile(r"[-._](?:([0-9]{4,}(?:[-T_:.][0-9]+)*)|([0-9]+))")


class Note(NamedTuple):
    """What a reader should know of a file. `unread` says that a part of the ledger may be in it,
    and is not read: no verdict is a clean one.
    """

    file: str
    text: str
    unread: bool = False


class Found(NamedTuple):
    """The files of a ledger, in no order, and what is to be said of those beside them."""

    files: list[Path]
    notes: list[Note]


def find_files(path: Path) -> list[Path]:
    """Find the ledger at `path` with its workers', replays' and rotated siblings, in no order."""
    return find_ledger(path).files


def find_ledger(path: Path) -> Found:
    """Find a ledger's files, and what lies beside it under such a name and is not read."""
    names = re.compile(
        rf"{re.escape(path.stem)}{_MIDDLE}{re.escape(path.suffix)}(?P<ending>|[^\w].*|_.*)",
        re.DOTALL,
    )
    found = Found([], [])
    try:
        siblings = sorted(path.parent.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return found
    except OSError as error:
        text = f"the folder cannot be listed ({error.strerror})"
        is_there = os.access(path, os.F_OK) and is_file(path)
        text += ": rotated files are not seen" if is_there else ": the ledger is not found"
        return Found([path] * is_there, [Note(str(path.parent), text, unread=True)])
    for file in siblings:
        if match := names.fullmatch(file.name):
            _sort(file, _ENDING.fullmatch(match["ending"]) is not None, found)
    return found


def _sort(file: Path, is_rotated: bool, found: Found) -> None:
    try:
        mode = file.stat().st_mode
    except OSError as error:
        found.notes.append(Note(str(file), f"cannot be read: {error.strerror}", unread=True))
        return
    if not stat.S_ISREG(mode):
        if is_rotated:
            what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
            found.notes.append(Note(str(file), f"{what}: not read"))
    elif is_rotated or _holds_records(file, found):
        found.files.append(file)


def _holds_records(file: Path, found: Found) -> bool:
    """Whether a file whose name begins as the ledger's does is a part of it."""
    try:
        source = probe(file)
    except OSError as error:
        text = error.strerror or str(error)
        unread = isinstance(error, UnreadableError)
        found.notes.append(
            Note(str(file), text if unread else f"cannot be read: {text}", unread=True)
        )
        return False
    if source.head is None:
        found.notes.append(Note(str(file), "holds no record: not read"))
    return source.head is not None


def sort(sources: Iterable[Source]) -> list[Source]:
    """Sort sources by the time of their first record, as they were written.

    Of those that begin in the same moment (nginx tells milliseconds), the one that was rotated
    first comes first: `audit.jsonl.10`, `audit.jsonl.9`, `audit.jsonl`. Those that begin within
    one boot are in the order of its lines, whatever the clock said. Of those that begin with the
    same record, the longest that is neither compressed nor wrapped comes first.
    """
    given = list(enumerate(sources))
    ordered = sorted(given, key=lambda item: (item[1].began, _rotation(item[1].path.name)))
    _order_boots(ordered)
    places: dict[bytes, int] = {}
    for place, (_, source) in enumerate(ordered):
        if source.head is not None:
            places.setdefault(source.head.raw, place)

    def key(item: tuple[int, tuple[int, Source]]) -> tuple[int, int, int]:
        place, (number, source) = item
        if source.head is None:
            return place, 0, 0
        is_bare = source.is_seekable and not source.crlf
        size = source.size if is_bare else 0
        return places[source.head.raw], -size, number

    return [source for _, (_, source) in sorted(enumerate(ordered), key=key)]


def _order_boots(ordered: list[tuple[int, Source]]) -> None:
    """Put the sources that begin within one boot in the order of its lines, in their places."""
    boots: dict[str, list[tuple[int, int]]] = {}
    for place, (_, source) in enumerate(ordered):
        if source.head is not None and source.head.boot is not None and source.head.n is not None:
            boots.setdefault(source.head.boot, []).append((source.head.n, place))
    before = list(ordered)
    for numbers in boots.values():
        for (_, place), (_, other) in zip(numbers, sorted(numbers), strict=True):
            ordered[place] = before[other]


def _rotation(name: str) -> tuple[list[float], int]:
    """What sorts the names of one ledger's files: those that were rotated first come first."""
    ages: list[float] = []
    for stamp, number in _STAMP_OR_NUMBER.findall(name):
        ages += map(int, re.findall("[0-9]+", stamp)) if stamp else [-int(number)]
    return [*ages, inf], -len(name)  # `audit.jsonl.old` before `audit.jsonl`


def in_order(files: Iterable[Path]) -> list[Path]:
    """Sort files by the time of their first record, as they were written.

    Raises OSError, with the file's name, where one cannot be read.
    """
    return [source.path for source in sort(probe(file) for file in dict.fromkeys(files))]
