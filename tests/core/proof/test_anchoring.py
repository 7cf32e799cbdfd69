"""One run after another of `hookgate anchor`, over ledgers that grow, rotate or are changed."""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hookgate.ledger.members import FORMS, TEXTS, is_usual
from hookgate.ledger.reading.reader import find_files, in_order, read
from hookgate.ledger.record import FIELDS, RARE
from hookgate.proof.anchoring import drop_old
from hookgate.proof.checkpoint import Checkpoint
from hookgate.proof.folder import NOTE, read_kept
from hookgate.proof.leaves import Leaves
from hookgate.proof.merkle import EMPTY_ROOT, hash_leaf, root_of
from hookgate.proof.note import open_note
from support.forgery import make_ledgers, rotate, write_boots
from support.journal import Book
from support.notes import SIGNER, anchor, compare


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger is."""
    return tmp_path / "ledger" / "audit.jsonl"


@pytest.fixture
def folder(tmp_path: Path, path: Path) -> Path:
    """Where what is kept is."""
    path.parent.mkdir()
    return tmp_path / "kept"


def lines_of(path: Path, boot: str) -> list[bytes]:
    lines = read(in_order(find_files(path)))
    return [line.raw for line in lines if line.record and line.record["boot"] == boot]


def sizes(path: Path, folder: Path) -> dict[str, int]:
    """By boot how many lines each note covers that a run signs, once its root was made anew."""
    signed, findings = anchor(path, folder)
    assert [finding for finding in findings if finding.is_bad] == []
    for each in signed:
        head = Checkpoint.parse(open_note(each.note, [SIGNER.verifier]).text)
        leaves = [hash_leaf(raw) for raw in lines_of(path, each.boot)[: head.size]]
        assert head == Checkpoint(f"{SIGNER.name}/{each.boot}", each.size, root_of(leaves))
    return {each.boot: each.size for each in signed}


def problems(path: Path, folder: Path) -> list[str]:
    return [finding.text for finding in anchor(path, folder)[1] if finding.is_bad]


@pytest.mark.parametrize("key", [b"", b"seal" * 8], ids=["chained", "sealed"])
def test_each_boot_is_signed_until_its_end(path: Path, folder: Path, key: bytes) -> None:
    """And also when nothing happened, as long as lines may come."""
    write_boots(path, "a", key)
    book = Book(path, seal_key=key, boot="boot-b")
    book.refused(1)
    assert sizes(path, folder) == {"boot-a": 6, "boot-b": 2}
    assert sizes(path, folder) == {"boot-b": 2}
    book.refused(2)
    rotate(path)
    book.journal.reopen()
    assert sizes(path, folder) == {"boot-b": 3}
    assert sizes(path, folder) == {"boot-b": 3}
    book.refused(3)
    assert sizes(path, folder) == {"boot-b": 4}
    book.close()
    assert sizes(path, folder) == {"boot-b": 5}
    assert sizes(path, folder) == {}


def test_a_boot_that_was_killed_has_ended_once_another_begins(path: Path, folder: Path) -> None:
    book = Book(path, boot="boot-a")
    book.refused(1)
    book.journal._file.close()
    assert sizes(path, folder) == sizes(path, folder) == {"boot-a": 2}
    Book(path, boot="boot-b")
    assert sizes(path, folder) == {"boot-a": 2, "boot-b": 1}
    assert sizes(path, folder) == {"boot-b": 1}


def test_many_boots_are_kept_with_few_files_open(path: Path, folder: Path) -> None:
    for number in range(150):
        Book(path, boot=f"boot-{number}").close()
    before = len(os.listdir("/proc/self/fd"))
    assert set(sizes(path, folder).values()) == {2}
    assert len(os.listdir("/proc/self/fd")) == before
    assert sizes(path, folder) == {}


def _edit(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b"malformed_json", b"malformed_jsom")
    path.write_bytes(b"".join(lines))


def _leave_out(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], *lines[3:]]))


def _cut(path: Path) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))


def _replace(path: Path) -> None:
    """The same boots and numbers, other lines."""
    path.unlink()
    path.with_name("audit.state").unlink()
    book = Book(path, boot="boot-a")
    for seq in range(5):
        book.refused(seq, "duplicate_key")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_edit, "audit.jsonl:3: not the line that was anchored"),
        (_leave_out, "lines 2 to 3 are in no file, though others before are"),
        (_cut, "the ledger has 2 lines of it, and 4 were anchored"),
        (_replace, "audit.jsonl:1: not the line that was anchored"),
    ],
)
def test_a_boot_that_was_changed_is_never_signed_again(
    path: Path, folder: Path, change: Callable[[Path], None], why: str
) -> None:
    """The others are."""
    other = Book(path.with_name("audit.1.jsonl"), boot="boot-z")
    book = Book(path, boot="boot-a")
    for seq in range(3):
        book.refused(seq)
    assert sizes(path, folder) == {"boot-a": 4, "boot-z": 1}
    note = (folder / f"boot-a{NOTE}").read_bytes()
    book.journal._file.close()
    change(path)
    for _ in range(2):
        other.refused(1)
        signed, findings = anchor(path, folder)
        assert [each.boot for each in signed] == ["boot-z"]
        (finding,) = findings
        assert finding.boot == "boot-a"
        assert why in finding.text
        assert (folder / f"boot-a{NOTE}").read_bytes() == note
        assert not {found.kind for found in compare(path, [note])}.isdisjoint({"remade", "cut"})


def test_a_line_that_does_not_follow_from_the_last_one_is_not_signed(
    path: Path, folder: Path
) -> None:
    book = Book(path, boot="boot-a")
    book.refused(1)
    assert sizes(path, folder) == {"boot-a": 2}
    book.refused(2)
    lines = path.read_bytes().splitlines(keepends=True)
    prev = lines[2].split(b'"prev":"')[1][:64]
    path.write_bytes(b"".join(lines).replace(prev, b"0" * 64))
    (problem,) = problems(path, folder)
    assert "does not follow from the line that was anchored last" in problem


def test_lines_that_were_gone_before_are_told_and_take_their_places(
    path: Path, folder: Path
) -> None:
    write_boots(path, "a", b"")
    for old in find_files(path):
        if old != path:
            old.unlink()
    signed, (finding,) = anchor(path, folder)
    assert [each.size for each in signed] == [6]
    assert finding.text == "lines 1 to 3 were gone or could not be read, and were never anchored"
    assert not finding.is_bad
    with Leaves(folder, "boot-a") as leaves:
        kept = [leaves.leaf(index) for index in range(6)]
        assert leaves.subtree(0, 6) == root_of(kept)
    assert kept[:3] == [hash_leaf(b"")] * 3
    assert kept[3:] == [hash_leaf(raw) for raw in lines_of(path, "boot-a")]


def test_lines_that_went_between_two_runs_are_told_as_a_loss(path: Path, folder: Path) -> None:
    """And once they are here again, that no note covers them."""
    book = Book(path, boot="boot-a")
    anchor(path, folder)
    for seq in range(4):
        book.refused(seq)
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], *lines[3:]]))
    (gone,) = anchor(path, folder)[1]
    assert (gone.is_bad, gone.text[:20]) == (True, "lines 2 to 3 were go")
    signed, findings = anchor(path, folder)
    assert (len(signed), findings, compare(path, [signed[0].note])) == (1, [], [])
    path.write_bytes(whole)
    signed, (again,) = anchor(path, folder)
    assert [each.size for each in signed] == [5]
    assert again.text == "2 lines that were gone are here again, and no note covers them"
    assert not again.is_bad


def test_one_made_up_line_covers_no_room_for_others(path: Path, folder: Path) -> None:
    """Else all lines of the boot after it would pass for those that were gone."""
    book = Book(path, boot="boot-a")
    anchor(path, folder)
    made_up = path.read_bytes().replace(b'"n":1,', b'"n":%d,' % (1 << 37))
    with path.open("ab") as file:
        file.write(made_up)
    book.refused(1)
    signed, (finding,) = anchor(path, folder)
    assert signed == []
    assert "audit.jsonl:2: no boot has a line 137,438,953,472 after 1: made up" in finding.text


def test_files_may_be_rotated_away_once_a_boot_has_ended_and_not_before(
    path: Path, folder: Path
) -> None:
    write_boots(path, "a", b"")
    book = Book(path.with_name("audit.1.jsonl"), boot="boot-z")
    assert sizes(path, folder) == {"boot-a": 6, "boot-z": 1}
    book.journal._file.close()
    for file in path.parent.iterdir():
        file.unlink()
    (problem,) = problems(path, folder)
    assert "none of its lines is here, and its end was never anchored" in problem
    assert problems(path, folder) == []


def test_a_run_that_fails_at_any_step_is_made_up_for_by_the_next(
    path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is signed then is what a run without a fault signs."""
    make_ledgers(path.parent, b"")
    real = os.fsync
    steps = 0

    def fail_at(step: int) -> Callable[[int], None]:
        def fsync(fd: int) -> None:
            nonlocal steps
            steps += 1
            if steps == step:
                raise OSError(5, "Input/output error")
            real(fd)

        return fsync

    step = 0
    while True:
        step, steps = step + 1, 0
        kept = folder.with_name(f"kept{step}")
        with monkeypatch.context() as patched:
            patched.setattr("os.fsync", fail_at(step))
            try:
                anchor(path, kept)
            except OSError:
                failed = True
            else:
                failed = False
        again, findings = anchor(path, kept)
        assert findings == []
        for name in ("boot-a", "boot-b", "boot-c", "boot-z"):
            assert read_kept(kept, name) == read_kept(folder.with_name("kept1"), name)
            assert compare(path, [(kept / f"{name}{NOTE}").read_bytes()]) == []
        if not failed:
            assert again == []
            break
    assert step > 20


