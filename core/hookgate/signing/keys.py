"""The keys of a file that signs what goes upstream: one or two lines of `whsec_` and base64."""

from base64 import b64decode
from binascii import Error

MARK = b"whsec_"  # how Standard Webhooks marks a key to sign with
# Bytes: Standard Webhooks 1.0.0, of symmetric keys.
SHORTEST, LONGEST = 24, 64
# The one in use and, while they change, the one before.
_MOST = 2


class SignKeysError(ValueError):
    """What is wrong with the content of a file of keys; holds no part of one.

    `mend` says how to edit the file, "" where that takes a new key.
    """

    def __init__(self, why: str, mend: str = "") -> None:
        super().__init__(why)
        self.mend = mend


def parse_sign_keys(content: bytes) -> tuple[bytes, ...]:
    """Read the keys, ready to sign with, in their order. Raises `SignKeysError`."""
    lines = [(number, line.strip()) for number, line in enumerate(content.splitlines(), 1)]
    keys = [_decode(number, line) for number, line in lines if line]
    if not keys:
        raise SignKeysError("holds no key")
    if len(set(keys)) < len(keys):
        raise SignKeysError("holds the same key twice", "remove one of the two lines")
    if len(keys) > _MOST:
        raise SignKeysError(
            f"holds {len(keys)} keys",
            "remove every line below the second: there are two while they change",
        )
    return tuple(keys)


def decode_marked(line: bytes) -> bytes | None:
    """Return the key in a line of `whsec_` and base64; None where that is no base64."""
    try:
        return b64decode(line.removeprefix(MARK), validate=True)
    except Error:
        return None


def _decode(number: int, line: bytes) -> bytes:
    if not line.startswith(MARK):
        raise SignKeysError(
            f"holds no key to sign with in line {number}: such a key begins with "
            f"{MARK.decode()}, and those that seal or hash do not"
        )
    key = decode_marked(line)
    if key is None:
        raise SignKeysError(f"holds no base64 behind {MARK.decode()} in line {number}")
    if not SHORTEST <= len(key) <= LONGEST:
        raise SignKeysError(
            f"holds a key of {len(key)} bytes in line {number}, not of {SHORTEST} to {LONGEST}"
        )
    return key
