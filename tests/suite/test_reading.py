"""What tests read of a file that is still being written."""

import json
from pathlib import Path

import pytest

from support.ledger import Growing, lines_so_far, read_ledger

LINES = [b'{"event":"start"}', b"{}", b'{"a":"\\r","b":1}']
DATA = b"\n".join(LINES) + b"\n"


@pytest.mark.parametrize("cut", range(len(DATA) + 1))
def test_only_whole_lines_are_read(cut: int, tmp_path: Path) -> None:
    """Wherever the write stands: a line counts once its LF is there."""
    path = tmp_path / "audit.jsonl"
    path.write_bytes(DATA[:cut])
    whole = LINES[: DATA[:cut].count(b"\n")]
    assert lines_so_far(path) == whole
    assert read_ledger(path, growing=True) == [json.loads(line) for line in whole]


def test_each_line_is_read_once_and_whole(tmp_path: Path) -> None:
    """By who asks again at every byte; what was there before is not new."""
    path = tmp_path / "audit.jsonl"
    path.write_bytes(DATA)
    growing = Growing(path)
    found: list[list[bytes]] = []
    with path.open("ab", buffering=0) as file:
        for byte in DATA:
            file.write(bytes((byte,)))
            found += filter(None, [growing.new()])
    assert found == [[line] for line in LINES]


def test_a_file_to_come_has_none(tmp_path: Path) -> None:
    """A reader may be there before the writer."""
    path = tmp_path / "audit.jsonl"
    assert lines_so_far(path) == []
    growing = Growing(path)
    assert growing.wait(0) == []
    path.write_bytes(DATA)
    assert growing.wait() == LINES


def test_a_ledger_that_grows_no_more_must_end_whole(tmp_path: Path) -> None:
    """What a gate leaves behind is held to it."""
    path = tmp_path / "audit.jsonl"
    path.write_bytes(DATA[:-1])
    with pytest.raises(AssertionError):
        read_ledger(path)