def test_what_receipts_need_is_dropped_of_boots_that_ended_long_ago(
    path: Path, folder: Path
) -> None:
    write_boots(path, "a", b"")
    Book(path, boot="boot-b")
    assert sizes(path, folder) == {"boot-a": 6, "boot-b": 1}
    assert drop_old(folder, 1_000.0) == []
    assert drop_old(folder, 1e11) == ["boot-a"]
    assert drop_old(folder, 1e11) == []
    assert {file.name for file in folder.iterdir() if file.name.startswith("boot-a")} == {
        "boot-a.note",
        "boot-a.state",
    }
    assert sizes(path, folder) == {"boot-b": 1}


@pytest.mark.parametrize("suffix", [".state", ".leaves", ".blocks", ".note"])
@pytest.mark.parametrize("content", [b"", b"\xff" * 40, b'{"size": -1}'])
def test_what_is_kept_and_was_damaged_is_told(
    path: Path, folder: Path, suffix: str, content: bytes
) -> None:
    """And signs nothing else than before."""
    book = Book(path, boot="boot-a")
    book.refused(1)
    note = anchor(path, folder)[0][0].note
    file = folder / f"boot-a{suffix}"
    file.write_bytes(content)
    book.refused(2)
    signed, findings = anchor(path, folder)
    if signed:  # no block is whole yet, and what has none is made anew
        assert suffix == ".blocks"
    else:
        assert [finding.boot for finding in findings] == ["boot-a"]
    assert compare(path, [note]) == []


