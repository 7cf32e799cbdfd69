"""Which ids came before: a provider may send an event again, and so may whoever copied it."""

from hashlib import blake2b

_BYTES = 16


class SeenIds:
    """Remember at least half of the last `most` ids, by their digests: about 100 bytes each."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen: dict[bytes, None] = {}

    def note(self, identity: bytes) -> bool:
        """Note an id, and tell whether it was seen before. No id, b"", never was."""
        if not identity:
            return False
        digest = blake2b(identity, digest_size=_BYTES).digest()
        if digest in self._seen:
            return True
        if len(self._seen) >= self._most:
            # The older half: one by one, each would be searched for past those deleted before.
            self._seen = dict.fromkeys(list(self._seen)[self._most // 2 :])
        self._seen[digest] = None
        return False
