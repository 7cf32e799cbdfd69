"""Receipts: one event's lines, each with the proof that a signed tree holds it, in one JSON file.

A line is written as text, which a person can read; its exact bytes are that text in UTF-8.
"""

import json
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from .strict_json import load_object
from .tlog_proof import TlogProof

FORMAT, VERSION = "hookgate-receipt", 1
# Beyond these nothing is read. A message that its sender repeats each five minutes for two weeks
# has 4,032 lines, of 2 KiB with their proofs.
MOST_BYTES = 16 << 20
MOST_LINES = 4096
# Each takes 64 bytes, though it be empty. Lines hold a dozen.
_MOST_OPENED = 1 << 20
_LONGEST_NAME = 1024
LONGEST_BOOT = 64
_LARGEST_STAMP = 1 << 16
ANEW = "ask for it again, as the file that hookgate audit prove wrote"
_MEMBERS = {"format", "version", "asked", "sha256", "lines", "stamps"}


class ReceiptError(ValueError):
    """Why a receipt proves nothing, in words that quote nothing of it but names.

    `mend` says what to do next.
    """

    def __init__(self, why: str, mend: str = ANEW) -> None:
        super().__init__(why)
        self.mend = mend


class Entry(NamedTuple):
    """The raw bytes of a line, without its newline, and the proof of it."""

    line: bytes
    proof: TlogProof


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is claimed of one event.

    `asked` is the name that it was asked for by. `sha256` is that of its body, None where no body
    was read whole. `stamps` are RFC 3161 responses over the notes, by boot.
    """

    asked: str
    sha256: str | None
    entries: tuple[Entry, ...]
    stamps: dict[str, bytes]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a receipt's file; nothing of it is verified. Raises `ReceiptError`."""
        if len(data) > MOST_BYTES:
            raise ReceiptError(f"larger than {MOST_BYTES} bytes")
        if data.count(b"{") + data.count(b"[") > _MOST_OPENED:
            raise ReceiptError(f"of more than {_MOST_OPENED} objects and lists")
        try:
            document = load_object(data.decode())
        except UnicodeDecodeError:
            raise ReceiptError("not UTF-8") from None
        except ValueError as error:
            raise ReceiptError(str(error)) from None
        return cls(*_read(document))

    def render(self) -> bytes:
        """Return what `parse` reads, in ASCII."""
        document = {
            "format": FORMAT,
            "version": VERSION,
            "asked": self.asked,
            "sha256": self.sha256,
            "lines": [{"line": line.decode(), "proof": p.text} for line, p in self.entries],
            "stamps": {boot: b64encode(stamp).decode() for boot, stamp in self.stamps.items()},
        }
        return json.dumps(document, indent=2).replace("\x7f", r"\u007f").encode() + b"\n"


def _read(
    document: dict[str, Any],
) -> tuple[str, str | None, tuple[Entry, ...], dict[str, bytes]]:
    if document.get("format") != FORMAT:
        raise ReceiptError(f'no receipt: its "format" is not "{FORMAT}"')
    version = document.get("version")
    if type(version) is not int or version != VERSION:
        raise ReceiptError(
            f'its "version" is not {VERSION}, the only one that is known here',
            "take the version of hookgate that wrote it",
        )
    _expect(document, _MEMBERS, "the receipt")
    asked, sha256 = document["asked"], document["sha256"]
    if type(asked) is not str or not 0 < len(asked) <= _LONGEST_NAME:
        raise ReceiptError('its "asked" is no name')
    if sha256 is not None and not _is_digest(sha256):
        raise ReceiptError('its "sha256" is neither null nor 64 digits from 0 to f')
    lines, stamps = document["lines"], document["stamps"]
    if type(lines) is not list or not 0 < len(lines) <= MOST_LINES:
        raise ReceiptError(f'its "lines" is no list of 1 to {MOST_LINES}')
    if type(stamps) is not dict or len(stamps) > len(lines):
        raise ReceiptError('its "stamps" is no object with at most one for each line')
    entries = tuple(_entry(item, number) for number, item in enumerate(lines, 1))
    return asked, sha256, entries, {boot: _stamp(boot, each) for boot, each in stamps.items()}


def _expect(item: dict[str, Any], names: Iterable[str], what: str) -> None:
    if item.keys() != (expected := set(names)):
        wrong = sorted(expected.difference(item))
        words = f'has no "{wrong[0]}"' if wrong else "has a member that is not known"
        raise ReceiptError(f"{what} {words}")


def _is_digest(value: object) -> bool:
    return type(value) is str and len(value) == 64 and set(value) <= set("0123456789abcdef")


def _entry(item: object, number: int) -> Entry:
    place = f"line {number}"
    if type(item) is not dict:
        raise ReceiptError(f"{place} is no object")
    _expect(item, ("line", "proof"), place)
    line, proof = item["line"], item["proof"]
    if type(line) is not str or type(proof) is not str:
        raise ReceiptError(f'{place}: "line" and "proof" must be texts')
    try:
        return Entry(line.encode(), TlogProof.parse(proof))
    except UnicodeEncodeError:
        raise ReceiptError(f"{place} has a lone surrogate, which no bytes have") from None
    except ValueError as error:
        raise ReceiptError(f"{place}: {error}") from None


def _stamp(boot: str, text: object) -> bytes:
    try:
        stamp = b64decode(text, validate=True) if type(text) is str else b""
    except (Error, ValueError):
        stamp = b""
    if not 0 < len(stamp) <= _LARGEST_STAMP or len(boot) > LONGEST_BOOT:
        raise ReceiptError(f"a stamp is no base64 of 1 to {_LARGEST_STAMP} bytes")
    return stamp
