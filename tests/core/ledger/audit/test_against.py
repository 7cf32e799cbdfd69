"""A ledger beside what an operational log saw of it: the findings in words, and their cost."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hookgate.ledger.audit import witness as witness_module
from hookgate.ledger.audit.chain import HARMLESS, verify
from hookgate.ledger.audit.witness import LogWitness, TooManyError
from hookgate.ledger.checkpoint import Checkpoint
from hookgate.ledger.reading.reader import find_files, in_order, read
from support.effort import at_most
from support.forgery import look, remember, rotate, write_boots
from support.journal import Book, recorded
from support.scanned import scan_for_chains
from support.tamper import SEAL, edit, rechain, rewrite

T0 = 1795867440.0  # 2026-11-28 12:04:00Z
Log = list[Checkpoint]


@pytest.fixture(params=[b"", SEAL], ids=["chained", "sealed"])
def key(request: pytest.FixtureRequest) -> bytes:
    return bytes(request.param)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def write(path: Path, key: bytes = b"", boot: str = "b0", lines: int = 6, every: int = 2) -> Log:
    """A boot that was killed; a checkpoint after so many lines each, a minute apart."""
    with recorded() as log:
        book = Book(path, seal_key=key, boot=boot)
        for seq in range(1, lines):
            if seq % every == 0:
                book.checkpoint()
            book.refused(seq)
        if lines % every == 0:
            book.checkpoint()
        book.journal._file.close()
    return [said._replace(time=T0 + 60 * number, synced=True) for number, said in enumerate(log)]


def told(path: Path, log: Log, key: bytes = b"") -> list[tuple[str, str]]:
    """What the log adds to the findings."""
    keys = (key,) if key else ()
    before = look(path, keys).findings
    found = look(path, keys, log).findings
    assert [finding for finding in found if finding in before] == before
    return [(finding.kind, finding.text) for finding in found if finding not in before]


def cut(path: Path, to: int) -> None:
    rewrite(path, lambda lines: lines[:to])


def test_a_ledger_that_goes_on_after_its_checkpoints_holds(path: Path, key: bytes) -> None:
    log = write(path, key, lines=7)
    assert [said.n for said in log] == [2, 4, 6]
    assert told(path, log, key) == []


@pytest.mark.parametrize(
    ("left", "is_found"),
    [(7, False), (6, False), (5, True), (3, True)],
    ids=["nothing cut", "down to a checkpoint", "beyond it", "beyond two"],
)
def test_a_tail_that_was_cut_is_seen_as_far_as_a_checkpoint_saw_it(
    left: int, is_found: bool, path: Path, key: bytes
) -> None:
    log = write(path, key, lines=7)
    cut(path, left)
    text = f"the checkpoint of 2026-11-28 12:06:00Z saw 6 lines of it, the ledger has {left}"
    text += f": {6 - left} at its end are in no file"
    assert told(path, log, key) == ([("cut", text)] if is_found else [])


def test_lines_that_were_not_synced_may_be_a_crash_s(path: Path) -> None:
    """It is said, and it is a finding all the same."""
    log = [said._replace(synced=False) for said in write(path)]
    cut(path, 4)
    ((kind, text),) = told(path, log)
    assert kind == "cut"
    assert text.endswith("; they were not synced to disk then, and a crash of the machine takes"
                         " such lines")  # fmt: skip


def test_a_chain_made_anew_is_seen_at_the_first_line_that_a_checkpoint_saw(path: Path) -> None:
    """With the place, and how far it goes."""
    log = write(path)
    rewrite(path, lambda lines: rechain([*lines[:2], edit(lines[2]), *lines[3:]]))
    (finding,) = [one for one in look(path, (), log).findings if one.kind == "remade"]
    assert finding.place == f"{path}:4"
    assert finding.text == (
        "line 4 is not the one that the checkpoint of 2026-11-28 12:05:00Z saw, nor are those of 1"
        " later checkpoints: the chain was made anew"
    )


def test_a_line_that_is_missing_in_the_middle_is_named(path: Path, key: bytes) -> None:
    log = write(path, key, lines=7)
    rewrite(path, lambda lines: [*lines[:3], *lines[4:]])
    text = "line 4, which the checkpoint of 2026-11-28 12:05:00Z saw, is in no file"
    assert ("cut", text) in told(path, log, key)


def test_lines_that_were_rotated_away_are_no_breach(path: Path, key: bytes) -> None:
    log = write(path, key, lines=7)
    cut_off = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(cut_off[4:]))
    text = (
        "lines up to 4 are in no file, of which the checkpoint of 2026-11-28 12:05:00Z saw 4:"
        " rotated away, or deleted"
    )
    assert told(path, log, key) == [("rotated", text)]
    assert look(path, (key,) if key else (), log).holds


def boots(path: Path, names: str = "abc") -> Log:
    with recorded() as log:
        write_boots(path, names, b"")
    return log


def test_an_old_boot_is_rotated_away(path: Path) -> None:
    """As the lines that are here begin later; so is the beginning of the one that is here."""
    log = boots(path)
    for number in (1, 2, 3):
        path.with_name(f"{path.name}.{number}").unlink()
    found = told(path, [said._replace(time=T0) if said.boot == "boot-a" else said for said in log])
    assert [kind for kind, _ in found] == ["rotated"] * 2
    assert found[0][1].startswith(
        f"the checkpoint of 2026-11-28 12:04:00Z saw 6 lines of it in {path}; none is here, where"
    )
    assert look(path, (), log).holds


def test_the_newest_boot_is_gone(path: Path) -> None:
    """Where all files that name it were put back."""
    log = boots(path, "a")
    kept = {file: file.read_bytes() for file in path.parent.iterdir()}
    log += boots(path, "b")
    for file in path.parent.iterdir():
        file.unlink()
    for file, data in kept.items():
        file.write_bytes(data)
    ((kind, text),) = told(path, log)
    assert kind == "gone"
    assert f"saw 6 lines of it in {path}; none is here, where lines begin at 20" in text
    assert text.endswith(": deleted, or its files were not given")


def test_the_log_of_another_gate_is_no_witness(path: Path) -> None:
    """Nothing of it is here: that is no clean verdict."""
    boots(path, "a")
    with recorded() as log:
        write_boots(path.with_name("other.jsonl"), "b", b"")
    path.with_name("other.jsonl").unlink()
    path.with_name("other.jsonl.1").unlink()
    first, second = told(path, log)
    assert first[0] == second[0] == "gone"
    assert first[1].startswith("none of the boots that this log saw is in these files")


def test_other_gates_in_a_log_are_told_and_no_breach(path: Path) -> None:
    """By the names of their ledgers; a worker's and the replays' are this one's."""
    log = boots(path, "a")
    mine = log[0]
    others = [mine._replace(boot=f"o{n}", path=f"/{n}/other.{n}.jsonl") for n in range(5)]
    ((kind, text),) = told(path, [*log, *others])
    assert kind == "elsewhere"
    assert text == (
        "it also saw 5 boots of other ledgers, which were not looked for: /0/other.0.jsonl,"
        " /1/other.1.jsonl, /2/other.2.jsonl, …"
    )
    for name in ("audit.3.jsonl", "audit.replay.jsonl"):
        lost = mine._replace(boot="lost", path=f"/var/log/{name}")
        assert [kind for kind, _ in told(path, [*log, lost])] == ["gone"]


