"""Ledgers as a journal writes them, and what can be done to them afterwards."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from hookgate.ledger.audit.chain import Verification
from hookgate.ledger.state import state_path

from .journal import Book

SEAL = b"0123456789abcdef0123456789abcdef"
Lines = list[bytes]


def write_boot(path: Path, key: bytes, boot: str) -> None:
    book = Book(path, seal_key=key, boot=boot)
    book.forward(1)
    book.delivered(1)
    for seq in (2, 3, 4):
        book.refused(seq)
    book.close()


def crash(path: Path, key: bytes, boot: str, torn: int = 0) -> None:
    """A boot that is killed before its stop, so many bytes into its last line if it is torn."""
    book = Book(path, seal_key=key, boot=boot)
    book.forward(1)
    book.delivered(1)
    book.refused(2)
    state = state_path(path).read_bytes()
    whole = path.read_bytes()
    book.close()
    state_path(path).write_bytes(state)
    path.write_bytes(whole[:-torn] if torn else whole)


def rewrite(path: Path, change: Callable[[Lines], Lines]) -> None:
    path.write_bytes(b"\n".join(change(path.read_bytes().splitlines())) + b"\n")


def told(verification: Verification) -> list[tuple[str, int]]:
    """The kinds of the findings, each with its line."""
    return [(f.kind, int(f.place.rpartition(":")[2])) for f in verification.findings]


def at(index: int, change: Callable[[bytes], bytes]) -> Callable[[Lines], Lines]:
    """Change one line, counted from 0; it must make a difference."""

    def apply(lines: Lines) -> Lines:
        changed = change(lines[index])
        assert changed != lines[index]
        return [*lines[:index], changed, *lines[index + 1 :]]

    return apply


def edit(line: bytes) -> bytes:
    return line.replace(b"malformed_json", b"not_utf8")


def made_up(prev: str, n: int = 4) -> bytes:
    return json.dumps({"event": "delivery", "boot": "b0", "n": n, "prev": prev}).encode()


def rechain(lines: Lines) -> Lines:
    """What someone who can write the file does after an edit, who lacks the key."""
    previous: dict[str, str] = {}
    forged: Lines = []
    for line in lines:
        record = json.loads(line)
        record["prev"] = previous.get(record["boot"], "")
        if record.get("previous_line"):
            record["previous_line"] = sha256(forged[-1]).hexdigest()
        if record.get("follows"):
            record["follows"] = record["follows"][:-64] + sha256(forged[-1]).hexdigest()
        record.pop("mac", None)
        forged.append(json.dumps(record, separators=(",", ":")).encode())
        previous[record["boot"]] = sha256(forged[-1]).hexdigest()
    return forged
