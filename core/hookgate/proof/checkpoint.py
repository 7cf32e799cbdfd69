"""Heads of a Merkle tree as the text of a note (C2SP tlog-checkpoint)."""

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Self

from .merkle import HASH_SIZE
from .note import NoteError

_TEXT = re.compile(
    r"(?P<origin>[^\n]+)\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[A-Za-z0-9+/]{43}=)\n(?:[^\n]+\n)*"
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The root of the tree of `size` lines of one boot. `origin` names the boot's tree for good."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a note; lines below the root are left out. Raises `NoteError`."""
        match = _TEXT.fullmatch(text)
        if match is None:
            raise NoteError("its text is no head of a tree: origin, size and root, a line each")
        root = b64decode(match["root"])
        if b64encode(root).decode() != match["root"] or len(root) != HASH_SIZE:
            raise NoteError("its root is not written as base64 writes it")
        return cls(match["origin"], int(match["size"]), root)

    @property
    def text(self) -> str:
        """The text to sign."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"
