"""Strangers must not fill the disk: beyond 50 lines a second their refusals are summed."""

from pathlib import Path

import pytest

from hookgate.ledger.writing.sums import FOREIGN_LINES_A_SECOND
from support.journal import Book, obedient_clock, obedient_disk
from support.ledger import assert_balanced, assert_chained, read_ledger

COUNT = 10_000
A_SECOND = 2_500


@pytest.mark.parametrize(
    "reasons", [("source_not_allowed",), ("source_not_allowed", "malformed_http")]
)
def test_a_flood_is_fifty_lines_a_second_and_a_sum(
    reasons: tuple[str, ...], tmp_path: Path
) -> None:
    """Ten thousand refusals in four seconds: lines and sums account for every one of them."""
    path = tmp_path / "audit.jsonl"
    book = Book(path)
    sizes = []
    with obedient_clock() as clock:
        for seq in range(1, COUNT + 1):
            book.foreign(seq, reasons[seq % len(reasons)])
            if seq % A_SECOND == 0:
                clock.now += 1
                book.journal.tick()
                sizes.append(len(read_ledger(path)))
    book.close(received=COUNT, refused=COUNT)
    grown = [after - before for before, after in zip([1, *sizes], sizes, strict=False)]
    assert grown == [FOREIGN_LINES_A_SECOND + len(reasons)] * 4

    records = read_ledger(path)
    lined = {record["seq"] for record in records if record["event"] == "delivery"}
    sums = [record for record in records if record["event"] == "refusals"]
    assert {record["cause"] for record in sums} == {"flood"}
    summed = {
        seq
        for record in sums
        for seq in range(record["first_seq"], record["last_seq"] + 1)
        if reasons[seq % len(reasons)] == record["reason"]
    }
    assert sum(record["count"] for record in sums) == len(summed)
    assert lined | summed == set(range(1, COUNT + 1))
    assert not lined & summed
    assert_chained(path)
    assert assert_balanced(path) == {"refused": COUNT}


def test_a_range_covers_refusals_that_end_out_of_order(tmp_path: Path) -> None:
    """A slow stranger's refusal ends after quicker ones that came later."""
    path = tmp_path / "audit.jsonl"
    book = Book(path)
    with obedient_clock():
        for seq in range(1, FOREIGN_LINES_A_SECOND + 1):
            book.foreign(seq)
        for seq in (70, 60, 90, 80):
            book.foreign(seq)
        book.journal.tick()
    book.close()
    (flood,) = [record for record in read_ledger(path) if record["event"] == "refusals"]
    assert (flood["count"], flood["first_seq"], flood["last_seq"]) == (4, 60, 90)


def test_others_are_recorded_in_full_during_a_flood(tmp_path: Path) -> None:
    """Allowed senders' deliveries and refusals each keep their line."""
    path = tmp_path / "audit.jsonl"
    book = Book(path)
    with obedient_clock():
        for seq in range(1, 1001):
            book.foreign(seq)
        assert book.forward(1001)
        book.delivered(1001)
        book.refused(1002)
        for seq in range(1003, 2003):
            book.foreign(seq)
    book.close(received=2002, delivered=1, refused=2001)
    full = [r["seq"] for r in read_ledger(path) if r["event"] == "delivery"]
    assert full == [*range(1, 51), 1001, 1002]
    assert assert_balanced(path) == {"delivered": 1, "refused": 2001}


def test_after_a_flood_strangers_are_recorded_one_by_one_again(tmp_path: Path) -> None:
    """The next second starts anew, and a second without sums adds no line."""
    path = tmp_path / "audit.jsonl"
    book = Book(path)
    with obedient_clock() as clock:
        for seq in range(1, 61):
            book.foreign(seq)
        for _ in range(3):
            clock.now += 1
            book.journal.tick()
        book.foreign(61)
        assert read_ledger(path)[-1]["seq"] == 61
    book.close()
    assert [r["event"] for r in read_ledger(path)].count("refusals") == 1


def test_a_flood_on_a_full_disk_is_summed_and_written_when_there_is_space(tmp_path: Path) -> None:
    """Its memory is a few numbers, however long both last."""
    path = tmp_path / "audit.jsonl"
    with obedient_disk() as disk, obedient_clock() as clock:
        book = Book(path)
        disk.room = 0
        for seq in range(1, COUNT + 1):
            book.foreign(seq)
            if seq % 100 == 0:
                clock.now += 1
                book.journal.tick()
        disk.room = None
        book.journal.tick()
        book.close(received=COUNT, refused=COUNT)
    sums = [record for record in read_ledger(path) if record["event"] == "refusals"]
    assert {record["cause"]: record["count"] for record in sums} == {
        "flood": COUNT // 2,
        "audit_unavailable": COUNT // 2,
    }
    assert assert_balanced(path) == {"refused": COUNT}
