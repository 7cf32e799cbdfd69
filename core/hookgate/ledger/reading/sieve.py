"""Lines that may matter to a question, told from all others by their bytes.

Of a large ledger nearly no line matters. The others are looked at a piece at a time, and proved to
be records in which nothing that is asked for can stand; only the rest is parsed.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .source import LONGEST_LINE
from .wrappers import Numbered

# For more texts each line is parsed sooner than it is looked through.
MOST_TEXTS = 12
_BEGIN = b'{"event":"'
_BETWEEN = b"}\n" + _BEGIN
# What cannot stand in a line of ASCII becomes something else.
_CLEAN = bytes(byte if byte == 0x0A or 0x20 <= byte < 0x7F else 0x7F for byte in range(256))


class Sifted(NamedTuple):
    """The lines to be seen of so many that were passed, for which so many bytes were read."""

    lines: list[Numbered]
    passed: int
    size: int


class Sieve:
    """What of a ledger need not be seen: lines like `unneeded` that hold none of the texts.

    `unneeded` is a pattern of lines that are surely records, made by `members.usual`. A text stands
    in such a line as it is: any other spelling has a backslash or a byte beyond ASCII, and lines
    with these are seen. `lines` are seen if they come. Where `unneeded` is "" only lines with a
    text are seen. `unseen` counts the lines that were left out.
    """

    def __init__(
        self, texts: Iterable[str], unneeded: str = "", lines: Iterable[bytes] = ()
    ) -> None:
        self.unseen = 0
        self._texts, self._unneeded = tuple(texts), unneeded
        spelled = tuple(f'"{text}"'.encode() for text in self._texts if _is_spelled_once(text))
        self._needles = (*spelled, *lines, *((b"\\",) if unneeded else ()))
        self._match = re.compile(f"(?:(?:{unneeded})\n)*+".encode()).match

    def with_lines(self, lines: Iterable[bytes]) -> "Sieve":
        """Return a sieve by which these lines are seen too."""
        unseen = tuple(line for line in lines if self.leaves_out(line))
        return Sieve(self._texts, self._unneeded, unseen) if unseen else self

    def leaves_out(self, raw: bytes) -> bool:
        """Tell whether a line, without its end, need not be seen."""
        if any(needle in raw for needle in self._needles):
            return False
        return not self._unneeded or (
            _is_clean(line := raw + b"\n", line.count(b"\n"))
            and _end(self._match(line)) == len(line)
        )

    def sift(self, piece: bytes) -> Sifted:
        """Find the lines to be seen in a piece of whole lines, numbered from 1.

        The first line is always seen, and so is the line after one that is: it may say what became
        of that.
        """
        passed = piece.count(b"\n")
        number = last = 0
        places = self._places(piece, passed) if self._unneeded else self._of_texts(piece)
        lines: list[Numbered] = []
        for start, end in places:
            number += piece.count(b"\n", last, start) + 1
            lines.append((number, piece[start : min(end, start + LONGEST_LINE)]))
            last = end
        return Sifted(lines, passed, len(piece))

    def _of_texts(self, piece: bytes) -> Iterator[tuple[int, int]]:
        return ((start, _next(piece, start)) for start in self._starts_of_texts(piece))

    def _places(self, piece: bytes, count: int) -> Iterator[tuple[int, int]]:
        if not _is_clean(piece, count):
            yield from self._places_one_by_one(piece)
            return
        at = _next(piece, 0)
        yield 0, at
        for start in (*self._starts_of_texts(piece), len(piece)):
            while at <= start:
                at = _end(self._match(piece, at, start))
                if at == len(piece):
                    return
                yield at, (at := _next(piece, at))
                if at < len(piece):
                    yield at, (at := _next(piece, at))

    def _places_one_by_one(self, piece: bytes) -> Iterator[tuple[int, int]]:
        at, is_seen = 0, True
        while at < len(piece):
            end = _next(piece, at)
            is_left_out = self.leaves_out(piece[at : end - 1])
            if is_seen or not is_left_out:
                yield at, end
            at, is_seen = end, not is_left_out

    def _starts_of_texts(self, piece: bytes) -> list[int]:
        starts = set()
        for needle in self._needles:
            found = piece.find(needle)
            while found >= 0:
                starts.add(piece.rfind(b"\n", 0, found) + 1)
                found = piece.find(needle, _next(piece, found))
        return sorted(starts)


def _is_spelled_once(text: str) -> bool:
    return text.isascii() and text.isprintable() and '"' not in text and "\\" not in text


def _is_clean(piece: bytes, count: int) -> bool:
    """Whether no text of so many lines can go beyond its line, or hold what JSON refuses."""
    return (
        len(piece) < LONGEST_LINE
        and piece.startswith(_BEGIN)
        and piece.endswith(b"}\n")
        and count == piece.count(_BETWEEN) + 1
        and piece.translate(_CLEAN) == piece
    )


def _next(piece: bytes, at: int) -> int:
    """Where the line after this one begins."""
    return piece.find(b"\n", at) + 1 or len(piece)


def _end(match: re.Match[bytes] | None) -> int:
    return match.end() if match is not None else 0