@pytest.mark.parametrize("count", [1, 9], ids=["one", "a run"])
@pytest.mark.parametrize(
    "members",
    [{"boot": "../../boot-a"}, {"boot": ""}, {"n": 0}, {"n": 10**17}, {"n": 10**18 - 20}],
    ids=str,
)
def test_lines_that_no_gate_numbered_keep_no_other_boot_from_being_signed(
    path: Path, folder: Path, members: dict[str, object], count: int
) -> None:
    """Whatever somebody wrote into the ledger."""
    Book(path, boot="boot-z").refused(1)
    names = [name for name in FIELDS["delivery"] if name not in RARE]
    usual: dict[str, object] = {name: [] if FORMS[name] is TEXTS else None for name in names}
    usual |= {"event": "delivery", "ts": "2026-11-29T12:00:00.000000Z", "boot": "forged"}
    first = members.get("n", 1)
    assert isinstance(first, int)
    with path.open("ab") as file:
        for n in range(first, first + count):
            forged = {**usual, **members, "n": n, "prev": ""}
            assert is_usual(json.dumps(forged, separators=(",", ":")).encode())
            file.write(json.dumps(forged, separators=(",", ":")).encode() + b"\n")
    signed, findings = anchor(path, folder)
    assert "boot-z" in [each.boot for each in signed]
    assert {"boot-z"}.isdisjoint(found.boot for found in findings)
    assert {file.name.partition(".")[0] for file in folder.iterdir()} <= {"boot-z", "forged"}


