"""`hookgate anchor`, `keys new anchor` and `audit verify --note`."""

import gzip
import shutil
import stat
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from hookgate.proof.note import Signer, Verifier, open_note
from hookgate.proof.stamp_check import read_roots, stamped_at
from hookgate_cli import anchor as anchor_module
from hookgate_cli.anchor import reading
from support.calling import Call, Result
from support.events import CLEAN
from support.forgery import rotate, write_boots
from support.journal import Book
from support.raw import ask, post, wait_until
from support.receiver import OK, Receiver, Seen, receiving
from support.sidecar import sidecar
from support.stamps import Authority

NAME = "gate1.example.com/hookgate"
SECRET = "s3cr3t"
# To what is no URL: whoever prepared to follow it would fail.
MOVED = b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def ledger(call: Call) -> Path:
    """A ledger of one boot that ended and one that has not, and a key to sign it with."""
    path = Path("audit.jsonl").absolute()
    write_boots(path, "a", b"")
    Book(path, boot="boot-b").refused(1)
    assert call("keys", "new", "anchor", "key", "--name", NAME).status == 0
    return path


@pytest.fixture
def anchor(call: Call, ledger: Path) -> Call:
    """The command, with what it always needs."""

    def run(*arguments: str) -> Result:
        files = [str(file) for file in sorted(ledger.parent.glob("audit.jsonl*"))]
        return call("anchor", *files, "--key", "key", "--folder", "kept", *arguments)

    return run


def test_a_key_is_for_its_owner_and_its_public_part_for_everybody(call: Call) -> None:
    told = call("keys", "new", "anchor", "key", "--name", NAME).out
    assert stat.S_IMODE(Path("key").stat().st_mode) == 0o600
    signer = Signer.parse(Path("key").read_text())
    assert Verifier.parse(Path("key.pub").read_text()) == signer.verifier
    assert str(signer.verifier) in told.replace("\n", "")
    assert signer.reveal() not in told
    again = call("keys", "new", "anchor", "key", "--name", NAME)
    assert (again.status, Path("key").read_text()) == (2, signer.reveal() + "\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["anchor"], "--name is for anchor keys, and each has one"),
        (["seal", "--name", NAME], "--name is for anchor keys"),
        (["anchor", "--name", "two words"], "neither spaces nor +"),
        (["anchor", "--name", "https://gate1.example.com"], "no scheme"),
    ],
)
def test_a_name_belongs_to_an_anchor_key(call: Call, arguments: list[str], said: str) -> None:
    purpose, *more = arguments
    called = call("keys", "new", purpose, "key", *more)
    assert called.status != 0
    assert said in called.err
    assert not Path("key").exists()


def test_notes_go_to_a_folder_and_verify_the_ledger(anchor: Call, call: Call, ledger: Path) -> None:
    Path("out").mkdir()
    told = anchor("--to", "out")
    assert told.status == 0
    assert "2 notes signed, of 8 new lines." in told.out
    assert "1 note signed, of 0 new lines." in anchor("--to", "out").out
    verify = ("audit", "verify", "audit.jsonl.1", "audit.jsonl", "--note", "out")
    held = call(*verify, "--anchor-key", "key.pub")
    assert held.status == 0
    assert "Compared with 2 notes" in held.out
    ledger.write_bytes(ledger.read_bytes().replace(b"malformed_json", b"malformed_jsom"))
    changed = call(*verify, "--anchor-key", Path("key.pub").read_text().strip())
    assert changed.status == 1
    assert "one or more are not those that the note of" in changed.out.replace("\n", " ")


def test_notes_go_to_a_url_a_file_of_urls_and_a_command(anchor: Call) -> None:
    """Whole and as they were signed."""
    with receiving() as one, receiving() as other:
        Path("places").write_text(f"http://127.0.0.1:{other.port}/{SECRET}\n\n")
        told = anchor(
            *("--to", f"http://127.0.0.1:{one.port}/{SECRET}", "--to-file", "places"),
            *("--command", f"/usr/bin/tee -a {Path('got').absolute()}"),
        )
        assert told.status == 0
        for receiver in (one, other):
            assert [seen.request_line for seen in receiver.wait_for(2)] == [
                f"POST /{SECRET} HTTP/1.1".encode()
            ] * 2
        bodies = [seen.body for seen in one.seen]
    notes = [Path(f"kept/boot-{boot}.note").read_bytes() for boot in "ab"]
    assert bodies == notes
    assert Path("got").read_bytes() == b"".join(notes)
    verifier = Verifier.parse(Path("key.pub").read_text())
    assert [open_note(note, [verifier]).by for note in notes] == [verifier] * 2


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "answered 500"),
        (
            MOVED,
            "answered 302, a redirect, which is not followed",
        ),
        (b"SSH-2.0\r\n" + Receiver.CLOSE, "cannot be reached"),
    ],
)
def test_what_a_destination_does_not_take_is_sent_by_the_next_run(
    anchor: Call, answer: bytes, why: str
) -> None:
    """Also of a boot that has ended, of which no new note is signed; no secret is printed."""
    answers = [answer]

    def respond(_: Seen) -> bytes:
        return answers[0]

    with receiving(respond) as receiver:
        to = ("--to", f"http://127.0.0.1:{receiver.port}/{SECRET}")
        told = anchor(*to)
        assert told.status == 1
        assert f"boot boot-a, and 1 more note: {why}" in told.err.replace("\n", " ")
        assert SECRET not in told.out + told.err
        answers[0] = OK
        receiver.seen.clear()
        assert anchor(*to).status == 0
        notes = [Path(f"kept/boot-{boot}.note").read_bytes() for boot in "ab"]
        assert [seen.body for seen in receiver.wait_for(2)] == notes


