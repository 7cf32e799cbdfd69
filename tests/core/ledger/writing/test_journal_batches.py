"""Lines that wait share one write, which stands or falls with all of them."""

from pathlib import Path

import pytest

from hookgate.ledger.writing.sink import Sink
from hookgate.ledger.writing.sync import SYNC_EVERY_LINES
from hookgate.settings import Fsync
from support.journal import Book, Disk
from support.ledger import assert_balanced, assert_chained, read_ledger

SECRET = "canary-0031699999999"


class Turn:
    """Lines of one turn, and the numbers of those that wait to be written, in order."""

    def __init__(self, book: Book) -> None:
        self._waiting: list[int] = []
        self._book = book
        self._journal = book.journal

    def forward(self, *seqs: int) -> None:
        for seq in seqs:
            self._journal.forward(self._book.record("forward", seq=seq, request_id=f"r{seq}"))
            self._waiting.append(seq)

    def _end(self, seq: int, outcome: str, reason: str) -> None:
        record = self._book.record("delivery", seq=seq, outcome=outcome, reason=reason)
        forwarded = outcome == "delivered"
        self._journal.delivery(record, forwarded=forwarded, deferred=True)
        self._waiting.append(seq)

    def deliver(self, *seqs: int) -> None:
        for seq in seqs:
            self._end(seq, "delivered", "clean")

    def refuse(self, *seqs: int) -> None:
        for seq in seqs:
            self._end(seq, "refused", "malformed_json")

    def flush(self) -> list[tuple[int, bool]]:
        """Settle, and who is told what by that."""
        waiting, self._waiting = self._waiting, []
        return told(self._journal.flush(), *waiting)


def told(written: bool, *seqs: int) -> list[tuple[int, bool]]:
    return [(seq, written) for seq in seqs]


def lines(path: Path) -> list[tuple[str, int]]:
    """The kinds and numbers of the lines behind `start`."""
    return [(r["event"], r.get("seq", 0)) for r in read_ledger(path)[1:]]


def test_the_lines_of_a_turn_share_one_write(path: Path, disk: Disk) -> None:
    """However many; they keep their order and their chain, and all are told after it."""
    book = Book(path)
    turn = Turn(book)
    before = disk.writes
    turn.forward(*range(1, 21))
    assert disk.writes == before
    assert turn.flush() == told(True, *range(1, 21))
    assert disk.writes == before + 1
    turn.deliver(3, 1)
    turn.forward(21)
    turn.refuse(22)
    turn.deliver(2)
    assert turn.flush() == told(True, 3, 1, 21, 22, 2)
    assert disk.writes == before + 2
    assert turn.flush() == []
    assert disk.writes == before + 2
    book.close()
    assert lines(path)[:-1] == [
        *(("forward", seq) for seq in range(1, 21)),
        *(("delivery", 3), ("delivery", 1), ("forward", 21), ("delivery", 22), ("delivery", 2)),
    ]
    assert_chained(path)
    assert book.journal.lines["forward"] == 21
    assert book.journal.lines["delivery"] == 4


def test_the_lines_of_a_turn_share_its_time(path: Path, disk: Disk) -> None:
    """And the next turn has its own, which is not before it."""
    book = Book(path)
    turn = Turn(book)
    turn.forward(1, 2)
    turn.flush()
    turn.deliver(1, 2)
    turn.flush()
    book.close()
    times = [record["ts"] for record in read_ledger(path)]
    assert times == sorted(times)
    assert times[1] == times[2] < times[3] == times[4]


def mixed(turn: Turn) -> list[int]:
    """What may come together; 1 to 3 were forwarded before. Returns who waits, in order."""
    turn.deliver(3, 1)
    turn.refuse(10, 11)
    turn.forward(12, 13)
    turn.deliver(2)
    return [3, 1, 10, 11, 12, 13, 2]


def begun(path: Path, fsync: Fsync = Fsync.NEVER, seal_key: bytes = b"") -> tuple[Book, Turn]:
    """A journal with three deliveries under way."""
    book = Book(path, fsync, seal_key)
    turn = Turn(book)
    turn.forward(1, 2, 3)
    turn.flush()
    return book, turn


