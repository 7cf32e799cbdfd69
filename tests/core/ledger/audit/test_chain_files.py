"""The chain across boots, crashes and files."""

import json
from pathlib import Path

import pytest

from hookgate.ledger.audit.chain import ChainKind, verify
from hookgate.ledger.reading.reader import read
from hookgate.ledger.seal import split_keys
from support.journal import Book
from support.lines import nginx
from support.tamper import SEAL, at, crash, rewrite, told, write_boot


@pytest.fixture(params=[b"", SEAL], ids=["plain", "sealed"])
def key(request: pytest.FixtureRequest) -> bytes:
    """The seal key, b"" for none."""
    given: bytes = request.param
    return given


@pytest.fixture
def path(tmp_path: Path, key: bytes) -> Path:
    """A ledger of two boots with seven lines each."""
    path = tmp_path / "audit.jsonl"
    for boot in ("b0", "b1"):
        write_boot(path, key, boot)
    return path


def test_a_line_torn_by_a_crash_is_survived(tmp_path: Path, key: bytes) -> None:
    """The next boot found it as the last line, so it is no later edit."""
    path = tmp_path / "audit.jsonl"
    crash(path, key, "b0", torn=20)
    assert told(verify(read([path]), split_keys(key))) == [
        (ChainKind.TORN, 4),
        (ChainKind.NO_STOP, 3),
    ]
    write_boot(path, key, "b1")
    verification = verify(read([path]), split_keys(key))
    assert verification.holds
    assert told(verification) == [(ChainKind.TORN, 4), (ChainKind.NO_STOP, 3)]


def test_an_empty_line_before_the_first_start_is_survived(tmp_path: Path, key: bytes) -> None:
    """Killed while it tried whether an empty file can be written."""
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b"\n")
    write_boot(path, key, "b0")
    assert verify(read([path]), split_keys(key)).findings == []


def test_a_torn_line_changed_later_is_not(tmp_path: Path, key: bytes) -> None:
    """What the next boot found there was another one."""
    path = tmp_path / "audit.jsonl"
    crash(path, key, "b0", torn=20)
    write_boot(path, key, "b1")
    rewrite(path, at(3, lambda line: line[:-5]))
    assert [kind for kind, _ in told(verify(read([path]), split_keys(key)))][:2] == [
        ChainKind.CUT,
        ChainKind.GARBLED,
    ]


def rotate(tmp_path: Path, key: bytes) -> tuple[Path, Path, Path]:
    """One boot over three files."""
    path = tmp_path / "audit.jsonl"
    book = Book(path, seal_key=key)
    for generation in ("2", "1"):
        book.refused(1)
        book.refused(2)
        path.rename(f"{path}.{generation}")
        book.journal.tick()
    book.refused(3)
    book.close()
    return Path(f"{path}.2"), Path(f"{path}.1"), path


def test_a_chain_goes_on_in_the_next_file(tmp_path: Path, key: bytes) -> None:
    """A boot that outlives its file."""
    files = rotate(tmp_path, key)
    assert verify(read(files), split_keys(key)).findings == []
    assert told(verify(read(files[1:]), split_keys(key))) == [(ChainKind.NO_START, 1)]


def test_a_file_missing_between_two_is_a_break(tmp_path: Path, key: bytes) -> None:
    """It may have been left out, or deleted."""
    first, _, last = rotate(tmp_path, key)
    verification = verify(read([first, last]), split_keys(key))
    assert told(verification) == [(ChainKind.BROKEN, 3)]
    assert "a file between the two may be missing" in verification.findings[0].text


def test_lines_of_nginx_in_a_file_of_their_own_are_counted(path: Path, key: bytes) -> None:
    """They carry no chain: where there is a key, nothing passes for proved beside it."""
    other = path.with_name("nginx.jsonl")
    other.write_text(json.dumps(nginx()) + "\n")
    verification = verify(read([other, path]), split_keys(key))
    assert verification.holds == (not key)
    assert told(verification) == ([(ChainKind.FOREIGN, 1)] if key else [])
    assert verification.unchained == 1


def test_files_that_were_joined_are_told(path: Path, key: bytes) -> None:
    """A boot that found its file empty does not stand below others."""
    other = path.with_name("other.jsonl")
    write_boot(other, key, "b9")
    path.write_bytes(path.read_bytes() + other.read_bytes())
    verification = verify(read([path]), split_keys(key))
    assert verification.holds
    assert told(verification) == [(ChainKind.JOINED, 15)]
