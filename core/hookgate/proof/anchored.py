"""What `hookgate anchor` keeps of a boot, as proofs are made from it."""

from contextlib import ExitStack
from functools import lru_cache
from hashlib import sha256, sha384, sha512
from pathlib import Path

from .checkpoint import Checkpoint
from .folder import STAMP, KeptError, is_boot, path_of, read_kept, read_note, read_whole
from .leaves import Leaves
from .note import NoteError, text_of
from .proving import Anchored, ProvingError

# Proofs of one tree share most of theirs, and each may be of millions of leaves.
_MOST_ROOTS = 1 << 14
# By one of these a stamp names what it is of.
_HASHES = (sha256, sha384, sha512)


def read_anchored(folder: Path, boot: str, opened: ExitStack) -> Anchored | None:
    """Read what `hookgate anchor` keeps of a boot; None where it has no note of it.

    The files stay open as long as `opened`. Raises `ProvingError`, OSError.
    """
    try:
        note = read_note(folder, boot) if is_boot(boot) else None
        if note is None:
            return None
        checkpoint = Checkpoint.parse(text_of(note))
        kept = read_kept(folder, boot)
        if kept is not None and kept.dropped:
            raise ProvingError("what receipts of its boot need was kept long enough, and is gone")
        leaves = opened.enter_context(Leaves(folder, boot))
        if leaves.size < checkpoint.size:
            raise ProvingError("of its boot fewer leaves are kept than its note covers")
        stamp = read_whole(path_of(folder, boot, STAMP))
        if stamp is not None and not any(hashed(note).digest() in stamp for hashed in _HASHES):
            stamp = None  # of the note before this one
        return Anchored(note, checkpoint, lru_cache(_MOST_ROOTS)(leaves.subtree), stamp)
    except (NoteError, KeptError) as error:
        raise ProvingError(f"what is kept of its boot cannot be used: {error}") from None
