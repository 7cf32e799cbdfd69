"""The state file: the ledger's last line, kept beside it."""

import json
import os
import stat
from pathlib import Path

import pytest

from hookgate.ledger.audit.chain import ChainKind
from hookgate.ledger.seal import Keyring, Seal
from hookgate.ledger.state import (
    LastLine,
    StateError,
    find_states,
    read_state,
    state_path,
    write_state,
)
from hookgate.ledger.writing.line import Tip
from support.forgery import look
from support.journal import Book, kinds, obedient_disk
from support.ledger import read_ledger
from support.tamper import SEAL, crash

LAST = LastLine("b0", 7, "0" * 64)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger's, in a folder that may be made read-only."""
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs" / "audit.jsonl"


def said(path: Path) -> LastLine:
    return read_state(state_path(path), Keyring([SEAL]))


def last_line(path: Path) -> LastLine:
    record = read_ledger(path)[-1]
    return LastLine(record["boot"], record["n"], record["mac"])


def test_it_names_the_last_line_at_start_rotation_and_stop(path: Path) -> None:
    """And not in between: no delivery waits for it."""
    book = Book(path, seal_key=SEAL)
    assert said(path) == last_line(path)
    book.refused(1)
    assert said(path).n == 1
    path.rename(path.with_suffix(".jsonl.1"))
    book.journal.tick()
    book.refused(2)
    book.close()
    assert said(path) == last_line(path)
    assert stat.S_IMODE(state_path(path).stat().st_mode) == 0o600
    assert look(path).findings == []


def test_a_rotation_is_named_though_the_process_is_killed_after_it(path: Path) -> None:
    """Written on a thread; what is named is the last line of the file that was left."""
    book = Book(path, seal_key=SEAL)
    book.refused(1)
    old = path.with_suffix(".jsonl.1")
    path.rename(old)
    book.journal.tick()
    book.journal._state.close()  # type: ignore[union-attr]  # waits for the thread
    assert said(path) == last_line(old)
    book.close()


def test_the_next_start_names_the_line_that_the_state_names(path: Path) -> None:
    """Though its file was rotated away and it finds none."""
    Book(path, seal_key=SEAL, boot="b0").close()
    stop = last_line(path)
    path.rename(path.with_suffix(".jsonl.1"))
    Book(path, seal_key=SEAL, boot="b1").close()
    start = read_ledger(path)[0]
    assert (start["follows"], start["previous_line"]) == (str(stop), "")
    assert look(path).findings == []


@pytest.mark.parametrize(
    ("ledger", "state"),
    [
        ("audit.jsonl", "audit.state"),
        ("audit.2.jsonl", "audit.2.state"),
        ("audit", "audit.state"),
        ("audit.2", "audit.2.state"),
        ("audit.log", "audit.log.state"),
        ("audit.2.log", "audit.2.log.state"),
        ("audit.state", "audit.state.state"),
        ("audit.replay.jsonl", "audit.replay.state"),
        ("audit.replay", "audit.replay.state"),
        ("audit.replay.log", "audit.replay.log.state"),
    ],
)
def test_each_ledger_has_its_own(ledger: str, state: str, tmp_path: Path) -> None:
    """Found beside its siblings of workers and replays; its name is no ledger's."""
    path = tmp_path / ledger
    assert state_path(path).name == state
    state_path(path).touch()
    siblings = ledger.replace(".2", "").replace(".replay", "")
    assert state_path(path) in find_states(tmp_path / siblings)
    assert not state_path(path).match("*.jsonl*")


def test_a_folder_that_cannot_be_written_costs_one_message(path: Path) -> None:
    """The gate goes on; that its end is not named shows when the ledger is verified."""
    state_path(path).with_name("audit.state.new").mkdir()  # root may write anywhere
    book = Book(path, seal_key=SEAL)
    assert book.forward(1)
    book.delivered(1)
    path.rename(path.with_suffix(".jsonl.1"))
    book.journal.tick()
    book.close()
    assert book.logged == ["ledger.state_not_written"]
    assert kinds(path) == ["stop"]
    assert [finding.kind for finding in look(path).findings] == [ChainKind.LOOSE_END]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it was cut off"),
        (b"{}\n", "it is not sealed"),
        (b"\xff\n", "it is not sealed"),
        (b'{"ledger":"audit.jsonl","last":"b0:7:' + b"0" * 64 + b'"}\n', "it is not sealed"),
        (b'{"last":"b0:7:","mac":"' + b"0" * 64 + b'"}\n', "its seal is of another key"),
    ],
)
def test_a_state_that_was_made_up_is_not_believed(path: Path, content: bytes, reason: str) -> None:
    """It is said once, and the ledger shows that it began without one."""
    Book(path, seal_key=SEAL, boot="b0").close()
    state_path(path).write_bytes(content)
    assert [finding.kind for finding in look(path).findings] == [
        ChainKind.BAD_STATE,
        ChainKind.LOOSE_END,
    ]
    book = Book(path, seal_key=SEAL, boot="b1")
    book.close()
    assert [entry["event"] for entry in book.entries] == ["ledger.state_unusable"]
    assert reason in book.entries[0]["error"]
    assert [finding.kind for finding in look(path).findings] == [ChainKind.NO_STATE]


