"""Ledgers of lines as gates spell them, each with all its members."""

import itertools
from pathlib import Path

from hookgate.ledger.members import FORMS, TEXTS
from hookgate.ledger.record import FIELDS, RARE

from .forgery import rotate
from .journal import Book
from .lines import Record, delivery, forward

NAMES = (None, *("r-1",) * 9, "r\\2", *("r-4",) * 12, "r-é", 'r"3')


def whole(record: Record) -> Record:
    """A record with all members of its kind, in their order, but for what a journal adds."""
    return {
        name: record.get(name, [] if FORMS[name] is TEXTS else None)
        for name in FIELDS[record["event"]]
        if name not in (*RARE, "n", "prev")
    }


def write_boots(path: Path, boots: str, key: bytes, count: int) -> None:
    """For each name a boot of so many requests, rotated in its middle if it has many."""
    for name in boots:
        boot = f"boot-{name}"
        book = Book(path, seal_key=key, boot=boot)
        for seq, reference in zip(range(1, count + 1), itertools.cycle(NAMES), strict=False):
            if seq == 15:
                rotate(path)
                book.journal.reopen()
            reason = "malformed_json" if seq % 5 == 0 else "clean"
            names = {"reference": reference, "client": "192.0.2.1"}
            if reason == "clean":
                book.journal.forward(whole(forward(seq, boot, reference=reference)))
                book.journal.flush()
            ended = whole(delivery(seq, reason, boot, **names))
            book.journal.delivery(ended, forwarded=reason == "clean")
        refused = count // 5
        book.close(received=count, delivered=count - refused, refused=refused)