def test_lines_that_may_be_in_what_could_not_be_read_are_never_signed_as_missing(
    path: Path, folder: Path
) -> None:
    """Since what was signed is never signed otherwise, also once they are there again."""
    write_boots(path, "a", b"")
    (old,) = [file for file in find_files(path) if file != path]
    compressed = gzip.compress(old.read_bytes())
    old.unlink()
    zipped = old.with_name(f"{old.name}.gz")
    zipped.write_bytes(compressed[:-20])
    Book(path, boot="boot-b")
    for _ in range(2):
        signed, (finding,) = anchor(path, folder)
        assert [each.boot for each in signed] == ["boot-b"]
        assert finding.is_bad
        assert "are in no file that could be read: let it be read, or name" in finding.text
    zipped.write_bytes(compressed)
    assert sizes(path, folder) == {"boot-a": 6, "boot-b": 1}


def test_a_boot_without_its_first_lines_is_compared_with_a_note_without_them(
    path: Path, folder: Path
) -> None:
    """And with any other it cannot be: no more is told."""
    book = Book(path, boot="boot-a")
    for seq in range(4):
        book.refused(seq)
    before = anchor(path, folder)[0][0].note
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[2:]))
    without = anchor(path, folder.with_name("other"))[0][0].note
    assert compare(path, [without]) == []
    (rotated,) = compare(path, [without, before])
    assert rotated.kind == "rotated"
    assert "line 1 is not here, so that nothing is compared" in rotated.text
    path.write_bytes(b"".join(lines[2:]).replace(b"malformed_json", b"malformed_jsom"))
    assert [finding.kind for finding in compare(path, [without])] == ["remade"]
    path.write_bytes(b"".join(lines[3:]))
    kinds = [finding.kind for finding in compare(path, [without])]
    assert kinds == ["rotated", "gone"]


def test_notes_of_another_time_hold_nothing(path: Path, folder: Path) -> None:
    write_boots(path, "a", b"")
    notes = [each.note for each in anchor(path, folder)[0]]
    for file in find_files(path):
        file.unlink()
    Book(path, boot="boot-b")
    (gone,) = compare(path, notes)
    assert gone.kind == "gone"
    late = SIGNER.sign(f"{SIGNER.name}/boot-x\n5\n{'A' * 43}=\n", 1_000)
    rotated, gone = compare(path, [late])
    assert (rotated.kind, gone.kind) == ("rotated", "gone")
    assert "none of these notes could be compared" in gone.text


def test_a_note_of_no_line_hides_no_other(path: Path, folder: Path) -> None:
    write_boots(path, "a", b"")
    (signed,) = anchor(path, folder)[0]
    empty = SIGNER.sign(Checkpoint(f"{SIGNER.name}/boot-a", 0, EMPTY_ROOT).text, 2**64 - 1)
    assert compare(path, [empty, signed.note]) == []
    assert [found.kind for found in compare(path, [empty])] == ["gone"]


def test_a_loss_is_told_though_the_run_that_met_it_was_killed(
    path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its lines were kept, and before the note was signed."""
    book = Book(path, boot="boot-a")
    anchor(path, folder)
    for seq in range(4):
        book.refused(seq)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], *lines[3:]]))
    with monkeypatch.context() as patched:
        patched.setattr("hookgate.proof.anchoring.replace_file", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            anchor(path, folder)
    kept = read_kept(folder, "boot-a")
    assert kept is not None
    assert kept.missing == ((2, 3),)
    (gone,) = anchor(path, folder)[1]
    assert (gone.is_bad, gone.text[:20]) == (True, "lines 2 to 3 were go")
    assert anchor(path, folder)[1] == []
