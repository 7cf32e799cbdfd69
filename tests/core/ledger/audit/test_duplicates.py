"""An event that was delivered more than once is found, and no other."""

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from hookgate.ledger.audit import duplicates
from hookgate.ledger.audit.duplicates import Delivered, find_duplicates, scan_delivered
from hookgate.ledger.reading.copies import Copies
from hookgate.ledger.reading.reader import Line, read
from hookgate.ledger.reading.scanning import scan
from hookgate.ledger.reading.sieve import Sieve
from hookgate.ledger.reading.source import probe
from support.lines import Record, delivery, forward
from support.scanned import TINY_SIZES, USUAL_SIZES, sized
from support.trials import as_written

A, B, C = "a" * 64, "b" * 64, "c" * 64
NOW = 1_800_000_000.0


def taken(seq: int, sha256: str | None = A, **fields: str) -> Record:
    """The line of what the endpoint took."""
    return delivery(seq, "clean", **fields, sha256=sha256)


def sent(seq: int, sha256: str = A) -> Record:
    return forward(seq, sha256=sha256)


def bare(seq: int) -> Record:
    """What is left to say of a delivery after a fault: no name, and no body."""
    whole = delivery(seq)
    kept = ("event", "ts", "boot", "seq", "request_id", "outcome", "reason")
    return {name: whole[name] for name in kept}


# Lines by gate, and the SHA-256s of what was delivered twice.
CASES: dict[str, tuple[list[list[Record]], list[str]]] = {
    "once": ([[taken(1), taken(2, B)]], []),
    "twice at a gate": ([[taken(1), taken(2)]], [A]),
    "at two gates": ([[taken(1)], [taken(1, boot="b1")]], [A]),
    "after a time-out": ([[delivery(1, "upstream_timeout", sha256=A), taken(2)]], []),
    "after a refusal": ([[delivery(1, "malformed_json", sha256=A), taken(2)]], []),
    "after a crash": ([[sent(1), taken(2)]], []),
    "by a replay": ([[taken(1)], [taken(1, boot="b1", replay_of="b0-1")]], [A]),
    "two of a name": ([[taken(1, reference="r"), taken(2, B, reference="r")]], []),
    "bodies that were not read": ([[taken(1, None), taken(2, None)]], []),
    "a forward tells of one": ([[taken(1), sent(2), bare(2)]], [A]),
    "forwards tell of both": ([[sent(1), bare(1), sent(2), bare(2), sent(3, B), bare(3)]], [A]),
    "digests that begin alike": ([[taken(1), taken(2, A[:-1] + "b")]], []),
    "several": ([[taken(at, of) for at, of in enumerate((B, A, A, B, C, A), 1)]], [A, B]),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("size", [TINY_SIZES, USUAL_SIZES])
def test_what_was_delivered_twice_is_found(
    tmp_path: Path, name: str, size: tuple[int, int]
) -> None:
    gates, expected = CASES[name]
    files = [tmp_path / f"{at}.jsonl" for at in range(len(gates))]
    for file, records in zip(files, gates, strict=True):
        lines = [as_written(record, n) for n, record in enumerate(records, 1)]
        file.write_bytes(b"".join(lines))
    with sized(*size):
        assert [event.sha256 for event in search(files).events] == expected


def test_a_copy_of_a_file_delivers_nothing_again(tmp_path: Path) -> None:
    files = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    for file in files:
        file.write_bytes(as_written(taken(1), 1))
    assert search(files).total == 0


def test_beyond_a_bound_they_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    many = [taken(at, f"{at % 9:064x}") for at in range(18)]
    file.write_bytes(b"".join(as_written(record, n) for n, record in enumerate(many, 1)))
    with patch.object(duplicates, "MOST", 4):
        found = search([file])
    assert (len(found.events), found.more, found.total) == (4, 5, 9)


def search(files: list[Path]) -> duplicates.Duplicates:
    sources = list(map(probe, files))

    def again(sieve: Sieve | None = None) -> Iterator[Line]:
        return read(sources, None, Copies(sources), sieve)

    with Delivered() as delivered:
        for _ in delivered.watch(scan(sources, scan_delivered, None, Copies(sources))):
            pass
        digests = list(delivered.again(again, by_bytes=True))
    return find_duplicates(again, digests, NOW, by_bytes=True)
