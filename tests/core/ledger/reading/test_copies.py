"""Lines that two files hold are counted once."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from hookgate.ledger.audit.balance import balance
from hookgate.ledger.audit.chain import verify
from hookgate.ledger.reading.copies import Copies
from hookgate.ledger.reading.files import sort
from hookgate.ledger.reading.reader import Line, read
from hookgate.ledger.reading.source import probe
from support.rotated import docker, windows, write_boot
from support.tamper import SEAL

Write = Callable[[str, bytes], None]


def read_once(folder: Path) -> tuple[list[Line], list[tuple[str, str]]]:
    """Every line of the folder's files, and what is said of what they have in common."""
    sources = sort(probe(path) for path in sorted(folder.iterdir()) if path.suffix != ".state")
    copies = Copies(sources)
    lines = list(read(sources, None, copies))
    return lines, [(Path(name).name, text) for name, text in copies.remarks]


@pytest.fixture(params=[b"", SEAL], ids=["plain", "sealed"])
def key(request: pytest.FixtureRequest) -> bytes:
    key: bytes = request.param
    return key


@pytest.fixture
def lines(tmp_path: Path, key: bytes) -> list[bytes]:
    """Three boots' lines."""
    path = tmp_path / "made" / "audit.jsonl"
    path.parent.mkdir()
    for boot in ("b0", "b1", "b2"):
        write_boot(path, key, boot)
    return path.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        pytest.param((0, 21), (0, 21), "all of its 21 lines are those of", id="the same"),
        pytest.param((0, 21), (0, 10), "all of its 10 lines are those of", id="an older copy"),
        pytest.param((0, 21), (7, 14), "all of its 7 lines are those of", id="joined files"),
        pytest.param((0, 10), (5, 21), "its first 5 lines are those of", id="an overlap"),
        pytest.param((0, 21), (20, 21), "all of its 1 lines are those of", id="the last line"),
    ],
)
@pytest.mark.parametrize("change", [bytes, gzip.compress, windows, docker])
def test_each_line_comes_once(
    tmp_path: Path,
    key: bytes,
    lines: list[bytes],
    first: tuple[int, int],
    second: tuple[int, int],
    said: str,
    change: Callable[[bytes], bytes],
) -> None:
    """However one of the files is compressed or wrapped; and that is said of the other."""
    folder = tmp_path / "read"
    folder.mkdir()
    (folder / "a").write_bytes(b"".join(lines[slice(*first)]))
    (folder / "b").write_bytes(change(b"".join(lines[slice(*second)])))
    found, remarks = read_once(folder)
    assert [line.raw + b"\n" for line in found] == lines
    assert balance(found).balances
    assert verify(found, [key] if key else []).holds
    [(name, text)] = remarks
    assert (name, said in text) == ("b", True)


def test_a_copy_that_was_torn_is_one(tmp_path: Path, lines: list[bytes]) -> None:
    folder = tmp_path / "read"
    folder.mkdir()
    (folder / "a").write_bytes(b"".join(lines))
    (folder / "b").write_bytes(b"".join(lines)[:-30])
    found, _ = read_once(folder)
    assert [line.problem for line in found] == [""] * len(lines)


def test_a_copy_that_was_changed_is_read_from_there_on(tmp_path: Path, lines: list[bytes]) -> None:
    """What it says otherwise is not passed over: the ledger does not balance."""
    folder = tmp_path / "read"
    folder.mkdir()
    (folder / "a").write_bytes(b"".join(lines))
    changed = [line.replace(b"malformed_json", b"not_utf8") for line in lines]
    (folder / "b").write_bytes(b"".join(changed))
    found, remarks = read_once(folder)
    assert "its first 3 lines" in remarks[0][1]
    assert len(found) == 2 * len(lines) - 3
    assert not balance(found).balances
    assert not verify(found).holds


def test_a_damaged_copy_is_not_passed_over_as_whole(tmp_path: Path, lines: list[bytes]) -> None:
    """What it held beyond the damage nobody knows."""
    folder = tmp_path / "read"
    folder.mkdir()
    (folder / "a").write_bytes(b"".join(lines))
    (folder / "b.gz").write_bytes(gzip.compress(b"".join(lines))[:-100])
    found, _ = read_once(folder)
    assert [line.problem for line in found if line.problem] == [
        "the gzip file is cut off or damaged here"
    ]
    assert len(found) == len(lines) + 1
