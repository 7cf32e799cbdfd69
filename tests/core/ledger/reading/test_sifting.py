"""A file's lines, sifted a piece at a time: all are counted, and what is odd is seen."""

import gzip
from pathlib import Path

import pytest

from hookgate.ledger.members import USUAL
from hookgate.ledger.reading import sifting
from hookgate.ledger.reading.pieces import Stretch
from hookgate.ledger.reading.reader import Line, read
from hookgate.ledger.reading.sieve import Sieve
from hookgate.ledger.reading.sifting import SiftedStream, sift
from hookgate.ledger.reading.source import LONGEST_LINE, probe
from support.lines import delivery, forward
from support.rotated import WRAPPED
from support.trials import as_written

WHOLE = as_written(delivery(1, reference="r-1", sha256="a" * 64), 1)
OTHER = as_written(forward(2, reference="r-2", sha256="b" * 64), 2)


def seen(path: Path, *texts: str) -> tuple[dict[int, bytes], int]:
    """The lines that are to be seen, by their numbers, and how many were passed."""
    sieve = Sieve(texts, USUAL)
    stream = SiftedStream(
        source := probe(path), sift(Stretch(source), sieve), sieve, lambda _: None
    )
    return dict(stream.lines()), stream.passed


@pytest.mark.parametrize("size", [LONGEST_LINE - 1, LONGEST_LINE, 3 * LONGEST_LINE])
def test_what_is_too_long_is_seen_as_its_beginning(size: int, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(OTHER * 2 + b"x" * size + b"\n" + OTHER * 2)
    lines, passed = seen(path)
    assert lines[3] == (b"x" * size + b"\n")[:LONGEST_LINE]
    assert passed == 5


def test_an_end_without_a_newline_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(OTHER * 2 + WHOLE[:-1])
    assert seen(path) == ({1: OTHER, 3: WHOLE[:-1]}, 3)


@pytest.mark.parametrize("wrapper", [None, *WRAPPED])
def test_what_stands_before_damage_is_seen(wrapper: str | None, tmp_path: Path) -> None:
    """Of a file that is cut off: its lines, then where it ends."""
    data = OTHER * 40 + WHOLE + OTHER * 40
    packed = gzip.compress(data if wrapper is None else WRAPPED[wrapper](data), 0)
    path = tmp_path / "audit.jsonl.1.gz"
    path.write_bytes(packed[: len(packed) * 3 // 4])
    one_by_one = list(read([path]))
    sifted = list(read([path], sieve=Sieve(["r-1"], USUAL)))
    assert sifted[-1].problem == one_by_one[-1].problem
    assert sifted[-1].number == one_by_one[-1].number
    assert _named(sifted) == _named(one_by_one) != []


def _named(lines: list[Line]) -> list[int]:
    return [line.number for line in lines if line.record and line.record.get("reference") == "r-1"]


def test_progress_is_told_by_pieces_that_hold_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sifting, "_TOLD", 1 << 17)
    path = tmp_path / "audit.jsonl"
    path.write_bytes(OTHER * 4000)
    told: list[int] = []
    list(read([path], told.append, sieve=Sieve(["r-1"], "")))
    assert sum(told) == path.stat().st_size
    assert len([size for size in told if size]) > 4
