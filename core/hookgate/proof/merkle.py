"""Merkle trees (RFC 6962, section 2.1): the root of a growing tree, and proofs of inclusion."""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()


def hash_leaf(entry: bytes) -> bytes:
    """Return the hash of an entry of the tree."""
    return sha256(b"\0" + entry).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node above two others."""
    return sha256(b"\1" + left + right).digest()


class Tree:
    """Grow by leaves, and keep only the roots of the perfect subtrees: 32 bytes for each bit of
    `size` that is set.
    """

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        """Go on from `size` and `peaks` of another. Raises ValueError where they do not fit."""
        self.size = size
        # The root of a subtree for each bit of `size` that is set, the largest first.
        self._peaks = list(peaks)
        if len(self._peaks) != size.bit_count():
            raise ValueError(f"{len(self._peaks)} subtrees do not make a tree of {size} leaves")

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """The roots of the perfect subtrees, the largest first."""
        return tuple(self._peaks)

    def append(self, leaf: bytes, height: int = 0) -> None:
        """Take the hash of one more entry, or the root of 2**`height` of them. Raises ValueError
        where such a subtree does not begin at this size.
        """
        size = self.size >> height
        if size << height != self.size:
            raise ValueError(f"a tree of {self.size} leaves goes on with no 2**{height} together")
        while size & 1:
            leaf = hash_node(self._peaks.pop(), leaf)
            size >>= 1
        self._peaks.append(leaf)
        self.size += 1 << height

    def root(self) -> bytes:
        """Return the root of all leaves up to now."""
        if not self._peaks:
            return EMPTY_ROOT
        *peaks, root = self._peaks
        for peak in reversed(peaks):
            root = hash_node(peak, root)
        return root


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root of a tree of these leaves."""
    tree = Tree()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def perfect_root(leaves: bytes) -> bytes:
    """Return the root of leaves that are joined; their number is a power of two."""
    while len(leaves) > HASH_SIZE:
        pairs = range(0, len(leaves), 2 * HASH_SIZE)
        nodes = [sha256(b"\1" + leaves[at : at + 2 * HASH_SIZE]).digest() for at in pairs]
        leaves = b"".join(nodes)
    return leaves


def inclusion_path(index: int, size: int, subtree: Callable[[int, int], bytes]) -> list[bytes]:
    """Return the proof that leaf `index` is in the tree of `size` leaves, its sibling first.

    `subtree(start, end)` returns the root of these leaves alone, `end` not among them. Raises
    ValueError where there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    path = []
    start, end = 0, size
    while end - start > 1:
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        if index < middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    path.reverse()
    return path


def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Tell whether a proof holds (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    last = size - 1
    for sibling in path:
        if not last:
            return False
        if index & 1 or index == last:
            leaf = hash_node(sibling, leaf)
            while not index & 1 and index:
                index >>= 1
                last >>= 1
        else:
            leaf = hash_node(leaf, sibling)
        index >>= 1
        last >>= 1
    return not last and leaf == root
