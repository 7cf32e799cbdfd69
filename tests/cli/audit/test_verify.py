"""`hookgate audit verify`."""

import gzip
from pathlib import Path

import pytest

from support.calling import Call
from support.journal import Book
from support.lines import nginx, write

SEAL = b"0123456789abcdef0123456789abcdef"


@pytest.fixture
def ledger(call: Call) -> Path:
    """A sealed ledger where audit.path has it, and its key."""
    Path("seal.key").write_bytes(SEAL + b"\n")
    path = Path("hookgate-audit.jsonl")
    write_boot(path)
    return path


def write_boot(path: Path, key: bytes = SEAL) -> None:
    book = Book(path, seal_key=key)
    for seq in (1, 2, 3):
        book.refused(seq)
    book.close()


def test_a_sealed_ledger_holds_with_its_key(call: Call, ledger: Path) -> None:
    """Exit 0, and it says what that means and what it does not."""
    result = call("audit", "verify", "--seal-key", "seal.key")
    assert result.status == 0
    assert result.out.startswith("holds  5 lines of 1 boot\n")
    assert "nobody without the key can edit" in result.out
    assert "What no ledger shows by itself: a newest end that was cut off" in result.out


def test_the_key_of_the_configuration_is_taken(call: Call, ledger: Path) -> None:
    """As the gate takes it."""
    Path("hookgate.toml").write_text('[audit]\nseal_key_file = "seal.key"\n')
    report = call("audit", "verify", "--json").json
    assert (report["holds"], report["sealed"], report["lines"]) == (True, True, 5)


def test_an_edited_line_is_named_and_exits_1(call: Call, ledger: Path) -> None:
    """By file and number, in words."""
    ledger.write_bytes(ledger.read_bytes().replace(b'"seq":2', b'"seq":7'))
    result = call("audit", "verify", "--seal-key", "seal.key")
    assert result.status == 1
    assert result.out.startswith("broken  5 lines")
    assert "broken  hookgate-audit.jsonl:3\n  boot b0: edited, or made up" in result.out
    report = call("audit", "verify", "--seal-key", "seal.key", "--json").json
    assert report["first_bad"] == "hookgate-audit.jsonl:3"


def test_a_sealed_ledger_without_its_key_asks_for_it(call: Call, ledger: Path) -> None:
    """It is no proof of tampering."""
    result = call("audit", "verify")
    assert result.status == 1
    assert result.out.startswith("not proven, its key is missing  5 lines")
    assert "Name the key that it was sealed with: --seal-key" in result.out


def test_an_unkeyed_chain_says_how_little_it_proves(call: Call) -> None:
    """It shows accidents, and whoever can write the file can make it anew."""
    write_boot(Path("plain.jsonl"), b"")
    result = call("audit", "verify", "plain.jsonl")
    assert result.status == 0
    assert "The ledger has no seals: it shows accidents" in result.out


def test_rotated_and_compressed_files_are_one_chain(call: Call) -> None:
    """Found by themselves, read in the order they were written."""
    path = Path("hookgate-audit.jsonl")
    book = Book(path)
    book.refused(1)
    path.rename("rotating")
    Path("hookgate-audit.jsonl.2.gz").write_bytes(gzip.compress(Path("rotating").read_bytes()))
    book.journal.tick()
    book.refused(2)
    book.close()
    result = call("audit", "verify")
    assert result.status == 0
    assert result.out.startswith("holds  4 lines of 1 boot\n")


def test_lines_of_nginx_are_said_to_be_unproven(call: Call) -> None:
    """They carry no chain."""
    write(Path("nginx.jsonl"), nginx(), nginx())
    result = call("audit", "verify", "nginx.jsonl")
    assert result.status == 0
    assert "2 lines of nginx carry no chain: nothing proves them." in result.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.jsonl"], "nowhere.jsonl cannot be read"),
        (["--seal-key", "none.key"], 'audit.seal_key_file = "none.key" cannot be read'),
        (["--config", "none.toml"], "none.toml cannot be read"),
    ],
)
def test_misuse_is_one_clear_line(
    call: Call, ledger: Path, arguments: list[str], words: str
) -> None:
    """Exit 2, and the line names what is wrong."""
    result = call("audit", "verify", *arguments)
    assert result.status == 2
    assert words in result.err
    assert len(result.err.splitlines()) == 1