@pytest.fixture
def size(tmp_path: Path) -> int:
    """How many bytes the mixed turn takes."""
    path = tmp_path / "whole.jsonl"
    book, turn = begun(path)
    before = path.stat().st_size
    mixed(turn)
    turn.flush()
    after = path.stat().st_size
    book.close()
    return after - before


def assert_recovers(path: Path, book: Book, turn: Turn) -> None:
    """The mixed turn was lost: what is owed comes first and is chained, the rest is summed."""
    for seq in (12, 13):
        book.failed(seq)
    turn.forward(14)
    assert turn.flush() == told(True, 14)
    owed = [("delivery", 3), ("delivery", 1), ("delivery", 2)]
    assert lines(path)[3:] == [*owed, ("delivery", 12), ("delivery", 13), ("forward", 14)]
    turn.deliver(14)
    turn.flush()
    book.journal.tick()
    book.close(received=8, delivered=4, refused=2, failed=2)
    assert assert_balanced(path) == {"delivered": 4, "refused": 2, "failed": 2}
    assert book.logged == ["ledger.unavailable", "ledger.recovered"]


@pytest.mark.parametrize("seal_key", [b"", b"0123456789abcdef"], ids=["plain", "sealed"])
@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 1])
def test_a_write_that_fails_leaves_nothing_of_the_turn(
    path: Path, disk: Disk, size: int, share: float, seal_key: bytes
) -> None:
    """Room for half of the lines, or for all but a byte, is room for none."""
    book, turn = begun(path, seal_key=seal_key)
    before = path.read_bytes()
    waiting = mixed(turn)
    disk.room = max(0, int(size * share) - 1)
    assert turn.flush() == told(False, *waiting)
    assert path.read_bytes() == before
    assert not book.available()
    disk.room = None
    assert_recovers(path, book, turn)
    assert_chained(path, seal_key)


def test_a_sync_that_fails_leaves_nothing_of_the_turn(path: Path, disk: Disk, size: int) -> None:
    """Where each write is synced, a forward whose sync failed does not go upstream."""
    book, turn = begun(path, Fsync.ALWAYS)
    before = path.read_bytes()
    waiting = mixed(turn)
    disk.sync_fails = True
    assert turn.flush() == told(False, *waiting)
    assert path.read_bytes() == before
    disk.sync_fails = False
    assert_recovers(path, book, turn)
    assert_chained(path)


def test_half_a_turn_that_cannot_be_cut_off_is_cut_off_later(
    path: Path, disk: Disk, size: int
) -> None:
    """Before the next line, so that no line of it is ever counted twice."""
    book, turn = begun(path)
    before = path.read_bytes()
    waiting = mixed(turn)
    disk.room, disk.cut_fails = size // 2, True
    assert turn.flush() == told(False, *waiting)
    assert len(path.read_bytes()) == len(before) + size // 2
    disk.room, disk.cut_fails = None, False
    assert_recovers(path, book, turn)
    assert_chained(path)


def test_a_turn_that_meets_an_outage_writes_nothing_either(path: Path, disk: Disk) -> None:
    """While anything is owed and there is no room for it, one turn after the other is refused."""
    book, turn = begun(path)
    disk.room = 0
    turn.deliver(1)
    assert turn.flush() == told(False, 1)
    for seq in (20, 30, 40):
        turn.forward(seq)
        turn.refuse(seq + 1)
        assert turn.flush() == told(False, seq, seq + 1)
        book.failed(seq)
    turn.deliver(3, 2)
    assert turn.flush() == told(False, 3, 2)
    disk.room = None
    turn.forward(50)
    assert turn.flush() == told(True, 50)
    assert lines(path)[3:] == [("delivery", 1), ("delivery", 3), ("delivery", 2), ("forward", 50)]
    turn.deliver(50)
    turn.flush()
    book.journal.tick()
    book.close(received=10, delivered=4, refused=3, failed=3)
    assert_chained(path)
    assert assert_balanced(path) == {"delivered": 4, "refused": 3, "failed": 3}


