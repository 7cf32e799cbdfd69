"""Lines that were gone, for which the gate wrote a gap, and that somebody put back."""

from pathlib import Path

import pytest

from hookgate.ledger.audit.balance import Balance, balance
from hookgate.ledger.reading.files import find_files, in_order
from hookgate.ledger.state import find_states
from support.forgery import look
from support.journal import Book
from support.raw import wait_until
from support.scanned import TINY_SIZES, USUAL_SIZES, scan_for_balance, sized
from support.tamper import SEAL

Told = list[tuple[str, str]]


@pytest.fixture(params=[b"", SEAL], ids=["chained", "sealed"])
def key(request: pytest.FixtureRequest) -> bytes:
    return bytes(request.param)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def lose(path: Path, key: bytes) -> list[bytes]:
    """A boot of nine lines of which the first five were deleted under the gate: returns them."""
    book = Book(path, seal_key=key)
    for seq in range(1, 5):
        book.refused(seq)
    book.journal.tick()
    gone = path.read_bytes().splitlines(keepends=True)
    path.unlink()

    def ticked() -> bool:
        book.journal.tick()
        return book.journal.missing == 5

    assert wait_until(ticked)
    book.refused(5)
    book.refused(6)
    book.close(received=6, refused=6)
    return gone


def put_back(path: Path, lines: list[bytes], name: str = "audit.jsonl.1") -> None:
    path.with_name(name).write_bytes(b"".join(lines))


def told(path: Path, key: bytes) -> tuple[Told, Told]:
    """What `verify` and what `balance` find, and that it is the same in runs of any size."""
    keys = (key,) if key else ()
    verified = look(path, keys)
    sums = [_balance(path, keys, sizes) for sizes in (USUAL_SIZES, TINY_SIZES)]
    assert sums[0] == sums[1]
    found = [(finding.kind, finding.text) for finding in verified.findings]
    assert verified.holds == sums[0].balances
    return found, [(finding.kind, finding.text) for finding in sums[0].findings]


def _balance(path: Path, keys: tuple[bytes, ...], sizes: tuple[int, int]) -> Balance:
    with sized(*sizes):
        lines = scan_for_balance(in_order(find_files(path)), keys)
        return balance(lines, keys, find_states(path))


def test_lines_that_are_gone_are_told_as_such(path: Path, key: bytes) -> None:
    lose(path, key)
    gap = ("gap", "the file was deleted under the gate: lines 1 to 5 are gone")
    for found in told(path, key):
        assert gap in found


def test_once_all_are_here_no_more_is_told_than_that_they_were_gone(path: Path, key: bytes) -> None:
    put_back(path, lose(path, key))
    again = (
        "returned",
        "the file was deleted under the gate: lines 1 to 5 were found nowhere then, and are here",
    )
    assert told(path, key) == ([again], [again])


def test_those_that_are_not_here_are_told_as_gone(path: Path, key: bytes) -> None:
    """Of a boot that lacks its first and its last ones, each with its numbers."""
    put_back(path, lose(path, key)[1:4])
    gap = (
        "gap",
        (
            "the file was deleted under the gate: lines 1 to 5 were found nowhere then, and 2 of"
            " them are still in no file, line 1 is the first"
        ),
    )
    for found in told(path, key):
        assert gap in found


def test_lines_that_were_edited_before_they_were_put_back_are_told(path: Path, key: bytes) -> None:
    lines = lose(path, key)
    lines[-1] = lines[-1].replace(b"malformed_json", b"malformed_jsom")
    put_back(path, lines)
    keys = (key,) if key else ()
    verified = look(path, keys)
    assert not verified.holds
    assert "broken" in {finding.kind for finding in verified.findings}


def test_lines_that_stand_after_those_that_follow_them_are_there_for_balance(
    path: Path,
) -> None:
    """Of a boot whose order was lost, `verify` tells that alone."""
    book = Book(path)
    for seq in range(1, 9):
        book.refused(seq)
    book.close(received=8, refused=8)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], *lines[6:], *lines[3:6]]))
    text = f"out of order: lines that belong before it stand at {path}:8"
    assert [(f.kind, f.place, f.text) for f in look(path, ()).findings] == [
        ("moved", f"{path}:4", text)
    ]
    assert _balance(path, (), USUAL_SIZES).findings == []
