"""Ledgers of version 0.1.0, as its `hookgate serve` wrote them: v0_1_0/."""

import shutil
from pathlib import Path

import pytest

from hookgate.ledger.audit.balance import balance
from hookgate.ledger.audit.chain import ChainKind, verify
from hookgate.ledger.audit.fate import Fate
from hookgate.ledger.audit.proven import Prover
from hookgate.ledger.audit.search import find
from hookgate.ledger.reading.reader import Line, in_order, parse, read
from hookgate.ledger.seal import split_keys
from hookgate.ledger.state import find_states
from support.forgery import OLD_KEY, OLD_LEDGERS
from support.journal import Book
from support.tamper import SEAL, told

FOLDERS = ["plain", "sealed", "workers", "rotated"]
SEALED = ["sealed", "rotated"]


def lines(name: str) -> list[Line]:
    return list(read(in_order((OLD_LEDGERS / name).iterdir())))


@pytest.mark.parametrize("name", FOLDERS)
def test_it_is_read_balanced_and_verified_as_what_it_is(name: str) -> None:
    """In the old format, and with no state file to be missed."""
    verification = verify(lines(name), (OLD_KEY,) if name in SEALED else (), [])
    assert verification.holds
    assert verification.old == verification.lines == len(lines(name))
    assert {finding.kind for finding in verification.findings} <= {ChainKind.NO_STOP}
    sums = balance(lines(name))
    assert sums.balances
    assert sums.total.ended["delivered"] >= 5


@pytest.mark.parametrize("name", SEALED)
def test_an_edit_of_it_is_found_with_its_key(name: str) -> None:
    """As version 0.1.0 found it: but for the last line of each boot."""
    ledger = lines(name)
    record = dict(ledger[2].record or {})
    edited = ledger[2].raw.replace(b'"outcome":"', b'"outcome":"x')
    assert edited != ledger[2].raw, record
    changed = [*ledger[:2], ledger[2]._replace(raw=edited, record=parse(edited)), *ledger[3:]]
    assert not verify(changed, (OLD_KEY,)).holds


@pytest.mark.parametrize("name", ["sealed", "rotated"])
@pytest.mark.parametrize("keys", [(), (SEAL,)], ids=["none", "another"])
def test_without_its_key_it_is_said_to_be_sealed_with_one(
    name: str, keys: tuple[bytes, ...]
) -> None:
    """Once for each boot."""
    assert [kind for kind, _ in told(verify(lines(name), keys))] == [ChainKind.SEALED] * 2


def test_its_events_are_told_by_their_bodies() -> None:
    """Three share their `event.reference`; two of them were delivered in each of three boots."""
    found = find(lambda: iter(lines("plain")), ["opt-in-0001"])
    (story,) = found.stories
    assert sorted(event.ends[Fate.DELIVERED] for event in story.events) == [1, 3, 3]
    assert len({event.reference for event in story.events}) == 3
    assert story.fate is Fate.DELIVERED
    assert found.unread == 0


def test_no_key_proves_a_line_of_it() -> None:
    """Chained is not sealed: with a key none of its events counts as delivered."""
    ledger = lines("sealed")
    reference = next(
        line.record["reference"]
        for line in ledger
        if line.record is not None and line.record.get("outcome") == "delivered"
    )
    (story,) = find(lambda: iter(ledger), [reference]).stories
    assert story.fate is Fate.DELIVERED
    prover = Prover((OLD_KEY,))
    proved = list(prover.prove(ledger))
    (story,) = find(lambda: iter(proved), [reference]).stories
    assert story.fate is Fate.NEVER_SEEN
    assert prover.left_out == len(ledger)


@pytest.fixture
def upgraded(tmp_path: Path) -> Path:
    """A sealed ledger that was gone on with."""
    path = tmp_path / "audit.jsonl"
    shutil.copy(OLD_LEDGERS / "sealed" / "audit.jsonl", path)
    Book(path, seal_key=OLD_KEY, boot="new-boot").close()
    return path


def test_a_ledger_is_gone_on_with(upgraded: Path) -> None:
    """The first new boot finds no state file, and old lines before it."""
    verification = verify(read([upgraded]), (OLD_KEY,), find_states(upgraded))
    assert verification.holds
    assert verification.findings == []
    assert verification.lines - verification.old == 2


def test_an_old_boot_after_a_new_one_is_a_finding(upgraded: Path) -> None:
    """Whoever lacks the key could go back to what is easier to forge."""
    old = (OLD_LEDGERS / "rotated" / "audit.jsonl.2").read_bytes()
    upgraded.write_bytes(upgraded.read_bytes() + old)
    verification = verify(read([upgraded]), (OLD_KEY,), find_states(upgraded))
    assert ChainKind.OLD_FORMAT in [finding.kind for finding in verification.findings]
    assert not verification.holds
    assert "of the old format after newer ones" in str(verification.findings)


def test_a_single_old_line_is_proved_by_nothing(tmp_path: Path) -> None:
    """As whoever lacks the key would put one before all others."""
    path = tmp_path / "audit.jsonl"
    first = (OLD_LEDGERS / "sealed" / "audit.jsonl").read_bytes().splitlines(keepends=True)[0]
    path.write_bytes(first)
    verification = verify(read([path]), (OLD_KEY,))
    assert [finding.kind for finding in verification.findings] == [
        ChainKind.UNSEALED,
        ChainKind.NO_STOP,
    ]


def test_a_key_of_several_lines_is_still_tried_as_one() -> None:
    """As version 0.1.0 took the whole file, whatever it held."""
    assert split_keys(b"first key of a file\nsecond key of a file\n") == (
        b"first key of a file",
        b"second key of a file",
        b"first key of a file\nsecond key of a file",
    )
    assert split_keys(b"\x00\x01\n\x02\xff" * 8) == (b"\x00\x01\n\x02\xff" * 8,)
    assert split_keys(b" one key alone \r\n") == (b"one key alone",)
