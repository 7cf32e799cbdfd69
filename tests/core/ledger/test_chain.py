"""What the chain proves: each line's `prev` is the digest of the one before it."""

import hmac
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from support.journal import Book
from support.ledger import assert_chained

SEAL = b"0123456789abcdef0123456789abcdef"
Lines = list[bytes]


@pytest.fixture(params=[b"", SEAL], ids=["plain", "sealed"])
def key(request: pytest.FixtureRequest) -> bytes:
    """The seal key, b"" for none."""
    given: bytes = request.param
    return given


@pytest.fixture
def path(tmp_path: Path, key: bytes) -> Path:
    """A ledger of two boots with ten lines."""
    path = tmp_path / "audit.jsonl"
    for boot in ("b0", "b1"):
        book = Book(path, seal_key=key, boot=boot)
        book.forward(1)
        book.delivered(1)
        book.refused(2)
        book.close()
    return path


def edit(lines: Lines) -> Lines:
    changed = lines[3].replace(b"malformed_json", b"not_utf8")
    assert changed != lines[3]
    return [*lines[:3], changed, *lines[4:]]


def edit_white_space(lines: Lines) -> Lines:
    return [*lines[:3], lines[3].replace(b",", b", ", 1), *lines[4:]]


def delete(lines: Lines) -> Lines:
    return [*lines[:2], *lines[3:]]


def delete_first(lines: Lines) -> Lines:
    return lines[1:]


def reorder(lines: Lines) -> Lines:
    return [*lines[:1], lines[2], lines[1], *lines[3:]]


def insert_copy(lines: Lines) -> Lines:
    return [*lines[:3], lines[2], *lines[3:]]


def insert_made_up(lines: Lines) -> Lines:
    made_up = {"event": "delivery", "boot": "b0", "prev": sha256(lines[1]).hexdigest()}
    return [*lines[:2], json.dumps(made_up).encode(), *lines[2:]]


def swap_boots(lines: Lines) -> Lines:
    return [line.replace(b'"b0"', b'"b1"') for line in lines]


def test_an_untouched_ledger_is_chained(path: Path, key: bytes) -> None:
    """Both boots begin with an empty `prev` and hold to their end."""
    assert_chained(path, key)
    assert len(path.read_bytes().splitlines()) == 10


@pytest.mark.parametrize(
    "tamper",
    [
        edit,
        edit_white_space,
        delete,
        delete_first,
        reorder,
        insert_copy,
        insert_made_up,
        swap_boots,
    ],
)
def test_tampering_breaks_the_chain(
    tamper: Callable[[Lines], Lines], path: Path, key: bytes
) -> None:
    """A line edited, deleted, moved or added does not go unnoticed."""
    path.write_bytes(b"\n".join(tamper(path.read_bytes().splitlines())) + b"\n")
    with pytest.raises(AssertionError):
        assert_chained(path, key)


@pytest.mark.parametrize("key", [SEAL], indirect=True)
def test_without_the_key_the_chain_cannot_be_made_anew(path: Path) -> None:
    """Who edits a line and recomputes all that follow still lacks the key."""
    previous: dict[str, str] = {}
    forged = []
    for line in edit(path.read_bytes().splitlines()):
        record = json.loads(line)
        record["prev"] = previous.get(record["boot"], "")
        forged.append(json.dumps(record, separators=(",", ":")).encode())
        previous[record["boot"]] = sha256(forged[-1]).hexdigest()
    path.write_bytes(b"\n".join(forged) + b"\n")
    assert_chained(path)
    with pytest.raises(AssertionError):
        assert_chained(path, SEAL)


@pytest.mark.parametrize("key", [SEAL], indirect=True)
def test_a_sealed_prev_is_the_hmac_of_the_line_as_it_stands(path: Path) -> None:
    """The digest covers the bytes of the line, without its end."""
    first, second = path.read_bytes().splitlines()[:2]
    assert json.loads(second)["prev"] == hmac.new(SEAL, first, sha256).hexdigest()
