"""What somebody can do to a sealed ledger who has all its files and not the key."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookgate.ledger.audit.balance import balance
from hookgate.ledger.audit.chain import verify
from hookgate.ledger.audit.fate import Fate
from hookgate.ledger.audit.proven import Prover
from hookgate.ledger.audit.search import find
from hookgate.ledger.audit.stats import summarise
from hookgate.ledger.checkpoint import Checkpoint
from hookgate.ledger.reading.decoding import UnreadableError
from hookgate.ledger.reading.reader import Line, find_files, in_order, read
from hookgate.ledger.state import find_states
from support.examples import many
from support.forgery import (
    FOUND,
    OLD_KEY,
    Forgery,
    copy,
    look,
    make_ledgers,
    remember,
)
from support.journal import Book, recorded
from support.notes import noted
from support.tamper import SEAL
from support.tampering import tamper
from support.unseen import CHAIN, KEY, LOG, NOTE, UNSEEN, Change, edited, remake


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Checkpoint]]:
    """A ledger that is not changed, and what the log saw of it."""
    with recorded() as log:
        return make_ledgers(tmp_path_factory.mktemp("original")), log


@pytest.fixture(scope="module")
def original(seen: tuple[Path, list[Checkpoint]]) -> Path:
    return seen[0]


def proved(path: Path) -> list[Line]:
    return list(Prover((SEAL,)).prove(read(in_order(find_files(path)))))


def test_an_untouched_ledger_holds(original: Path) -> None:
    """Three boots over four files, and another worker's; nothing is to be said of them."""
    verification = look(original)
    assert verification.holds
    assert verification.findings == []
    assert (verification.boots, verification.lines) == (4, 24)
    assert [line.problem for line in proved(original)] == [""] * 24


@pytest.mark.parametrize("restarted", [False, True], ids=["", "then hookgate started"])
@pytest.mark.parametrize("forgery", FOUND, ids=[forgery.name for forgery in FOUND])
def test_a_forgery_is_found(
    forgery: Forgery, restarted: bool, original: Path, tmp_path: Path
) -> None:
    """And nothing made up is ever counted, nor makes an event delivered."""
    path = copy(original, tmp_path)
    forgery.do(path)
    if restarted:
        Book(path, seal_key=SEAL, boot="boot-later").close()
    assert not look(path).holds
    lines = proved(path)
    (story,) = find(lambda: iter(lines), ["forged"]).stories
    assert story.fate is Fate.NEVER_SEEN
    assert "boot-forged" not in {boot.boot for boot in balance(lines).boots}
    ended = summarise(lines).deliveries
    assert ended <= summarise(read(find_files(original))).deliveries


@pytest.mark.parametrize("change", UNSEEN, ids=[change.name for change in UNSEEN])
@pytest.mark.parametrize("with_key", [False, True], ids=["chained", "sealed"])
def test_what_finds_a_change_and_what_does_not_is_a_list(
    change: Change, with_key: bool, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """docs/audit.md has the same one: of each it is made sure that verify finds it, or holds."""
    path = tmp_path / "audit.jsonl"
    with recorded() as log, noted(tmp_path_factory.mktemp("notes")) as notes:
        change.do(path, SEAL if with_key else b"")
    keys, own = ((SEAL, OLD_KEY), KEY) if with_key else ((), CHAIN)
    assert look(path, keys).holds == (own not in change.found_by)
    assert look(path, keys, log).holds == {own, LOG}.isdisjoint(change.found_by)
    assert notes.hold(path) == (NOTE not in change.found_by)


def test_without_a_key_a_ledger_can_be_made_anew(tmp_path: Path) -> None:
    """Whoever can write the files can do what hookgate does; the state file is no secret either."""
    path = make_ledgers(tmp_path, b"")
    assert look(path, ()).findings == []
    remake(path, b"", edited)
    assert look(path, ()).findings == []
    assert b"not_utf8" in path.read_bytes()


def genuine(path: Path) -> dict[str, list[bytes]]:
    """By boot its lines, in order."""
    found: dict[str, list[bytes]] = {}
    for line in read(in_order(find_files(path))):
        assert line.record is not None
        found.setdefault(line.record["boot"], []).append(line.raw)
    return found


LEDGERS = (("boot-a", "boot-b", "boot-c"), ("boot-z",))


def is_excused(original: Path, path: Path) -> bool:
    """Whether the files hold nothing but what a ledger may be left with unseen: each ledger is
    there from some line on, to its end, in order, with its state file; or not at all.
    """
    known = genuine(original)
    boots = {raw: boot for boot, raws in known.items() for raw in raws}
    left: dict[str, list[bytes]] = {}
    for line in read(in_order(find_files(path))):
        torn = line.record is None and line.problem.startswith("torn")
        if line.raw in boots:
            left.setdefault(boots[line.raw], []).append(line.raw)
        elif not (torn or (line.number == 1 and not line.raw)):
            return False
    states = Counter(file.read_bytes() for file in find_states(path))
    wanted = [file.read_bytes() for file in reversed(find_states(original))]
    for names, state in zip(LEDGERS, wanted, strict=True):
        whole = [raw for name in names for raw in known[name]]
        rest = [raw for name in names for raw in left.get(name, [])]
        if rest and (rest != whole[-len(rest) :] or not states[state]):
            return False
        if not rest and states[state]:
            return False
    return not set(states) - set(wanted)


@settings(
    max_examples=many(120),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_nothing_done_without_the_key_goes_unseen(
    seen: tuple[Path, list[Checkpoint]],
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
) -> None:
    """Up to three changes of any kind, hookgate started again after them or not. What a log saw is
    here, or it is told.
    """
    original, log = seen
    path = copy(original, tmp_path_factory.mktemp("changed"))
    for _ in range(data.draw(st.integers(1, 3))):
        tamper(data.draw, path)
    try:
        excused = is_excused(original, path)
    except UnreadableError:
        return  # no verdict of any verb is a clean one: tests/cli/audit/test_rotated.py
    allowed = {line.raw for line in read(find_files(original))}
    if data.draw(st.booleans(), "restarted"):
        Book(path, seal_key=SEAL, boot="boot-later").close()
    assert excused or not look(path).holds
    files = in_order(find_files(path))
    found = verify(read(files), (SEAL,), find_states(path), remember(log, files))
    here = {str(line.record["mac"]) for line in read(files) if line.record and "mac" in line.record}
    told = {finding.kind for finding in found.findings}
    assert not found.holds or "rotated" in told or all(one.head in here for one in log)
    kept = [line for line in proved(path) if line.record is not None]
    assert all(line.raw in allowed or json.loads(line.raw)["boot"] == "boot-later" for line in kept)
    assert len(kept) == len({line.raw for line in kept})
