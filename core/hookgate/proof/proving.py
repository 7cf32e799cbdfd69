"""Making the proofs of a receipt from what is kept of a boot's tree."""

from collections.abc import Callable
from typing import NamedTuple

from .checkpoint import Checkpoint
from .leaves import MISSING
from .merkle import hash_leaf, inclusion_path, is_included
from .receipt import Entry
from .tlog_proof import TlogProof


class ProvingError(Exception):
    """Why a line cannot be proven, though a note covers it."""


class Anchored(NamedTuple):
    """The newest note of a boot, as it was signed, with what it says, and the boot's tree.

    `subtree(start, end)` returns the root of the leaves from `start` up to `end`, that one not
    among them. `stamp` is an RFC 3161 response over the note, None where there is none.
    """

    note: bytes
    checkpoint: Checkpoint
    subtree: Callable[[int, int], bytes]
    stamp: bytes | None

    def is_missing(self, n: int) -> bool:
        """Tell whether line `n` was gone from the ledger before its leaf could be kept."""
        return self.subtree(n - 1, n) == MISSING


def prove_line(line: bytes, n: int, anchored: Anchored) -> Entry:
    """Prove that line `n` of a boot is in the tree of its note, which covers it.

    Raises `ProvingError` where line, leaves and note do not fit each other, and OSError.
    """
    index, checkpoint, leaf = n - 1, anchored.checkpoint, hash_leaf(line)
    size = checkpoint.size
    if anchored.subtree(index, n) != leaf:
        raise ProvingError("it is not the line that was anchored: the ledger was changed since")
    path = inclusion_path(index, size, anchored.subtree)
    if not is_included(leaf, index, size, path, checkpoint.root):
        raise ProvingError("the leaves that are kept are not those of the note")
    return Entry(line, TlogProof(index, tuple(path), anchored.note))
