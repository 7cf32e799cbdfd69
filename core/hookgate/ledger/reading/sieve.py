"""Lines that may matter to a question, told from all others by their bytes.

Of a large ledger nearly no line matters. The others are looked at a piece at a time, and proved to
be records in which nothing that is asked for can stand; only the rest is parsed.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import NamedTuple

from hookgate.ledger.record import Record

from .matching import lines_of
from .parsing import parse
from .source import LONGEST_LINE
from .wrappers import Numbered

# More texts are sooner looked for among the names in a piece than one by one.
MOST_TEXTS = 12
# The members that may be the name of an event, a request, or a stored file.
NAMED = ("reference", "event_reference", "request_id", "sha256", "kept", "replay_of")
_LIST_OF_NAMES = b',"names":["'

Wanted = Callable[[Record], bool]


class Sifted(NamedTuple):
    """The lines to be seen of so many that were passed, for which so many bytes were read."""

    lines: list[Numbered]
    passed: int
    size: int


class Sieve:
    """What of a ledger need not be seen: lines like `unneeded` that hold none of the texts.

    `unneeded` is a pattern of lines that are surely records, made by `members.usual`; where it is
    "", every line is taken for one. A text stands in such a line as it is: any other spelling has a
    backslash or a byte beyond ASCII. More than `MOST_TEXTS` are looked for only in the members that
    are `named`, and in the list of names if these are `NAMED`. If something is `wanted`, of lines
    with a text, or of all where none is given, only such records are seen. `lines` are seen if they
    come. `unseen` counts the lines that were left out.
    """

    def __init__(
        self,
        texts: Iterable[str] = (),
        unneeded: str = "",
        lines: Iterable[bytes] = (),
        wanted: Wanted | None = None,
        named: tuple[str, ...] = NAMED,
    ) -> None:
        self.unseen = 0
        self._named, self._find_names = named, _finder(named)
        self._texts, self._unneeded, self._wanted = tuple(texts), unneeded, wanted
        self._lines = tuple(lines)
        spelled = frozenset(text.encode() for text in self._texts if _is_spelled_once(text))
        self._many = spelled if len(spelled) > MOST_TEXTS else frozenset()
        self._needles = tuple(map(_quoted, () if self._many else spelled))
        self._end = lines_of(unneeded) if unneeded else None

    @property
    def texts(self) -> tuple[str, ...]:
        """What is looked for, and nothing where any line may be wanted."""
        return self._texts

    @property
    def sees_odd(self) -> bool:
        """Whether lines that are not like `unneeded` are seen as well."""
        return bool(self._unneeded)

    def with_lines(self, lines: Iterable[bytes]) -> "Sieve":
        """Return a sieve by which these lines are seen too."""
        unseen = tuple(line for line in lines if self.leaves_out(line))
        if not unseen:
            return self
        return Sieve(self._texts, self._unneeded, unseen, self._wanted, self._named)

    def leaves_out(self, raw: bytes) -> bool:
        """Tell whether a line, without its end, need not be seen."""
        if raw in self._lines or self._starts_of_needed(raw):
            return False
        return self._end is None or self._end(line := raw + b"\n", 0, len(line)) == len(line)

    def sift(self, piece: bytes, *, is_first: bool = True) -> Sifted:
        """Find the lines to be seen in a piece of whole lines, numbered from 1.

        So is each line after one that is no such record: it may say what became of that. Of a line
        that `is_first` it is not known what stands before it.
        """
        number = last = 0
        lines: list[Numbered] = []
        for start, end in self._places(piece, is_first=is_first):
            number += _count_lines(piece[last:start]) + 1
            lines.append((number, piece[start : min(end, start + LONGEST_LINE)]))
            last = end
        return Sifted(lines, number + _count_lines(piece[last:] if last else piece), len(piece))

    def _places(self, piece: bytes, *, is_first: bool) -> Iterator[tuple[int, int]]:
        needed = self._starts_of_needed(piece)
        starts = sorted({*needed, *_starts_of(piece, self._lines)} if self._lines else needed)
        if self._end is None:
            yield from ((start, _next(piece, start)) for start in starts)
            return
        at, whole = 0, len(piece)
        # In so large a piece a line may be too long for a record.
        if whole >= LONGEST_LINE:
            starts = [begin for begin, _ in _lines_in(piece)]
        for start in (*starts, whole):
            while at <= start:
                if not is_first:
                    at = self._end(piece, at, start)
                if at == whole:
                    return
                begin, at = at, _next(piece, at)
                yield begin, at
                is_first = self._end(piece, begin, at) == begin

    def _starts_of_needed(self, piece: bytes) -> set[int]:
        """Where lines begin that hold a text, and what is wanted."""
        wanted = self._wanted
        if wanted is not None and not self._texts:
            return {at for at, raw in _lines_in(piece) if _is_wanted(raw, wanted)}
        found = self._needles
        if self._many:
            found = tuple(map(_quoted, self._many.intersection(self._names_in(piece))))
        starts = _starts_of(piece, found) if found else set()
        if wanted is not None:
            starts = {at for at in starts if _is_wanted(piece[at : _next(piece, at)], wanted)}
        return starts

    def _names_in(self, piece: bytes) -> list[bytes]:
        if self._named is NAMED and _LIST_OF_NAMES in piece:
            return piece.split(b'"')
        return self._find_names(piece)


@cache
def _finder(named: tuple[str, ...]) -> Callable[[bytes], list[bytes]]:
    names = named[0] if len(named) == 1 else f"(?:{'|'.join(named)})"
    return re.compile(rf'"{names}":"([^"]*+)"'.encode()).findall


def _starts_of(piece: bytes, needles: Iterable[bytes]) -> set[int]:
    starts = set()
    for needle in needles:
        found = piece.find(needle)
        while found >= 0:
            starts.add(piece.rfind(b"\n", 0, found) + 1)
            found = piece.find(needle, _next(piece, found))
    return starts


def _is_spelled_once(text: str) -> bool:
    return text.isascii() and text.isprintable() and '"' not in text and "\\" not in text


def _is_wanted(raw: bytes, wanted: Wanted) -> bool:
    record = parse(raw)
    return record is not None and wanted(record)


def _quoted(text: bytes) -> bytes:
    return b'"%b"' % text


def _count_lines(piece: bytes) -> int:
    """Count newlines, in a quarter of the time that `bytes.count` takes."""
    return len(piece) - len(piece.replace(b"\n", b""))


def _next(piece: bytes, at: int) -> int:
    """Where the line after this one begins."""
    return piece.find(b"\n", at) + 1 or len(piece)


def _lines_in(piece: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield where each line begins, and the line without its end."""
    at = 0
    for raw in piece.removesuffix(b"\n").split(b"\n"):
        yield at, raw
        at += len(raw) + 1
