"""A file in stretches and pieces: each line is in one of them, whole, however it is cut."""

from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookgate.ledger.reading import pieces
from hookgate.ledger.reading.source import Source
from support.examples import many
from support.scanned import sized

LONGEST = 40


@settings(
    max_examples=many(200),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.integers(0, 3 * LONGEST), max_size=20).map(lambda sizes: [b"a" * n for n in sizes]),
    st.sampled_from([b"", b"\n"]),
    st.integers(1, 60),
    st.integers(1, 150),
)
def test_every_line_is_in_one_piece(
    tmp_path: Path, lines: list[bytes], end: bytes, piece: int, stretch: int
) -> None:
    """And of one that is too long its beginning, with what all of it took."""
    path = tmp_path / "ledger"
    path.write_bytes(b"\n".join(lines) + end)
    source = Source(path, "ledger")
    with sized(piece, stretch), patch.object(pieces, "LONGEST_LINE", LONGEST):
        found = [one for part in pieces.cut(source) for one in pieces.pieces(part)]
    assert sum(one.size for one in found) == path.stat().st_size
    assert sum(one.read for one in found) <= path.stat().st_size
    whole = b"".join(
        one.data if len(one.data) == one.size else one.data + b"a" * (one.size - len(one.data) - 1)
        for one in found
    ).replace(b"\n", b"")
    assert abs(len(whole) - sum(map(len, lines))) <= len(found)
    assert all(one.data.endswith(b"\n") for one in found[:-1] if len(one.data) == one.size)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_line_that_fills_stretches_is_read_once(tmp_path: Path, count: int) -> None:
    """Where it begins; elsewhere only as far as the stretch goes."""
    path = tmp_path / "ledger"
    path.write_bytes(b"a\n" * count + b"a" * 100_000 + b"\nb\n")
    source = Source(path, "ledger")
    with sized(64, 1000):
        found = [one.data for part in pieces.cut(source) for one in pieces.pieces(part)]
    assert b"".join(found) == path.read_bytes()