def test_a_destination_that_is_named_later_gets_the_notes_of_all_boots(anchor: Call) -> None:
    """Each once, readable by others."""
    for name in ("first", "later"):
        Path(name).mkdir()
    anchor("--to", "first")
    anchor("--to", "first", "--to", "later")
    for name in ("first", "later"):
        notes = sorted(Path(name).iterdir())
        assert [note.name for note in notes] == ["boot-a.note", "boot-b.note"]
        assert {stat.S_IMODE(note.stat().st_mode) for note in notes} == {0o644}
    Path("later/boot-a.note").unlink()
    anchor("--to", "first", "--to", "later")
    assert not Path("later/boot-a.note").exists()


def test_what_a_destination_took_is_known_though_it_is_not_named_each_time(anchor: Call) -> None:
    """As by two timers, one of which sends a mail."""
    command = ("--command", f"/usr/bin/tee -a {Path('got').absolute()}")
    Path("out").mkdir()
    for _ in range(3):
        anchor("--to", "out")
        anchor(*command)
    got = Path("got").read_bytes()
    assert got.count(b"/boot-a\n") == 1
    assert got.count(b"/boot-b\n") >= 1


def test_a_note_that_is_not_taken_holds_up_no_other(anchor: Call) -> None:
    Path("out/boot-a.note").mkdir(parents=True)
    for _ in range(2):
        told = anchor("--to", "out")
        assert told.status == 1
        assert "NOT SENT: out, boot boot-a: cannot be written: Is a directory" in told.err
        assert Path("out/boot-b.note").read_bytes() == Path("kept/boot-b.note").read_bytes()
    Path("out/boot-a.note").rmdir()
    assert anchor("--to", "out").status == 0
    assert Path("out/boot-a.note").read_bytes() == Path("kept/boot-a.note").read_bytes()


