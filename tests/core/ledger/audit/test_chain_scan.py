"""A ledger that is read in runs, on every core, is told of as one that is read line by line."""

import gzip
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookgate.ledger.audit.balance import balance
from hookgate.ledger.audit.chain import verify
from hookgate.ledger.audit.proven import Prover
from hookgate.ledger.reading.copies import Copies
from hookgate.ledger.reading.decoding import UnreadableError
from hookgate.ledger.reading.reader import Line, find_files, in_order, read
from hookgate.ledger.reading.scanning import Run
from hookgate.ledger.reading.source import probe
from hookgate.ledger.state import find_states
from support.examples import many
from support.forgery import NAME, OLD_KEY, OLD_LEDGERS, copy
from support.scanned import USUAL_SIZES, scan_for_balance, scan_for_chains, sized
from support.tamper import SEAL
from support.tampering import tamper
from support.usual import write_boots

OTHER = b"another key, of as many bytes...."
KEYS = [(), (SEAL,), (OTHER, SEAL), (OTHER,), (SEAL, OLD_KEY)]


def apart(scanned: Iterable[Line | Run]) -> Iterator[Line]:
    """The same, each line by itself."""
    for item in scanned:
        if isinstance(item, Run):
            yield from item.lines()
        else:
            yield item


def make(path: Path, boots: str, keys: list[bytes], count: int, *, old: bool = False) -> None:
    """Boots of one worker, each with a key of its own, and a boot of another; maybe old lines."""
    path.parent.mkdir()
    for name, key in zip(boots, keys, strict=True):
        write_boots(path, name, key, count)
    write_boots(path.with_name("audit.1.jsonl"), "z", keys[-1], 6)
    if old:
        first = in_order(find_files(path))[0]
        first.write_bytes((OLD_LEDGERS / "sealed" / NAME).read_bytes() + first.read_bytes())


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Ledgers that are not changed."""
    folder = tmp_path_factory.mktemp("originals")
    paths = [folder / str(number) / NAME for number in range(5)]
    make(paths[0], "abc", [b"", b"", b""], 16)
    make(paths[1], "abc", [SEAL, SEAL, SEAL], 16)
    make(paths[2], "abc", [b"", SEAL, OTHER], 20)
    make(paths[3], "ab", [SEAL, OTHER], 5)
    make(paths[4], "a", [SEAL], 16, old=True)
    return paths


@settings(
    max_examples=many(80),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_runs_say_what_their_lines_say(
    ledgers: list[Path], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever was done to it, with any keys, and pieces that end anywhere."""
    path = copy(data.draw(st.sampled_from(ledgers)), tmp_path_factory.mktemp("changed"))
    for _ in range(data.draw(st.integers(0, 3))):
        tamper(data.draw, path)
    files = find_files(path)
    for file in files:
        if data.draw(st.integers(0, 4)) == 0:
            packed = gzip.compress(file.read_bytes())
            cut = data.draw(st.sampled_from([len(packed), len(packed) - 9, len(packed) // 2]))
            file.write_bytes(packed[:cut])
    keys = data.draw(st.sampled_from(KEYS))
    sizes = data.draw(st.sampled_from([USUAL_SIZES, (50, 400), (5000, 9000)]))
    try:
        ordered, states = in_order(find_files(path)), find_states(path)
    except UnreadableError:
        return  # nothing is read then
    once = data.draw(st.booleans())
    copies = Copies([probe(file) for file in ordered]) if once else None
    lines = list(read(ordered, copies=copies))
    proved = list(Prover(keys).prove(lines)) if keys else lines
    with sized(*sizes):
        for_chains = partial(scan_for_chains, ordered, keys, once=once)
        for_balance = partial(scan_for_balance, ordered, keys, once=once)
        assert list(apart(for_chains())) == lines
        assert list(apart(for_balance())) == proved
        assert verify(for_chains(), keys, states) == verify(lines, keys, states)
        assert balance(for_balance(), keys, states) == balance(proved, keys, states)


def test_several_processes_say_what_one_says(ledgers: list[Path]) -> None:
    """In the order of the lines, with the runs of each."""
    files = in_order(find_files(ledgers[1]))
    lines = list(read(files))
    with sized(2000, 5000, forking=True):
        assert list(apart(scan_for_chains(files, (SEAL,)))) == lines
        scanned = verify(scan_for_chains(files, (SEAL,)), (SEAL,))
        added = balance(scan_for_balance(files, (SEAL,)), (SEAL,))
    assert scanned == verify(lines, (SEAL,))
    assert added == balance(lines, (SEAL,))


def test_a_usual_ledger_is_walked_in_runs(tmp_path: Path) -> None:
    """Nearly no line is looked at by itself: that is what makes it fast."""
    path = tmp_path / NAME
    write_boots(path, "ab", b"", 12)
    taken: list[Run] = []

    def kept(scanned: Iterable[Line | Run]) -> Iterator[Line | Run]:
        for item in scanned:
            if isinstance(item, Run):
                taken.append(item)
                yield item._replace(lines=never)
            else:
                yield item

    def never() -> Iterator[Line]:
        pytest.fail("a run was taken apart")

    with sized(10_000, 1 << 20):
        assert verify(kept(scan_for_chains([path]))).lines > 40
        assert sum(run.total for run in taken) > 30
        taken.clear()
        assert balance(kept(scan_for_balance([path]))).balances
        assert sum(run.total for run in taken) > 15
