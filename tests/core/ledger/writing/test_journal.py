"""The journal on a healthy and on a failing disk: written first, owed, summed, told."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from hookgate.ledger.writing.sink import LedgerError
from support.disk import fill, free, small_disk
from support.journal import Book, kinds, obedient_disk
from support.ledger import assert_balanced, assert_chained, read_ledger


def test_a_run_is_framed_by_start_and_stop(tmp_path: Path) -> None:
    """The lines of one boot, in the order of what happened."""
    path = tmp_path / "audit.jsonl"
    book = Book(path)
    assert book.forward(1)
    book.delivered(1)
    book.refused(2)
    book.close(received=2, delivered=1, refused=1)
    assert kinds(path) == ["start", "forward", "delivery", "delivery", "stop"]
    assert {record["boot"] for record in read_ledger(path)} == {"b0"}
    assert_chained(path)
    assert assert_balanced(path) == {"delivered": 1, "refused": 1}


def test_a_line_is_in_the_file_when_the_call_returns(tmp_path: Path) -> None:
    """Nothing is buffered in the process: a crash right after loses no line."""
    path = tmp_path / "audit.jsonl"
    book = Book(path)
    assert book.forward(1)
    assert kinds(path) == ["start", "forward"]
    book.delivered(1)
    assert kinds(path) == ["start", "forward", "delivery"]
    book.close()


def test_start_names_the_line_before_it(tmp_path: Path) -> None:
    """A boot is tied to what the file held: a cut tail of the boot before it shows."""
    path = tmp_path / "audit.jsonl"
    Book(path, boot="b0").close()
    last = path.read_bytes().splitlines()[-1]
    Book(path, boot="b1").close()
    starts = [record for record in read_ledger(path) if record["event"] == "start"]
    assert [record["previous_line"] for record in starts] == ["", sha256(last).hexdigest()]
    assert [record["prev"] for record in starts] == ["", ""]
    assert_chained(path)


def test_a_torn_last_line_is_ended_and_reported(tmp_path: Path) -> None:
    """A crash in the middle of a line costs that line alone."""
    path = tmp_path / "audit.jsonl"
    Book(path, boot="b0").close()
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    book = Book(path, boot="b1")
    book.close()
    assert book.logged == ["ledger.torn_line_found"]
    lines = path.read_bytes().splitlines()
    assert lines[1] == whole.splitlines()[1][:-19]
    start, stop = (json.loads(line) for line in lines[2:])
    assert (start["event"], stop["event"]) == ("start", "stop")
    assert start["previous_line"] == sha256(lines[1]).hexdigest()


def test_a_torn_last_line_on_a_full_disk_stays_apart(tmp_path: Path) -> None:
    """A crash on a full disk, a restart while it is full, and space again: three whole lines."""
    with small_disk(tmp_path / "disk") as disk:
        path = disk / "audit.jsonl"
        path.write_bytes(b'{"event":"delivery","torn' + b"x" * 4071)
        fill(disk)
        book = Book(path)
        assert not book.forward(1)
        free(disk)
        book.close()
        torn, *lines = path.read_bytes().splitlines()
        assert len(torn) == 4096
        assert [json.loads(line)["event"] for line in lines] == ["start", "stop"]


def test_a_second_journal_on_the_file_is_refused(tmp_path: Path) -> None:
    """One writer per file, told before anything is written."""
    path = tmp_path / "audit.jsonl"
    first = Book(path)
    with pytest.raises(LedgerError, match="is being written by another process"):
        Book(path, boot="b1")
    first.close()
    assert kinds(path) == ["start", "stop"]


def test_on_a_full_disk_nothing_may_go_upstream_until_there_is_space(tmp_path: Path) -> None:
    """A real disk: forwards are refused, what had gone upstream is owed and comes first."""
    with small_disk(tmp_path / "disk") as disk:
        path = disk / "audit.jsonl"
        book = Book(path)
        assert book.forward(1)
        fill(disk)
        seq = 1
        while book.forward(seq := seq + 1):
            book.delivered(seq)
        book.failed(seq)
        before = path.read_bytes()
        assert before.endswith(b"\n")
        book.delivered(1)
        for later in range(seq + 1, seq + 6):
            book.refused(later)
        assert not book.available()
        free(disk)
        book.journal.tick()
        assert book.available()
        added = [json.loads(line) for line in path.read_bytes()[len(before) :].splitlines()]
        *owed, failed, refused = added
        assert [r["event"] for r in owed] == ["delivery"] * len(owed)
        assert owed[-1]["seq"] == 1
        assert {r["cause"] for r in (failed, refused)} == {"audit_unavailable"}
        assert (failed["reason"], failed["count"]) == ("audit_unavailable", 1)
        assert (refused["reason"], refused["count"]) == ("malformed_json", 5)
        counts = {"delivered": seq - 1, "refused": 5, "failed": 1}
        book.close(received=seq + 5, **counts)
        assert_chained(path)
        assert assert_balanced(path) == counts
        assert book.logged == ["ledger.unavailable", "ledger.recovered"]


def test_what_is_owed_is_written_before_the_next_forward(tmp_path: Path) -> None:
    """Recovery needs no tick, and keeps the order in which deliveries ended."""
    path = tmp_path / "audit.jsonl"
    with obedient_disk() as disk:
        book = Book(path)
        assert all(book.forward(seq) for seq in (1, 2, 3))
        disk.room = 0
        for seq in (3, 1, 2):
            book.delivered(seq)
        disk.room = None
        assert book.forward(4)
        book.close()
    records = read_ledger(path)
    assert [r["seq"] for r in records if r["event"] == "delivery"] == [3, 1, 2]
    assert [r["event"] for r in records[-3:]] == ["delivery", "forward", "stop"]
    assert_chained(path)


def test_with_anything_owed_nothing_new_is_written(tmp_path: Path) -> None:
    """Room for a short line is no room while a longer one waits: the order is the truth."""
    path = tmp_path / "audit.jsonl"
    with obedient_disk() as disk:
        book = Book(path)
        assert book.forward(1)
        disk.room = 0
        book.journal.delivery(
            {"event": "delivery", "ts": "", "boot": "b0", "seq": 1, "errors": ["x" * 200] * 8},
            forwarded=True,
        )
        disk.room = 1000
        assert not book.forward(2)
        assert kinds(path) == ["start", "forward"]
        disk.room = None
        assert book.forward(3)
        book.close()
    assert kinds(path) == ["start", "forward", "delivery", "forward", "stop"]


def test_a_start_that_finds_no_room_is_owed(tmp_path: Path) -> None:
    """The gate comes up on a full disk, refuses, and its first line is still `start`."""
    path = tmp_path / "audit.jsonl"
    with obedient_disk() as disk:
        disk.room = 0
        book = Book(path)
        assert not book.available()
        assert not book.forward(1)
        book.failed(1)
        disk.room = None
        assert book.forward(2)
        book.delivered(2)
        book.close(received=2, delivered=1, failed=1)
    assert kinds(path) == ["start", "forward", "delivery", "refusals", "stop"]
    assert_chained(path)
    assert assert_balanced(path) == {"failed": 1, "delivered": 1}


def test_an_outage_is_told_once(tmp_path: Path) -> None:
    """A thousand refusals on a full disk are one operational message, and one at its end."""
    with obedient_disk() as disk:
        book = Book(tmp_path / "audit.jsonl")
        disk.room = 0
        for seq in range(1000):
            book.refused(seq)
            book.journal.tick()
        disk.room = None
        book.journal.tick()
        book.close()
    assert book.logged == ["ledger.unavailable", "ledger.recovered"]


@pytest.mark.parametrize(
    ("spoil", "room", "lost"),
    [
        pytest.param("owed", 0, 2, id="an owed line and stop"),
        pytest.param("summed", 0, 2, id="a sum and stop"),
        pytest.param("summed", 300, 1, id="a sum, with room for stop"),
    ],
)
def test_what_cannot_be_written_at_the_end_is_told(
    spoil: str, room: int, lost: int, tmp_path: Path
) -> None:
    """A stop on a full disk says how many lines the ledger lacks."""
    with obedient_disk() as disk:
        book = Book(tmp_path / "audit.jsonl")
        assert book.forward(1)
        disk.room = 0
        if spoil == "owed":
            book.delivered(1)
        else:
            book.refused(2, "malformed_json" + "x" * 240)
        disk.room = room
        book.close()
    assert book.logged[-1] == "ledger.lines_lost"
    assert book.entries[-1]["lines"] == lost


def test_sums_that_find_room_one_by_one_are_each_written_once(tmp_path: Path) -> None:
    """A disk with room for one line at a time loses none of them."""
    path = tmp_path / "audit.jsonl"
    with obedient_disk() as disk:
        book = Book(path)
        disk.room = 0
        for seq, reason in enumerate(("malformed_json", "not_utf8", "too_deep"), 1):
            book.refused(seq, reason)
        for _ in range(3):
            disk.room = 300
            book.journal.tick()
        disk.room = None
        book.close(received=3, refused=3)
    assert kinds(path) == ["start", "refusals", "refusals", "refusals", "stop"]
    assert assert_balanced(path) == {"refused": 3}
    assert_chained(path)
