"""Signed notes (C2SP signed-note v1.0.0) with Ed25519, and the time of signing beside them.

A note that is signed here has two signatures of its key: one of the text, and a cosignature of text
and time (C2SP tlog-cosignature v1), so that the time needs no line of its own in the text.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

# Beyond these no note is read: 16 signatures must be.
MOST_BYTES = 1 << 20
MOST_SIGNATURES = 64
_ED25519, _COSIGNATURE = b"\x01", b"\x04"  # signature types
_PRIVATE = "PRIVATE+KEY+"  # how a private key begins, as Go's sumdb/note writes it
# As C2SP wants it, and without a scheme.
_NAME = re.compile(r"(?!\w+://)[^\s+\x00-\x20\x7f]{1,256}")
_SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_KEY = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})")
_KEY_SIZE, _ID_SIZE, _TIME_SIZE = 32, 4, 8


class NoteError(ValueError):
    """What is wrong with a note or a key; holds no part of a private one."""


class UnknownSignerError(NoteError):
    """A note that none of the keys signed which are trusted."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """Verify what the holder of one key signed."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `name+id+key`, as Go's sumdb/note writes it. Raises `NoteError`."""
        if text.startswith(_PRIVATE):
            raise NoteError("this is the private key; whoever verifies needs the public one")
        return cls(*_parse_key(text))

    def __str__(self) -> str:
        """Return what `parse` reads."""
        return _write_key(self.name, self.public, self.public)

    def key_id(self, kind: bytes = _ED25519) -> bytes:
        """Return the four bytes that stand before this key's signatures of a type."""
        return sha256(self.name.encode() + b"\n" + kind + self.public).digest()[:_ID_SIZE]

    def holds(self, signature: bytes, message: bytes) -> bool:
        """Tell whether this key signed the message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """Sign notes with one key, whose name says whose it is: a URL without its scheme, like
    gate1.example.com/hookgate.
    """

    name: str
    seed: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a private key, as Go's sumdb/note writes it. Raises `NoteError`."""
        if not text.startswith(_PRIVATE):
            what = "no private key"
            if _KEY.fullmatch(text.strip()):
                what = "the public key, and no private key"
            raise NoteError(f"{what}: that begins with {_PRIVATE}")
        name, key_id, seed = _split_key(text.removeprefix(_PRIVATE))
        signer = cls(name, seed)
        if signer.verifier.key_id() != key_id:
            raise NoteError("the name or the key was altered: they do not fit each other")
        return signer

    @classmethod
    def make(cls, name: str) -> Self:
        """Make a new key. Raises `NoteError` where the name cannot be one."""
        if not _NAME.fullmatch(name):
            raise NoteError("a key's name has 1 to 256 signs, neither spaces nor +, and no scheme")
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @property
    def verifier(self) -> Verifier:
        """What verifies this key's signatures."""
        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        return Verifier(self.name, key.public_key().public_bytes_raw())

    def reveal(self) -> str:
        """Return the private key as `parse` reads it."""
        return _PRIVATE + _write_key(self.name, self.verifier.public, self.seed)

    def sign(self, text: str, time: int) -> bytes:
        """Return the note: the text, which ends in a newline, and both signatures. `time` is in
        seconds since 1970.
        """
        message = text.encode()
        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        signed = key.sign(message)
        cosigned = time.to_bytes(_TIME_SIZE, "big") + key.sign(_cosigned(time, message))
        return message + b"\n" + b"".join(
            f"— {self.name} {b64encode(self.verifier.key_id(kind) + signature).decode()}\n".encode()
            for kind, signature in ((_ED25519, signed), (_COSIGNATURE, cosigned))
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Note:
    """The text of a note that a trusted key signed, and the latest time that it was signed at, in
    seconds since 1970; None where nobody said one.
    """

    text: str
    by: Verifier
    time: int | None


def open_note(note: bytes, verifiers: Iterable[Verifier]) -> Note:
    """Verify a note by the keys that are trusted; signatures of others are ignored.

    Raises `NoteError` where it has another form, where no key that is trusted signed it, and where
    a signature of one is false.
    """
    text, signatures = _split(note)
    message = text.encode()
    kinds = (_ED25519, _COSIGNATURE)
    known = {(v.name, v.key_id(kind)): (v, kind) for v in verifiers for kind in kinds}
    by: Verifier | None = None
    times = []
    for name, signature in signatures:
        verifier, kind = known.get((name, signature[:_ID_SIZE]), (None, b""))
        if verifier is None:
            continue
        signature = signature[_ID_SIZE:]
        if kind == _ED25519:
            good = verifier.holds(signature, message)
            by = verifier
        else:
            time = int.from_bytes(signature[:_TIME_SIZE], "big")
            good = verifier.holds(signature[_TIME_SIZE:], _cosigned(time, message))
            times.append(time)
        if not good:
            raise NoteError(f"a signature of {name} is false: the note was altered")
    if by is None:
        names = _list((name, signature[:_ID_SIZE]) for name, signature in signatures[:1])
        wanted = _list((v.name, v.key_id()) for v, kind in known.values() if kind == _ED25519)
        raise UnknownSignerError(
            f"signed by {names} and not by a key that is trusted here: {wanted}"
        )
    return Note(text, by, max(times, default=None))


def _list(keys: Iterable[tuple[str, bytes]]) -> str:
    return ", ".join(f"{name}+{key_id.hex()}" for name, key_id in keys) or "no key at all"


def text_of(note: bytes) -> str:
    """Return the text of a note whoever signed it: nothing is verified. Raises `NoteError`."""
    return _split(note)[0]


def _cosigned(time: int, message: bytes) -> bytes:
    return b"cosignature/v1\ntime %d\n" % time + message


def _split(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    if len(note) > MOST_BYTES:
        raise NoteError(f"longer than {MOST_BYTES} bytes")
    try:
        whole = note.decode()
    except UnicodeDecodeError:
        raise NoteError("not UTF-8") from None
    if any(sign < " " and sign != "\n" for sign in whole):
        raise NoteError("holds a control character")
    text, found, block = whole.rpartition("\n\n")
    if not found or not block.endswith("\n"):
        raise NoteError("no note: a text, an empty line, and lines of signatures")
    lines = block[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise NoteError(f"more than {MOST_SIGNATURES} signatures")
    return text + "\n", list(_signatures(lines))


def _signatures(lines: list[str]) -> Iterator[tuple[str, bytes]]:
    for number, line in enumerate(lines, 1):
        match = _SIGNATURE.fullmatch(line)
        signature = _decode(match[2]) if match else None
        if match is None or signature is None or len(signature) <= _ID_SIZE:
            raise NoteError(f"line {number} below the text is no signature")
        yield match[1], signature


def _parse_key(text: str) -> tuple[str, bytes]:
    name, key_id, public = _split_key(text)
    if Verifier(name, public).key_id() != key_id:
        raise NoteError("the name or the key was altered: they do not fit each other")
    return name, public


def _split_key(text: str) -> tuple[str, bytes, bytes]:
    match = _KEY.fullmatch(text.strip())
    key = _decode(match[3]) if match else None
    if match is None or key is None:
        raise NoteError("no key: name, id and key, with + between them")
    if key[:1] != _ED25519 or len(key) != 1 + _KEY_SIZE:
        raise NoteError("a key of another kind than Ed25519")
    return match[1], bytes.fromhex(match[2]), key[1:]


def _write_key(name: str, public: bytes, key: bytes) -> str:
    key_id = Verifier(name, public).key_id().hex()
    return f"{name}+{key_id}+{b64encode(_ED25519 + key).decode()}"


def _decode(text: str) -> bytes | None:
    try:
        return b64decode(text, validate=True)
    except Error:
        return None
