"""Lines that may matter to a question, told from all others by their bytes.

Of a large ledger nearly no line matters. The others are looked at a piece at a time, and proved to
be records in which nothing that is asked for can stand; only the rest is parsed.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from hookgate.ledger.record import Record

from .matching import lines_of
from .parsing import parse
from .source import LONGEST_LINE
from .wrappers import Numbered

# More texts are sooner looked for among all that a line holds than one by one in the line.
_FEW = 12


Wanted = Callable[[Record], bool]


class Sifted(NamedTuple):
    """The lines to be seen of so many that were passed, for which so many bytes were read."""

    lines: list[Numbered]
    passed: int
    size: int


class Sieve:
    """What of a ledger need not be seen: lines like `unneeded` that hold none of the texts.

    `unneeded` is a pattern of lines that are surely records, made by `members.usual`. A text stands
    in such a line as it is: any other spelling has a backslash or a byte beyond ASCII. `lines` are
    seen if they come, and records that are `wanted`. Where `unneeded` is "" only these and lines
    with a text are seen. `unseen` counts the lines that were left out.
    """

    def __init__(
        self,
        texts: Iterable[str] = (),
        unneeded: str = "",
        lines: Iterable[bytes] = (),
        wanted: Wanted | None = None,
    ) -> None:
        self.unseen = 0
        self._texts, self._unneeded, self._wanted = tuple(texts), unneeded, wanted
        spelled = frozenset(text.encode() for text in self._texts if _is_spelled_once(text))
        self._many = spelled if len(spelled) > _FEW else frozenset()
        self._needles = (*(() if self._many else map(_quoted, spelled)), *lines)
        self._end = lines_of(unneeded) if unneeded else None

    def with_lines(self, lines: Iterable[bytes]) -> "Sieve":
        """Return a sieve by which these lines are seen too."""
        unseen = tuple(line for line in lines if self.leaves_out(line))
        return Sieve(self._texts, self._unneeded, unseen, self._wanted) if unseen else self

    def leaves_out(self, raw: bytes) -> bool:
        """Tell whether a line, without its end, need not be seen."""
        if any(needle in raw for needle in self._needles_for(raw)):
            return False
        if self._wanted is not None and _is_wanted(raw, self._wanted):
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
        starts = sorted(self._starts(piece))
        if self._end is None:
            yield from ((start, _next(piece, start)) for start in starts)
            return
        at, whole = 0, len(piece)
        # In so large a piece a line may be too long for a record.
        starts = [*(starts if whole < LONGEST_LINE else _all_starts(piece)), whole]
        for start in starts:
            while at <= start:
                if not is_first:
                    at = self._end(piece, at, start)
                if at == whole:
                    return
                begin, at = at, _next(piece, at)
                yield begin, at
                is_first = self._end(piece, begin, at) == begin

    def _needles_for(self, piece: bytes) -> tuple[bytes, ...]:
        """What is to be looked for in a piece: of many texts those that it holds."""
        if self._many.isdisjoint(texts := piece.split(b'"') if self._many else ()):
            return self._needles
        return (*map(_quoted, self._many.intersection(texts)), *self._needles)

    def _starts(self, piece: bytes) -> set[int]:
        """Where the lines begin that are seen, but for those that are not of the pattern."""
        starts = set()
        for needle in self._needles_for(piece):
            found = piece.find(needle)
            while found >= 0:
                starts.add(piece.rfind(b"\n", 0, found) + 1)
                found = piece.find(needle, _next(piece, found))
        if self._wanted is not None:
            starts.update(
                at for at in _all_starts(piece)
                if _is_wanted(piece[at : _next(piece, at)], self._wanted)
            )  # fmt: skip
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


def _all_starts(piece: bytes) -> Iterator[int]:
    at = 0
    while at < len(piece):
        yield at
        at = _next(piece, at)