def test_two_heads_of_one_line_are_a_contradiction(path: Path) -> None:
    """Whichever the ledger has: one of them is made up."""
    log = write(path)
    planted = log[1]._replace(head="0" * 64, time=T0 + 999)
    found = dict(told(path, [*log, planted]))
    assert found["contradictory"].startswith(
        "the checkpoints of 2026-11-28 12:20:39Z and 2026-11-28 12:05:00Z saw different lines 4:"
    )
    assert found["remade"].startswith(
        "line 4 is not the one that the checkpoint of 2026-11-28 12:20"
    )


def test_a_number_that_no_ledger_has_is_a_finding(path: Path) -> None:
    log = write(path)
    planted = log[0]._replace(n=(1 << 63) - 1, time=0.0)
    ((_, text),) = told(path, [*log, planted])
    assert text.startswith("the checkpoint of an unknown time saw 9,223,372,036,854,775,807 lines")


def test_a_boot_that_had_no_line_needs_none(path: Path) -> None:
    log = write(path)
    empty = log[0]._replace(boot="b1", n=0, head="")
    assert told(path, [*log, empty]) == []


def test_a_boot_that_no_key_proves_is_not_called_gone(path: Path) -> None:
    """That its lines are not proved is said already."""
    log = write(path, b"another key of thirty-two bytes!")
    assert told(path, log, SEAL) == []


