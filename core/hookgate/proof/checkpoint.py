"""Heads of a Merkle tree as the text of a note (C2SP tlog-checkpoint).

Lines that were in no file when it was signed are told in a line below the root: `missing 1-3 7`.
"""

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from .merkle import HASH_SIZE
from .note import NoteError

_TEXT = re.compile(
    r"(?P<origin>[^\n]+)\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[A-Za-z0-9+/]{43}=)\n(?P<more>(?:[^\n]+\n)*)"
)
_MISSING = re.compile(r"^missing((?: [1-9][0-9]{0,18}(?:-[1-9][0-9]{0,18})?)+)$", re.MULTILINE)
# A note that tells of so many stretches has 150 KiB; of more it does not tell.
MOST_MISSING = 4096

# The first and the last line of each stretch that is missing, in order.
Missing = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The root of the tree of `size` lines of one boot. `origin` names the boot's tree for good.

    The lines that are `missing` were in no file: their leaves are of empty lines.
    """

    origin: str
    size: int
    root: bytes
    missing: Missing = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a note; other lines below the root are left out. Raises `NoteError`."""
        match = _TEXT.fullmatch(text)
        if match is None:
            raise NoteError("its text is no head of a tree: origin, size and root, a line each")
        root = b64decode(match["root"])
        if b64encode(root).decode() != match["root"] or len(root) != HASH_SIZE:
            raise NoteError("its root is not written as base64 writes it")
        size = int(match["size"])
        return cls(match["origin"], size, root, _parse_missing(match["more"], size))

    @property
    def text(self) -> str:
        """The text to sign."""
        text = f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"
        spans = (f"{first}-{last}" if first < last else f"{first}" for first, last in self.missing)
        return f"{text}missing {' '.join(spans)}\n" if self.missing else text


def _parse_missing(lines: str, size: int) -> Missing:
    """Read the line that tells of missing ones; () where none does, or not as it should."""
    told = _MISSING.search(lines)
    spans = [span.partition("-") for span in told[1].split()] if told else []
    missing = tuple((int(first), int(last or first)) for first, _, last in spans)
    ends = [0, *(end for span in missing for end in span)]
    grows = all(
        (before < after) if at % 2 == 0 else (before <= after)
        for at, (before, after) in enumerate(pairwise(ends))
    )
    return missing if grows and ends[-1] <= size else ()