@pytest.mark.parametrize("kind", ["folder", "fifo", "device", "large"])
def test_what_is_no_state_file_neither_blocks_nor_fills_memory(path: Path, kind: str) -> None:
    """Put there by mistake, or by somebody."""
    state = state_path(path)
    match kind:
        case "folder":
            state.mkdir()
        case "fifo":
            os.mkfifo(state)
        case "device":
            state.symlink_to("/dev/zero")
        case _:
            with state.open("wb") as file:
                file.truncate(1 << 40)
    book = Book(path, seal_key=SEAL)
    assert book.logged[0] == "ledger.state_unusable"
    assert book.forward(1)
    book.close()


def test_another_ledgers_state_is_not_believed(path: Path) -> None:
    """Two workers' exchanged: what one of them lost must not be named by the other."""
    sibling = path.with_name("audit.1.jsonl")
    Book(path, seal_key=SEAL, boot="b0").close()
    Book(sibling, seal_key=SEAL, boot="b9").close()
    state_path(path).write_bytes(state_path(sibling).read_bytes())
    book = Book(path, seal_key=SEAL, boot="b1")
    book.close()
    assert "another ledger's" in book.entries[0]["error"]


def test_a_crash_amid_writing_leaves_the_old_one(tmp_path: Path) -> None:
    """The new one has a name of its own until it is on the disk; a leftover is no obstacle."""
    state = tmp_path / "audit.state"
    write_state(state, "audit.jsonl", LAST, Seal(SEAL))
    (tmp_path / "audit.state.new").write_bytes(b'{"led')
    assert read_state(state, Keyring([SEAL])) == LAST
    write_state(state, "audit.jsonl", LAST._replace(n=8), Seal(SEAL))
    assert read_state(state, Keyring([SEAL])).n == 8
    assert os.listdir(tmp_path) == ["audit.state"]


def test_a_link_in_the_way_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """Neither the file's nor the new one's."""
    victim = tmp_path / "victim"
    victim.write_text("as it was")
    for name in ("audit.state", "audit.state.new"):
        (tmp_path / name).symlink_to(victim)
    write_state(tmp_path / "audit.state", "audit.jsonl", LAST, None)
    assert victim.read_text() == "as it was"
    assert not (tmp_path / "audit.state").is_symlink()


def test_a_crash_before_the_first_state_is_no_loss(path: Path) -> None:
    """Killed between the first `start` and its state: the next one finds that it had begun."""
    write_state(state_path(path), path.name, LastLine("b0", *Tip(0, "")), Seal(SEAL))
    Book(path.with_name("other.jsonl"), seal_key=SEAL, boot="b0").close()
    path.write_bytes(path.with_name("other.jsonl").read_bytes().splitlines(keepends=True)[0])
    Book(path, seal_key=SEAL, boot="b1").close()
    found = [finding.kind for finding in look(path).findings]
    assert found == [ChainKind.NO_STOP]


def test_the_first_state_is_there_before_the_first_line(path: Path) -> None:
    """On a full disk `start` is owed, and no line is named yet."""
    with obedient_disk() as disk:
        disk.room = 0
        book = Book(path, seal_key=SEAL)
        assert said(path) == LastLine("b0", 0, "")
        disk.room = None
        book.close()
    assert said(path) == last_line(path)


def test_a_boot_that_crashed_is_named_by_the_next(path: Path) -> None:
    """By the line before it in the file: the state is older."""
    crash(path, SEAL, "b0", torn=20)
    Book(path, seal_key=SEAL, boot="b1").close()
    assert [finding.kind for finding in look(path).findings] == [ChainKind.TORN, ChainKind.NO_STOP]


def test_without_a_key_it_shows_that_the_newest_line_was_edited(path: Path) -> None:
    """No line follows that could show it."""
    Book(path).close(received=1)
    path.write_bytes(path.read_bytes().replace(b'"received":1', b'"received":2'))
    assert [finding.kind for finding in look(path, ()).findings] == [ChainKind.CUT]


def test_a_pipe_has_none_and_verify_says_so(tmp_path: Path) -> None:
    """What is cut off there nothing shows."""
    path = tmp_path / "audit.jsonl"
    reader, writer = os.pipe()
    stdout = os.dup(1)
    os.dup2(writer, 1)
    try:
        Book("-", seal_key=SEAL).close()
        path.write_bytes(os.read(reader, 1 << 16))
    finally:
        os.dup2(stdout, 1)
        for fd in (reader, writer, stdout):
            os.close(fd)
    assert json.loads(path.read_bytes().splitlines()[0])["follows"] is None
    assert os.listdir(tmp_path) == ["audit.jsonl"]
    verification = look(path)
    assert verification.holds
    assert [finding.kind for finding in verification.findings] == [ChainKind.PIPED]


def test_a_state_error_never_shows_what_the_file_holds(tmp_path: Path) -> None:
    """It may be any file."""
    state = tmp_path / "audit.state"
    state.write_bytes(b"canary-0031699999999\n")
    with pytest.raises(StateError) as error:
        read_state(state, Keyring([SEAL]))
    assert "canary" not in str(error.value)
