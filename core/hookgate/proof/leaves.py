"""The leaves of one boot's tree, kept in two files: their hashes, and the roots of blocks of them.

Line n of the boot is leaf n - 1. Lines that were gone before they could be kept are zero bytes in
the files, which are holes there and take no room; in the tree such a leaf is `MISSING`.
"""

import errno
import os
from functools import lru_cache
from pathlib import Path
from typing import Self

from .folder import BLOCKS, LEAVES, KeptError, path_of, read_kept
from .merkle import EMPTY_ROOT, HASH_SIZE, Tree, hash_leaf, hash_node, perfect_root

# Leaves in a block: a proof in a tree of 100 million reads 780 KiB of their roots.
HEIGHT = 12
BLOCK = 1 << HEIGHT
# The last line of a boot that can be kept: ext4's largest file holds no more.
MOST = 1 << 38
# The leaf of a line that is not known: the hash of an empty one.
MISSING = hash_leaf(b"")
_HOLE = bytes(HASH_SIZE)
_READ = 4096


class Leaves:
    """The `size` leaves of a boot that are kept in a folder. Close it in the end.

    Raises OSError, and `KeptError` where the files do not hold what their state says.
    """

    _mode = os.O_RDONLY

    def __init__(self, folder: Path, boot: str) -> None:
        kept = read_kept(folder, boot)
        self.boot = boot
        self.size = 0 if kept is None or kept.dropped else kept.size
        flags = self._mode | os.O_CLOEXEC | os.O_NOFOLLOW
        self._leaves = self._blocks = -1
        try:
            self._leaves = os.open(path_of(folder, boot, LEAVES), flags, 0o600)
            self._blocks = os.open(path_of(folder, boot, BLOCKS), flags, 0o600)
            self._check()
        except FileNotFoundError:
            self.close()
            if self.size:
                raise KeptError("its leaves are gone from the folder") from None
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close both files."""
        for fd in (self._leaves, self._blocks):
            if fd >= 0:
                os.close(fd)
        self._leaves = self._blocks = -1

    def leaf(self, index: int) -> bytes:
        """Return a leaf, by its number from 0. Raises IndexError, OSError."""
        if not 0 <= index < self.size:
            raise IndexError(f"of boot {self.boot} {self.size} leaves are kept")
        return self._filled(self.stored(index, index + 1), MISSING)

    def subtree(self, start: int, end: int) -> bytes:
        """Return the root of the leaves from `start` up to `end`, that one not among them.

        Raises IndexError, OSError.
        """
        if not 0 <= start <= end <= self.size:
            raise IndexError(f"of boot {self.boot} {self.size} leaves are kept")
        if start == end:
            return EMPTY_ROOT
        tree = Tree()
        blocks = (end - start) // BLOCK if start % BLOCK == 0 else 0
        first = start // BLOCK
        for at in range(first, first + blocks, _READ):
            roots = self._read(self._blocks, at, min(at + _READ, first + blocks))
            for root in _each(self._filled(roots, _missing_root(HEIGHT))):
                tree.append(root, HEIGHT)
        for at in range(start + blocks * BLOCK, end, _READ):
            leaves = self.stored(at, min(at + _READ, end))
            for leaf in _each(self._filled(leaves, MISSING)):
                tree.append(leaf)
        return tree.root()

    def stored(self, start: int, end: int) -> bytes:
        """Return leaves as they are in the file, joined. Raises OSError."""
        return self._read(self._leaves, start, end)

    def are_missing(self, start: int, end: int) -> bool:
        """Tell whether none of these leaves is known. Raises OSError."""
        at, last = start * HASH_SIZE, end * HASH_SIZE
        while at < last:
            try:
                at = os.lseek(self._leaves, at, os.SEEK_DATA)
            except OSError as error:
                if error.errno == errno.ENXIO:  # a hole up to the end
                    return True
                raise
            part = os.pread(self._leaves, min(_READ * HASH_SIZE, max(last - at, 0)), at)
            if part.strip(b"\0"):
                return False
            at += max(len(part), 1)
        return True

    def _read(self, fd: int, start: int, end: int) -> bytes:
        size = (end - start) * HASH_SIZE
        data = os.pread(fd, size, start * HASH_SIZE)
        return data.ljust(size, b"\0")

    @staticmethod
    def _filled(hashes: bytes, missing: bytes) -> bytes:
        if _HOLE not in hashes:
            return hashes
        return b"".join(missing if one == _HOLE else one for one in _each(hashes))

    def _check(self) -> None:
        for fd, count in ((self._leaves, self.size), (self._blocks, self.size // BLOCK)):
            if os.fstat(fd).st_size < count * HASH_SIZE:
                raise KeptError("a part of its leaves is gone from the folder")


class GrowingLeaves(Leaves):
    """The leaves of a boot, to which more are added. They count once `Kept` says so: what is beyond
    its size was added before a crash, and is added anew.
    """

    _mode = os.O_RDWR | os.O_CREAT

    def start_anew(self) -> None:
        """Forget all leaves: what is kept of them is not to be trusted. Raises OSError."""
        self.size = 0
        os.ftruncate(self._leaves, 0)
        os.ftruncate(self._blocks, 0)

    def add(self, leaves: bytes) -> None:
        """Add leaves, joined. Raises OSError."""
        begun = self.size // BLOCK
        at = self.size * HASH_SIZE
        view = memoryview(leaves)
        while view:
            written = os.pwrite(self._leaves, view, at)
            at, view = at + written, view[written:]
        self.size += len(leaves) // HASH_SIZE
        for block in range(begun, self.size // BLOCK):
            self._end_block(block)

    def skip(self, count: int) -> None:
        """Add the leaves of lines that nobody knows any more. Raises OSError."""
        block = self.size // BLOCK
        is_begun = self.size % BLOCK > 0
        self.size += count
        if is_begun and self.size // BLOCK > block:
            self._end_block(block)

    def sync(self) -> None:
        """Have what was added survive a crash. Raises OSError."""
        os.ftruncate(self._leaves, self.size * HASH_SIZE)
        os.ftruncate(self._blocks, self.size // BLOCK * HASH_SIZE)
        os.fsync(self._leaves)
        os.fsync(self._blocks)

    def _end_block(self, block: int) -> None:
        stored = self.stored(block * BLOCK, (block + 1) * BLOCK)
        os.pwrite(self._blocks, perfect_root(self._filled(stored, MISSING)), block * HASH_SIZE)

    def _check(self) -> None:
        super()._check()
        os.ftruncate(self._leaves, self.size * HASH_SIZE)
        os.ftruncate(self._blocks, self.size // BLOCK * HASH_SIZE)


def append_missing(tree: Tree, count: int) -> None:
    """Add so many leaves to a tree that are missing."""
    end = tree.size + count
    while tree.size < end:
        height = (end - tree.size).bit_length() - 1
        if tree.size:
            height = min(height, (tree.size & -tree.size).bit_length() - 1)
        tree.append(_missing_root(height), height)


@lru_cache
def _missing_root(height: int) -> bytes:
    """The root of 2**`height` leaves that are missing."""
    if not height:
        return MISSING
    below = _missing_root(height - 1)
    return hash_node(below, below)


def _each(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE)]
