"""The secrets of a file: one a line, as their scheme writes them."""

from functools import lru_cache
from hashlib import pbkdf2_hmac

from .keys import LONGEST, MARK, SHORTEST, decode_marked
from .schemes import Scheme

SHORTEST_TEXT = 16
MOST_SECRETS = 8
# 24 ms [measured], for each new secret of a configuration.
_ROUNDS = 100_000
_SALT = b"hookgate, mark of a secret"
_PUBLIC, _PRIVATE = b"whpk_", b"whsk_"


def split_secrets(content: bytes, scheme: Scheme) -> tuple[bytes, ...]:
    """Return the secrets in a file's content, ready to make MACs with.

    Raises ValueError with words that follow the file's name, and hold no part of a secret.
    """
    lines = [line.strip() for line in content.splitlines()]
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line]
    if not numbered:
        raise ValueError("holds no secret; write the one that the provider shows, in a line")
    if len(numbered) > MOST_SECRETS:
        raise ValueError(f"holds more than {MOST_SECRETS} secrets; keep those in use, one a line")
    read = _decode if scheme.marks_secrets else _take
    secrets = [read(number, line) for number, line in numbered]
    if len(set(secrets)) < len(secrets):
        raise ValueError("holds a secret twice; keep one line of it")
    return tuple(secrets)


@lru_cache(maxsize=256)
def mark(secret: bytes) -> str:
    """Return what tells one secret from another, for digests that end up in ledgers and metrics.

    It is the same in every process. Secrets that people choose can be guessed: who holds such a
    digest could try billions of guesses a second, were this a plain hash (RFC 8018 4.2).
    """
    return pbkdf2_hmac("sha256", secret, _SALT, _ROUNDS, 16).hex()


def _take(number: int, line: bytes) -> bytes:
    if len(line) < SHORTEST_TEXT:
        raise ValueError(
            f"has a secret of fewer than {SHORTEST_TEXT} bytes in line {number}, which could be "
            "guessed; have the provider make a longer one"
        )
    return line


def _decode(number: int, line: bytes) -> bytes:
    if line.startswith((_PUBLIC, _PRIVATE)):
        raise ValueError(
            f"has a key of an asymmetric signature in line {number}; "
            f"write a secret that begins with {MARK.decode()}"
        )
    if not line.startswith(MARK):
        raise ValueError(
            f"has a line {number} that does not begin with {MARK.decode()}, "
            "as secrets of Standard Webhooks do; copy the whole secret"
        )
    secret = decode_marked(line)
    if secret is None:
        raise ValueError(
            f"has a line {number} that is no base64 behind {MARK.decode()}; copy the whole secret"
        )
    if not SHORTEST <= len(secret) <= LONGEST:
        raise ValueError(
            f"has a secret in line {number} that is not of {SHORTEST} to {LONGEST} "
            "bytes; make one with: hookgate keys new sign FILE"
        )
    return secret
