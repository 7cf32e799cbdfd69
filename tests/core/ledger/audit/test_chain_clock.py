"""A boot over several files while the clock was ahead, and was set back."""

import time
from pathlib import Path

import pytest

from hookgate.ledger.audit.balance import balance
from hookgate.ledger.reading.files import find_files, in_order
from support.forgery import look, rotate
from support.journal import Book
from support.notes import anchor, compare
from support.scanned import scan_for_balance
from support.tamper import SEAL

DAY = 86_400 * 10**9


@pytest.mark.parametrize("key", [b"", SEAL], ids=["chained", "sealed"])
@pytest.mark.parametrize("ahead", [(3650, 0, 0), (0, 3650, 0), (0, 0, -3650), (5, 4, 3)], ids=str)
def test_every_check_reads_its_lines_in_their_order(
    ahead: tuple[int, ...], key: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger" / "audit.jsonl"
    path.parent.mkdir()
    clock, real = list(ahead), time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + clock[0] * DAY)
    book = Book(path, seal_key=key)
    while True:
        for seq in range(1, 4):
            book.refused(3 * (len(ahead) - len(clock)) + seq)
        if len(clock) == 1:
            break
        rotate(path)
        book.journal.reopen()
        del clock[0]
    book.close(received=9, refused=9)
    keys = (key,) if key else ()
    assert look(path, keys).findings == []
    assert balance(scan_for_balance(in_order(find_files(path)), keys), keys).findings == []
    (signed,), findings = anchor(path, tmp_path / "kept")
    assert (signed.size, findings) == (11, [])
    assert compare(path, [signed.note]) == []
