"""Seals: a MAC that ends a line and covers all its bytes before, and so its place in the ledger."""

import hmac
from collections.abc import Iterable
from hashlib import blake2b

__all__ = ["Keyring", "Seal", "close", "key_id", "split", "split_keys"]

# What follows the bytes that the MAC covers: `,"mac":"` + 64 hexadecimal digits + `"}`.
_NAME = b',"mac":"'
_SUFFIX = len(_NAME) + 64 + 2
_SHORT = 16  # hexadecimal digits


class Seal:
    """A key, ready to make MACs: keyed BLAKE2b (RFC 7693) of 32 bytes, from a copied state.

    The key is a digest of the file's, so that nothing else made with that, as the chain of
    version 0.1.0, is ever a MAC. docs/performance.md has what it takes beside HMAC-SHA-256.
    """

    __slots__ = ("_new", "id")

    def __init__(self, key: bytes) -> None:
        self.id = key_id(key)
        derived = hmac.digest(key, b"hookgate ledger line", "sha256")
        self._new = blake2b(key=derived, digest_size=32).copy

    def mac(self, data: bytes) -> str:
        """Return the MAC of these bytes, 64 hexadecimal digits."""
        state = self._new()
        state.update(data)
        return state.hexdigest()


class Keyring:
    """The seals of several keys, as after a change of keys; false where there are none."""

    def __init__(self, keys: Iterable[bytes]) -> None:
        self.keys = tuple(keys)
        self._seals = {seal.id: seal for seal in map(Seal, self.keys)}

    def __bool__(self) -> bool:
        return bool(self._seals)

    def get(self, name: object) -> Seal | None:
        """Return the seal of the key with this id, None where there is none."""
        return self._seals.get(name) if type(name) is str else None

    def find(self, body: bytes, mac: str) -> Seal | None:
        """Find the seal that made this MAC, None if no key did."""
        for seal in self._seals.values():
            if seal.mac(body) == mac:
                return seal
        return None


def key_id(key: bytes) -> str:
    """Make the short digest that names a key and tells nothing of it."""
    return hmac.digest(key, b"hookgate key id", "sha256").hex()[:_SHORT]


def close(line: bytes, mac: str) -> bytes:
    """Add a line's MAC; `line` is the whole object, of whose bytes but the last it was made."""
    return b'%b,"mac":"%b"}' % (line[:-1], mac.encode())


def split(raw: bytes) -> tuple[bytes, str]:
    """Split a line into what its MAC covers, and the MAC; "" where it does not end in one."""
    if raw[-_SUFFIX:-66] != _NAME or not raw.endswith(b'"}'):
        return raw, ""
    return raw[:-_SUFFIX], raw[-66:-2].decode("ascii", "replace")


def split_keys(content: bytes) -> tuple[bytes, ...]:
    """Split a file into keys: one a line; the first seals, and the others only prove.

    A file that is no printable ASCII is one key, white space around it left out. Where several
    lines may have been one key, as version 0.1.0 took them, that is the last.
    """
    whole = content.strip()
    if not whole:
        return ()
    lines = [line.strip() for line in whole.splitlines() if line.strip()]
    if len(lines) == 1 or not all(32 <= byte < 127 for line in lines for byte in line):
        return (whole,)
    return (*lines, whole)