def test_checkpoints_in_any_order_and_twice_say_the_same(path: Path, key: bytes) -> None:
    """As of a log that was rotated, and given in parts that overlap."""
    log = write(path, key, lines=7)
    cut(path, 3)
    assert told(path, [*reversed(log), *log], key) == told(path, log, key)


def test_many_lines_are_looked_at_run_by_run(path: Path) -> None:
    """More than a run remembers; the files are rotated, and one is cut."""
    with recorded() as log:
        book = Book(path)
        for seq in range(1, 6000):
            book.refused(seq)
            if seq % 900 == 0:
                book.checkpoint()
            if seq == 5000:
                rotate(path)
                book.journal.reopen()
        book.close()
    assert look(path, (), log).holds
    wrong = [one._replace(head="f" * 64) if one.n == 901 else one for one in log]
    ((kind, text),) = told(path, wrong)
    assert (kind, text[:23]) == ("remade", "line 901 is not the one")


def test_a_scan_that_was_not_asked_for_lines_is_read_line_by_line(path: Path) -> None:
    """Nobody is accused because of it."""

    log = write(path, lines=40)
    files = in_order(find_files(path))
    assert verify(scan_for_chains(files), (), None, remember(log)).holds


@pytest.mark.parametrize(
    "made",
    [
        lambda one, n: one._replace(n=n + 1),
        lambda one, n: one._replace(n=4, head=f"{n:064x}"),
        lambda one, n: one._replace(n=4, time=float(n)),
        lambda one, n: one._replace(boot=f"b{n % 5000}"),
        lambda one, n: one._replace(boot=f"b{n % 5000}", path=f"/other{n % 5000}.jsonl"),
    ],
    ids=["lines", "heads", "times", "boots", "ledgers"],
)
def test_a_hundred_thousand_planted_checkpoints_cost_little(
    made: Callable[[Checkpoint, int], Checkpoint], path: Path
) -> None:
    """And the genuine ones say what they say."""
    log = write(path)
    cut(path, 4)
    with at_most(2):
        witness = LogWitness()
        for checkpoint in log:
            witness.add(checkpoint, "log")
        for n in range(100_000):
            witness.add(made(log[0], n), "log")
        witness.end()
        found = verify(read([path]), (), None, witness)
    assert not found.holds
    assert set(found.more) - HARMLESS <= {"gone"}


@pytest.mark.parametrize(
    ("bound", "made", "words"),
    [
        ("MOST_BOOTS", lambda one, n: one._replace(boot=f"b{n}"), "more than 9 boots"),
        ("MOST_CHECKPOINTS", lambda one, n: one._replace(n=n), "more than 9 checkpoints"),
    ],
)
def test_what_is_remembered_has_a_bound(
    bound: str,
    made: Callable[[Checkpoint, int], Checkpoint],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(witness_module, bound, 9)
    witness = LogWitness()
    one = Checkpoint("b0", 1, "0" * 64, True, "", 0, T0)
    for n in range(1, 10):
        witness.add(made(one, n), "log")
    with pytest.raises(TooManyError, match=words):
        witness.add(made(one, 10), "log")
