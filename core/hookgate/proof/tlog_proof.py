"""Proofs that a line is in a signed tree, as text (C2SP tlog-proof@v1)."""

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Self

_FIRST = "c2sp.org/tlog-proof@v1"
# 64 hashes lead to the root of any tree whose size has 64 bits.
_PROOF = re.compile(
    rf"{re.escape(_FIRST)}\nindex (0|[1-9][0-9]{{0,18}})\n"
    r"((?:[A-Za-z0-9+/]{43}=\n){0,64})\n(.+)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class TlogProof:
    """The place of a leaf, the hashes from its sibling up, and the note with the signed root."""

    index: int
    path: tuple[bytes, ...]
    note: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read such a text. Raises ValueError; one with extra data is none of a receipt."""
        match = _PROOF.fullmatch(text)
        if match is None:
            raise ValueError("no tlog-proof@v1: index, hashes and a signed note")
        path = tuple(map(b64decode, match[2].split()))
        proof = cls(int(match[1]), path, match[3].encode())
        if proof.text != text:
            raise ValueError("a hash of its proof is not written as base64 writes it")
        return proof

    @property
    def text(self) -> str:
        """What `parse` reads."""
        path = "".join(b64encode(each).decode() + "\n" for each in self.path)
        return f"{_FIRST}\nindex {self.index}\n{path}\n{self.note.decode()}"
