"""Encryption to age keys (https://age-encryption.org/v1): public keys can store, and read nothing.

The package `pyrage` is imported here alone, and only once it is used. X25519 keys only: one is a
line of text, and any age program knows them.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

MOST_RECIPIENTS = 8  # each takes 0.1 ms of each item
OTHER_KEYS = "is encrypted to other keys than the identity's"
_INSTALL = "the package pyrage is missing; install it: pip install 'hookgate[quarantine]'"
_PUBLIC, _SECRET = "age1", "AGE-SECRET-KEY-1"
# Bech32: what stands behind `age1` is 32 bytes and a checksum.
_RECIPIENT = re.compile(r"age1[02-9ac-hj-np-z]{58}")
_MAKE = "make one with: hookgate keys new quarantine FILE"


class QuarantineKeyError(ValueError):
    """What is wrong with keys, and the mend; holds no part of one. Also that pyrage is missing."""


class DecryptionError(ValueError):
    """Why a file cannot be read with these identities; the message follows its name."""


class Recipients:
    """Public keys: each of their owners can read what is encrypted."""

    def __init__(self, keys: Sequence[Any]) -> None:
        self._keys = list(keys)
        self._encrypt = _pyrage().encrypt

    def encrypt(self, data: bytes) -> bytes:
        """Return an age file; another one each time."""
        return bytes(self._encrypt(data, self._keys))


class Identities:
    """Secret keys: what was encrypted to any of them can be read."""

    def __init__(self, keys: Sequence[Any]) -> None:
        self._keys = list(keys)

    def decrypt(self, data: bytes) -> bytes:
        """Return what an age file holds, which is as it was made. Raises `DecryptionError`."""
        pyrage = _pyrage()
        try:
            return bytes(pyrage.decrypt(data, self._keys))
        except pyrage.DecryptError as error:
            why = "is no age file, or was cut off or altered"
            if "No matching keys" in str(error):
                why = OTHER_KEYS
            raise DecryptionError(why) from None


def parse_recipients(texts: Sequence[str]) -> Recipients:
    """Read public keys, one to `MOST_RECIPIENTS`. Raises `QuarantineKeyError`."""
    if not texts:
        raise QuarantineKeyError(f"names no recipient; {_MAKE}")
    if len(texts) > MOST_RECIPIENTS:
        raise QuarantineKeyError(f"names more than {MOST_RECIPIENTS} recipients; remove some")
    keys: dict[str, Any] = {}
    for number, text in enumerate(texts, 1):
        key = _parse_recipient(number, text)
        if str(key) in keys:
            raise QuarantineKeyError(f"names recipient {number} twice; remove it once")
        keys[str(key)] = key
    return Recipients(list(keys.values()))


def _parse_recipient(number: int, text: str) -> Any:
    which = f"has a recipient {number} that"
    if text.strip().upper().startswith("AGE-SECRET-KEY-"):
        raise QuarantineKeyError(
            f"{which} is a secret key, which reads everything: do not use it any more; {_MAKE}, "
            "and name the public key that it prints"
        )
    if text.startswith("ssh-"):
        raise QuarantineKeyError(f"{which} is an SSH key, not an age public key; {_MAKE}")
    if text.startswith(_PUBLIC) and len(text) > 62:
        raise QuarantineKeyError(
            f"{which} is an age key of another kind (a plugin's, or post-quantum); name an X25519 "
            f"one, {_PUBLIC} and 58 letters and digits; {_MAKE}"
        )
    pyrage = _pyrage()
    try:
        if _RECIPIENT.fullmatch(text):
            return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        pass
    raise QuarantineKeyError(
        f"{which} is no age public key, {_PUBLIC} and 58 letters and digits; copy the whole key"
    )


def parse_identities(data: bytes) -> Identities:
    """Read an identity file as `age-keygen` writes it: a secret key a line, and comments behind #.

    Raises `QuarantineKeyError` with words that follow the file's name.
    """
    if data.startswith((b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE")):
        raise QuarantineKeyError("is encrypted itself; decrypt it first: age -d FILE > IDENTITY")
    pyrage = _pyrage()
    keys = []
    for number, line in enumerate(data.splitlines(), 1):
        text = line.strip()
        if not text or text.startswith(b"#"):
            continue
        if text.startswith(_PUBLIC.encode()):
            raise QuarantineKeyError(
                f"has a public key in line {number}, which can read nothing; "
                f"name the file of the secret key, which begins with {_SECRET}"
            )
        try:
            keys.append(pyrage.x25519.Identity.from_str(text.decode("ascii")))
        except (pyrage.IdentityError, UnicodeDecodeError):
            raise QuarantineKeyError(
                f"has no secret key of age in line {number}; such a line begins with {_SECRET}"
            ) from None
    if not keys:
        raise QuarantineKeyError(f"holds no secret key; a line of it begins with {_SECRET}")
    return Identities(keys)


def make_identity() -> tuple[str, str]:
    """Make a key: the text of its secret file, as `age-keygen` writes it, and the public key."""
    identity = _pyrage().x25519.Identity.generate()
    public = str(identity.to_public())
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"# created: {created}\n# public key: {public}\n{identity}\n", public


def _pyrage() -> Any:
    try:
        import pyrage  # type: ignore[import-untyped]  # noqa: PLC0415  # seldom needed; no types
    except ImportError:
        raise QuarantineKeyError(_INSTALL) from None
    return pyrage