def test_a_line_that_does_not_wait_comes_before_those_that_do(path: Path, disk: Disk) -> None:
    """In its own write; they keep their order."""
    book, turn = begun(path)
    before = disk.writes
    turn.deliver(1)
    turn.forward(4, 5)
    book.refused(6)
    assert disk.writes == before + 1
    assert lines(path)[3:] == [("delivery", 6)]
    turn.deliver(2)
    assert turn.flush() == told(True, 1, 4, 5, 2)
    assert disk.writes == before + 2
    later = [("delivery", 1), ("forward", 4), ("forward", 5), ("delivery", 2)]
    assert lines(path)[4:] == later
    book.close()
    assert_chained(path)


def test_a_line_that_does_not_wait_and_is_lost_costs_the_others_nothing(
    path: Path, disk: Disk
) -> None:
    """There is room again when the turn ends."""
    book, turn = begun(path)
    before = path.read_bytes()
    disk.room = 100
    turn.forward(4, 5)
    turn.deliver(1)
    book.refused(6)
    disk.room = None
    assert path.read_bytes() == before
    assert turn.flush() == told(True, 4, 5, 1)
    for seq in (2, 3, 4, 5):
        book.delivered(seq)
    book.journal.tick()
    book.close(received=6, delivered=5, refused=1)
    assert assert_balanced(path) == {"delivered": 5, "refused": 1}
    assert_chained(path)


@pytest.mark.parametrize("act", ["tick", "reopen", "reload", "close", "rotate"])
def test_what_else_is_written_within_a_turn_breaks_no_chain(
    path: Path, disk: Disk, act: str
) -> None:
    """Whatever comes first: every line is there once."""
    book, turn = begun(path)
    turn.deliver(1)
    turn.forward(4)
    match act:
        case "reload":
            book.journal.reload({"result": "applied"})
        case "close":
            book.close(received=4, delivered=1, in_flight=3)
        case "rotate":
            path.rename(path.with_suffix(".1"))
            book.journal.tick()
        case _:
            getattr(book.journal, act)()
    if act == "close":
        assert turn.flush() == told(False, 1, 4)  # nothing is sent any more
    else:
        turn.deliver(2)
        assert turn.flush() == told(True, 1, 4, 2)
        for seq in (3, 4):
            book.delivered(seq)
        book.close(received=4, delivered=4)
    rotated = path.with_suffix(".1")
    if rotated.exists():
        path.write_bytes(rotated.read_bytes() + path.read_bytes())
    assert_chained(path)
    assert_balanced(path)
    numbers = [line for line in lines(path) if line[0] in ("forward", "delivery")]
    assert len(numbers) == len(set(numbers)) == (5 if act == "close" else 8)


def test_always_syncs_once_for_a_turn(path: Path, disk: Disk) -> None:
    """One sync stands for all of its lines."""
    book, turn = begun(path, Fsync.ALWAYS)
    before = disk.syncs, disk.writes
    for _ in range(3):
        mixed_seqs = mixed(turn)
        assert turn.flush() == told(True, *mixed_seqs)
    assert (disk.syncs, disk.writes) == (before[0] + 3, before[1] + 3)
    book.close()


def test_interval_counts_the_lines_of_a_turn(path: Path, disk: Disk) -> None:
    """Fifty lines are synced in however few writes they came, and not before."""
    book = Book(path, Fsync.INTERVAL)
    turn = Turn(book)
    turn.forward(*range(1, SYNC_EVERY_LINES))
    turn.flush()
    assert disk.syncs == 1  # `start`'s
    turn.forward(*range(100, 300))
    turn.flush()
    assert disk.syncs == 1 + 1
    book.close()


def test_a_fault_that_is_none_of_the_disk_takes_nobody_down(
    path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody who waits is told, nothing of the turn remains, and its lines are not lost."""
    book, turn = begun(path)
    before = path.read_bytes()
    waiting = mixed(turn)

    def broken(*_: object, **__: object) -> None:
        raise ValueError(SECRET)

    with monkeypatch.context() as patch:
        patch.setattr(Sink, "write", broken)
        assert turn.flush() == told(False, *waiting)
    assert path.read_bytes() == before
    assert_recovers(path, book, turn)
    assert_chained(path)
    assert SECRET not in str(book.entries)
