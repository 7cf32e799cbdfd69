"""`hookgate anchor` where a boot's lines are in files that are read in another order."""

from pathlib import Path
from typing import Any

import pytest

from hookgate.ledger.reading.scanning import scan
from support.calling import Call, Result
from support.journal import Book
from support.lines import nginx, write

KEY = ("--key", "key", "--folder", "kept")


@pytest.fixture
def lines(call: Call) -> list[bytes]:
    """A boot's twelve lines, which are in no file yet."""
    book = Book(Path("whole").absolute(), boot="boot-a")
    for seq in range(1, 11):
        book.refused(seq)
    book.close(received=10, refused=10)
    call("keys", "new", "anchor", "key", "--name", "gate1.example.com/hookgate")
    return Path("whole").read_bytes().splitlines(keepends=True)


def split(lines: list[bytes], *parts: tuple[int, int]) -> list[str]:
    """Lines from one number up to another in a file each, which are read in this order."""
    names = []
    for number, (first, last) in enumerate(parts):
        name = f"part{number}.jsonl"
        head = write(Path(name), {**nginx(), "ts": f"2026-01-0{number + 1}T00:00:00+00:00"})
        Path(name).write_bytes(head.read_bytes() + b"".join(lines[first - 1 : last]))
        names.append(name)
    return names


def signed(told: Result) -> str:
    return next(line for line in told.out.splitlines() if line.startswith("boot boot-a"))


@pytest.mark.parametrize(
    "parts",
    [
        [(5, 12), (1, 4)],
        [(9, 12), (5, 8), (1, 4)],
        [(5, 8), (1, 4), (9, 12)],
        [(3, 3), (9, 12), (1, 2), (4, 8)],
        [(1, 4), (1, 12), (3, 5)],
    ],
    ids=str,
)
def test_each_is_signed_and_none_as_missing(
    parts: list[tuple[int, int]], lines: list[bytes], call: Call
) -> None:
    told = call("anchor", *split(lines, *parts), *KEY)
    assert (signed(told), told.status) == ("boot boot-a: 12 lines, 12 of them new", 0)
    assert "gone" not in told.err
    assert "missing" not in Path("kept/boot-a.note").read_text()
    assert "0 notes signed" in call("anchor", *split(lines, *parts), *KEY).out  # it has ended


def test_what_is_in_no_file_is_signed_as_missing_and_no_more_than_that(
    lines: list[bytes], call: Call
) -> None:
    told = call("anchor", *split(lines, (9, 12), (1, 4), (6, 6)), *KEY)
    assert signed(told) == "boot boot-a: 12 lines, 12 of them new"
    assert "\nmissing 5 7-8\n" in Path("kept/boot-a.note").read_text()


@pytest.mark.parametrize("left", [[(7, 12), (1, 4)], [(1, 4), (7, 12)]], ids=str)
def test_lines_that_went_since_are_found_in_any_order(
    left: list[tuple[int, int]], lines: list[bytes], call: Call
) -> None:
    call("anchor", *split(lines, (1, 12)), *KEY)
    for _ in range(2):
        told = call("anchor", *split(lines, *left), *KEY)
        assert told.status == 1
        assert "NOT SIGNED: boot boot-a: lines 5 to 6 are in no file, though others" in told.err
    assert call("anchor", *split(lines, (1, 12)), *KEY).status == 0


def test_a_line_that_was_changed_is_found_where_others_come_late(
    lines: list[bytes], call: Call
) -> None:
    """And ends."""
    call("anchor", *split(lines, (1, 4)), *KEY)
    lines[1] = lines[1].replace(b"malformed_json", b"malformed_jsom")
    told = call("anchor", *split(lines, (9, 12), (5, 6), (1, 4)), *KEY)
    assert "not the line that was anchored" in told.err
    assert told.status == 1


def test_lines_in_no_order_at_all_are_not_signed_and_cost_little(
    lines: list[bytes], call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read once for each file, and once more."""
    reads = []

    def counted(*given: Any) -> Any:
        reads.append(given)
        return scan(*given)

    monkeypatch.setattr("hookgate_cli.anchor.reading.scan", counted)
    Path("whole").write_bytes(b"".join(lines[::-1]))
    told = call("anchor", "whole", *KEY)
    assert told.status == 1
    assert "lines 4 to 11 do not all stand before " in told.err
    assert len(reads) == 4