def test_a_destination_that_is_down_is_not_asked_for_each_boot(anchor: Call) -> None:
    for number in range(16):
        Book(Path("audit.2.jsonl"), boot=f"more-{number}").close()
    with receiving(lambda _: b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n") as receiver:
        told = anchor("audit.2.jsonl", "--to", f"http://127.0.0.1:{receiver.port}/")
        assert "and 17 more notes: answered 500" in told.err.replace("\n", " ")
        assert len(receiver.seen) <= 16


def test_what_a_command_started_ends_with_it(
    anchor: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else a timer would leave one more of them each hour."""
    monkeypatch.setattr("hookgate_cli.anchor.destinations.WHOLE_SECONDS", 0.3)
    program = tmp_path / "hang"
    program.write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {tmp_path}/pid\nwait\n")
    program.chmod(0o755)
    told = anchor("--command", str(program))
    assert "still ran after 0.3 s, and was killed" in told.err.replace("\n", " ")
    pid = int((tmp_path / "pid").read_text())
    assert wait_until(lambda: not is_running(pid))


def is_running(pid: int) -> bool:
    """Whether a process runs: one that has ended may wait for whoever adopted it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("lost", ["the ledger", "the folder"])
def test_a_note_that_saw_something_else_is_not_replaced(anchor: Call, lost: str) -> None:
    """It is the proof that the ledger was put back, or what is kept: by a fault, or by somebody."""
    Path("out").mkdir()
    ledger = Path("audit.2.jsonl")
    book = Book(ledger, boot="boot-c")
    book.refused(1)
    book.journal._file.close()
    run = ("audit.2.jsonl", "--to", "out")
    anchor(*run)
    note = Path("out/boot-c.note").read_bytes()
    shutil.rmtree("kept")
    if lost == "the ledger":
        ledger.unlink()
        Path("audit.2.state").unlink()
        Book(ledger, boot="boot-c").refused(1, "duplicate_key")
    else:
        ledger.write_bytes(ledger.read_bytes().splitlines(keepends=True)[1])
    told = anchor(*run)
    assert told.status == 1
    assert "NOT SENT: out, boot boot-c: the note that is there saw 2 lines" in told.err
    assert Path("out/boot-c.note").read_bytes() == note
    Path("out/boot-c.note").replace("found.note")
    assert anchor(*run).status == 0


def test_a_rotation_amid_the_reading_hides_no_line(
    anchor: Call, call: Call, ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither is it told as a change: the files are looked for once more."""
    monkeypatch.setenv("HOOKGATE_AUDIT__PATH", str(ledger))
    path = ledger.with_name("audit.2.jsonl")
    book = Book(path, boot="boot-c")
    run = ("anchor", "--key", "key", "--folder", "kept")
    assert call(*run).status == 0
    book.refused(1)

    def between(*given: Any, **options: Any) -> Any:
        if not options["may_skip"]:
            rotate(path)
            book.journal.reopen()
            book.refused(2)
        return read(*given, **options)

    read = reading.read
    with monkeypatch.context() as patched:
        patched.setattr(anchor_module, "read", between)
        told = call(*run)
    assert (told.status, told.err) == (0, "")
    assert "boot boot-c: 3 lines, 2 of them new" in told.out
    files = [str(file) for file in sorted(ledger.parent.glob("audit*.jsonl*"))]
    held = call("audit", "verify", *files, "--note", "kept", "--anchor-key", "key.pub")
    assert (held.status, "Compared with 3 notes" in held.out) == (0, True)


def test_what_could_not_be_read_is_told_and_not_signed_over(anchor: Call, ledger: Path) -> None:
    old = Path("audit.jsonl.1")
    data = gzip.compress(old.read_bytes())
    old.write_bytes(data[:-20])
    told = anchor()
    assert told.status == 1
    assert "NOT READ: " in told.err
    assert "NOT SIGNED: boot boot-a: " in told.err.replace("\n", " ")
    assert not Path("kept/boot-a.note").exists()
    old.write_bytes(data)
    assert anchor().status == 0


def test_another_key_does_not_take_over_what_is_kept(anchor: Call, call: Call) -> None:
    anchor()
    note = Path("kept/boot-b.note").read_bytes()
    Path("key").unlink()
    Path("key.pub").unlink()
    call("keys", "new", "anchor", "key", "--name", "gate2.example.com/hookgate")
    told = anchor()
    assert told.status == 1
    assert "use the key that it is of, or another --folder" in told.err.replace("\n", " ")
    assert Path("kept/boot-b.note").read_bytes() == note


def test_a_ledger_that_is_gone_whole_is_missed(
    anchor: Call, call: Call, ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchor()
    for file in ledger.parent.glob("audit*"):
        file.unlink()
    monkeypatch.setenv("HOOKGATE_AUDIT__PATH", str(ledger))
    told = call("audit", "verify", "--note", "kept", "--anchor-key", "key.pub", "--json")
    assert told.status == 1
    assert [finding["kind"] for finding in told.json["findings"]] == ["gone", "gone"]
    assert told.json["anchored"] == {"notes": 2, "compared": 0, "last": None}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--to", "nowhere"], "nowhere is no folder, and no URL"),
        (["--to", f"http://192.0.2.1/{SECRET}"], "would be asked in clear; use https"),
        (["--to", f"ftp://127.0.0.1/{SECRET}"], "ftp:// is neither http:// nor https://"),
        (["--to", f"https://[::1/{SECRET}"], "cannot be read"),
        (["--command", "tee x"], "absolute path"),
        (["--command", "/bin/echo 'x"], "No closing quotation"),
        (["--keep", "1x"], "--keep 1x"),
        (["--keep", "400"], "--keep 400 is no duration without a unit; write 400d,"),
        (["--stamp", "http://127.0.0.1:9"], "--stamp and --stamp-ca go together"),
    ],
)
def test_a_wrong_use_is_told_in_a_line(anchor: Call, arguments: list[str], said: str) -> None:
    told = anchor(*arguments)
    assert (told.status, told.out) == (2, "")
    assert said in told.err
    assert SECRET not in told.err
    assert not Path("kept").exists()


@pytest.mark.parametrize("purpose", ["seal", "hmac", "sign", "quarantine", "public"])
def test_a_key_of_another_purpose_is_refused(anchor: Call, call: Call, purpose: str) -> None:
    if purpose == "public":
        Path("other").write_text(Path("key.pub").read_text())
        Path("other").chmod(0o600)
    else:
        assert call("keys", "new", purpose, "other").status == 0
    Path("other").replace("key")
    told = anchor()
    assert told.status == 2
    assert "no private key" in told.err
    assert ("the public key" in told.err) is (purpose == "public")
    assert "name the file that hookgate keys new anchor wrote" in told.err.replace("\n", " ")


def test_a_key_is_made_where_there_is_none(anchor: Call) -> None:
    """And is not, where it may not be read or written by others."""
    Path("key").chmod(0o622)
    assert "keys new" not in anchor().err
    Path("key").unlink()
    told = anchor().err.replace("\n", " ")
    assert f"in {Path.cwd()}; name it by its whole path; or, if there is none yet, make" in told
    assert "make one with: hookgate keys new anchor key --name" in told


def test_the_key_and_the_folder_may_be_written_by_their_owner_alone(anchor: Call) -> None:
    Path("key").chmod(0o622)
    assert "chmod g-w" in anchor().err
    Path("key").chmod(0o600)
    Path("kept").mkdir()
    Path("kept").chmod(0o777)
    told = anchor()
    assert told.status == 2
    assert "chmod go-w" in told.err


@pytest.mark.parametrize(
    ("note", "key", "said"),
    [
        (b"", "key.pub", "no note"),
        (b"a\n\n\xe2\x80\x94 x AAAAAAAA\n", "key.pub", "not by a key that is trusted"),
        (None, "other.pub", "not by a key that is trusted"),
        (None, "key", "whoever verifies needs the public one"),
        (None, "missing.pub", "is neither a file that is there nor a key"),
    ],
)
def test_a_note_that_cannot_be_believed_is_told(
    anchor: Call, call: Call, note: bytes | None, key: str, said: str
) -> None:
    anchor()
    call("keys", "new", "anchor", "other", "--name", NAME)
    file = Path("kept/boot-a.note")
    file.write_bytes(file.read_bytes() if note is None else note)
    told = call("audit", "verify", "audit.jsonl", "--note", str(file), "--anchor-key", key)
    assert told.status == 2
    assert said in told.err.replace("\n", " ")
    assert "PRIVATE+KEY" not in told.err


def test_notes_are_stamped_by_an_authority(anchor: Call, tmp_path: Path) -> None:
    """That of openssl, over HTTP; one that answers something else is told, and tried again."""
    authority = Authority(tmp_path / "authority")
    Path("ca.pem").write_bytes(authority.certificate)

    def with_body(body: bytes) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    answers = {
        MOVED: "answered 302",
        with_body(b"no stamp"): "",
        with_body(authority.stamp(b"of something else")): "",
    }
    wrong = b""

    def respond(seen: Seen) -> bytes:
        return wrong or with_body(authority.answer(seen.body))

    with receiving(respond) as receiver:
        stamp = ("--stamp", f"http://127.0.0.1:{receiver.port}/", "--stamp-ca", "ca.pem")
        for wrong, why in answers.items():  # noqa: B007  # `respond` answers it
            told = anchor(*stamp)
            assert told.status == 1
            assert "NOT SENT: --stamp" in told.err
            assert why in told.err
            assert not Path("kept/boot-a.tsr").exists()
        wrong = b""
        assert anchor(*stamp).status == 0
    roots = read_roots(authority.certificate)
    for boot in "ab":
        note = Path(f"kept/boot-{boot}.note").read_bytes()
        assert stamped_at(Path(f"kept/boot-{boot}.tsr").read_bytes(), note, roots)


def test_a_running_gate_is_anchored_and_one_event_proven(call: Call, tmp_path: Path) -> None:
    """With nothing but the configuration: the key, the ledger, then a receipt of its last event."""
    with ExitStack() as stack:
        receiver = stack.enter_context(receiving())
        gate = stack.enter_context(sidecar(receiver.url, tmp_path))
        call("keys", "new", "anchor", "key", "--name", NAME)
        arguments = ("anchor", str(gate.audit), "--key", "key", "--folder", "kept")
        assert ask(gate.port, post(CLEAN)).status == 200
        gate.wait_for_deliveries(1)
        assert call(*arguments).status == 0
        assert ask(gate.port, post(CLEAN)).status == 200
        record = gate.wait_for_deliveries(2)[-1]
        log = ("--log", str(gate.audit), "--anchor", "kept", "--out", "receipt.json")
        early = call("audit", "prove", record["request_id"], *log)
        assert early.status == 1
        assert "is in no signed note yet" in early.err.replace("\n", " ")
        assert call(*arguments).status == 0
        assert call("audit", "prove", record["request_id"], *log).status == 0
    verified = call("audit", "receipt", "verify", "receipt.json", "--key", "key.pub")
    assert verified.status == 0
