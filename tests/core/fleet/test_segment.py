"""Lines are cut, named and packed; what is damaged is told."""

from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
import zstandard

from hookgate.fleet.segment import Cutter, digest_of, hash_name
from hookgate.ledger.reading.parsing import parse
from support.fleet import Chain, cut
from support.journal import Book


def test_a_segment_is_its_lines_and_where_they_stand() -> None:
    """Each begins where the one before ended; the last one of a boot says so."""
    chain = Chain(Path("-"), follows="b0:7:aa")
    cutter = Cutter("b1", 1, "")
    data = chain.lines(3)
    one = cut(cutter, data)
    assert (one.first_n, one.lines, one.prev, one.follows, one.is_stop) == (1, 3, "", "b0", False)
    assert (one.raw(), one.size, one.tip) == (data, len(data), chain.prev)
    assert 0 < one.began <= one.ended
    data = chain.line("delivery") + chain.line("stop")
    two = cut(cutter, data)
    assert (two.first_n, two.prev, two.follows, two.is_stop) == (4, one.tip, None, True)
    assert cutter.cut() is None
    assert cutter.size == 0


def test_an_event_is_found_by_each_of_its_names() -> None:
    """Once a segment; as 64 bits of its SHA-256, with a sign as PostgreSQL has it."""
    chain = Chain(Path("-"))
    names = {"reference": "r", "event_reference": "e", "request_id": "q", "sha256": "s"}
    data = chain.line("delivery", **names, names=["r", "m", 7, ""]) + chain.line("forward", **names)
    made = cut(Cutter("b1", 1, ""), data)
    assert made.names == tuple(sorted(map(hash_name, "reqsm")))
    expected = int.from_bytes(sha256(b"r").digest()[:8], "big", signed=True)
    assert hash_name("r") == expected
    assert isinstance(hash_name("\ud800"), int)


def test_a_sealed_line_is_named_by_its_mac(tmp_path: Path) -> None:
    """As the gate's next line names it."""
    book = Book(tmp_path / "audit.jsonl", seal_key=b"k" * 32)
    book.refused(1)
    book.close(received=1, refused=1)
    lines = (tmp_path / "audit.jsonl").read_bytes().splitlines()
    for before, line in pairwise(lines):
        record = parse(line)
        assert record is not None
        assert record["prev"] == digest_of(before)


@pytest.mark.parametrize(
    "damage",
    [
        lambda s: replace(s, body=s.body[:-1]),
        lambda s: replace(s, body=b"no zstd"),
        lambda s: replace(s, body=zstandard.compress(b"other")),
        lambda s: replace(s, body=zstandard.compress(bytes(1 << 24))),  # a bomb
        lambda s: replace(s, body=s.body + zstandard.compress(b"other")),
        lambda s: replace(s, size=s.size - 1),
        lambda s: replace(s, digest=bytes(32)),
    ],
)
def test_a_damaged_segment_is_told(damage: "object") -> None:
    """Which lines, and nothing that was in them."""
    whole = cut(Cutter("b1", 1, ""), Chain(Path("-")).lines(3))
    assert callable(damage)
    with pytest.raises(ValueError, match=r"lines 1 and following of boot b1 are damaged"):
        damage(whole).raw()
