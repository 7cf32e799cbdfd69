"""A ledger that was cut under the gate, and beside which its copy was put back."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from support.calling import Call
from support.journal import Book
from support.raw import wait_until


@pytest.fixture
def ledger(call: Call) -> Path:  # it makes the folder
    """The copy has six lines, the ledger two of these and what was written later."""
    path = Path("audit.jsonl").absolute()
    book = Book(path, boot="boot-a")
    for seq in range(1, 6):
        book.refused(seq)
    book.journal.tick()
    copy = path.read_bytes()
    os.truncate(path, sum(map(len, copy.splitlines(keepends=True)[:2])))

    def ticked() -> bool:
        book.journal.tick()
        return book.journal.missing == 4

    assert wait_until(ticked)
    for seq in range(6, 30):
        book.refused(seq)
    book.close(received=29, refused=29)
    path.with_name("copy").write_bytes(copy)
    return path


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", ["audit.jsonl.1", "audit.jsonl.bak", "audit (copy).jsonl"])
def test_its_lines_are_read_in_their_order(
    name: str, pack: Callable[[bytes], bytes], ledger: Path, call: Call
) -> None:
    """By each check, and signed."""
    ledger.with_name(name).write_bytes(pack(Path("copy").read_bytes()))
    files = ["audit.jsonl", name]
    for verb in ("verify", "balance"):
        for arguments in (files, files[::-1]):
            told = call("audit", verb, *arguments, "--json")
            assert [finding["kind"] for finding in told.json["findings"]] == ["returned"]
            assert told.status == 0
    assert call("audit", "fate", "nobody", "--log", files[0], "--log", name).out.startswith("never")
    call("keys", "new", "anchor", "key", "--name", "gate1.example.com/hookgate")
    told = call("anchor", *files, "--key", "key", "--folder", "kept")
    assert "boot boot-a: 32 lines" in told.out
    assert (told.status, told.err.count("gone")) == (0, 0)


def test_what_one_of_two_copies_lacks_the_other_has(ledger: Path, call: Call) -> None:
    """As of copies that were made at several times, of which each was cut again."""
    lines = Path("copy").read_bytes().splitlines(keepends=True)
    Path("audit.jsonl.2").write_bytes(b"".join(lines[:4]))
    Path("audit.jsonl.1").write_bytes(b"".join([*lines[:3], *lines[4:]]))
    told = call("audit", "verify", "audit.jsonl", "audit.jsonl.1", "audit.jsonl.2", "--json")
    kinds = {finding["kind"] for finding in told.json["findings"]}
    assert "gap" not in kinds
    assert "returned" in kinds
