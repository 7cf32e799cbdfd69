"""`hookgate audit prove`, over ledgers that a running gate wrote."""

import gzip
import json
import resource
import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from hookgate.proof.folder import STAMP, Kept, write_kept
from hookgate_cli.main import main
from support.calling import Call, Result
from support.events import CLEAN, RCS, event
from support.fleet import new_fleet
from support.ledger import read_ledger
from support.lines import delivery, forward, nginx, released, start, write
from support.raw import ask, post
from support.receipts import SIGNER, TIME, keep, raw_lines
from support.receiver import OK, Seen, receiving
from support.sidecar import sidecar
from support.stamps import Authority
from support.stranger import by_the_page

KEY = str(SIGNER.verifier)
SEAL = "5a" * 32
LEDGER = Path("audit.jsonl")
REFERENCE = RCS["reference"]
REFUSED = event(reference="of one that is refused", channel=1)
NAME = "00000000-0000-4000-8000-000000000001"
SHARED = [event(reference=NAME, messageContext=text) for text in "ab"]
FAILED = event(reference="00000000-0000-4000-8000-000000000002", messageContext="failed")
REJECTED = b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"
CUT = CLEAN[:-1]


@pytest.fixture(scope="module", params=["plain", "sealed"])
def ledgers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what two boots of a gate wrote, a file each, and what is kept of it."""
    folder = tmp_path_factory.mktemp("gate")
    (folder / "seal.key").touch(0o600)
    (folder / "seal.key").write_text(SEAL + "\n")
    sealed = {"audit.seal_key_file": str(folder / "seal.key")} if request.param == "sealed" else {}
    keys = {"audit.personal_data": "mask", **sealed}

    def respond(seen: Seen) -> bytes:
        return REJECTED if b"failed" in seen.body else OK

    for number in (2, 1):
        with receiving(respond) as upstream, sidecar(upstream.url, folder, **keys) as gate:
            for body in (CLEAN, REFUSED, *SHARED, FAILED, CUT):
                ask(gate.port, post(body))
            assert gate.stop() == 0
        if number == 2:
            (folder / LEDGER).rename(folder / "audit.jsonl.1")
    key = folder / "anchor.key"
    key.touch(0o600)
    key.write_text(SIGNER.reveal() + "\n")
    (folder / "notes").mkdir()
    files = [str(folder / name) for name in ("audit.jsonl.1", "audit.jsonl")]
    options = ["--key", str(key), "--folder", str(folder / "kept"), "--to", str(folder / "notes")]
    with pytest.raises(SystemExit) as ended:
        main(["anchor", *files, *options])
    assert ended.value.code in (0, None)
    return folder


@pytest.fixture
def here(call: Call, ledgers: Path) -> Path:
    """A copy of it in the working directory, and a configuration that names it."""
    shutil.copytree(ledgers, ".", dirs_exist_ok=True)
    named = 'seal_key_file = "seal.key"\n' if are_sealed(ledgers) else ""
    Path("hookgate.toml").write_text(f'[audit]\npath = "audit.jsonl"\n{named}')
    return LEDGER


def are_sealed(folder: Path) -> bool:
    return "mac" in read_ledger(folder / LEDGER)[0]


def prove(call: Call, name: str, *options: str) -> Result:
    return call("audit", "prove", name, "--anchor", "kept", *options)


def verified(call: Call, file: str, *options: str) -> Result:
    result = call("audit", "receipt", "verify", file, "--key", KEY, *options)
    assert result.status == 0, result.err
    return result


@pytest.mark.usefixtures("here")
def test_a_receipt_of_a_delivery_is_checked_with_the_key_alone(call: Call) -> None:
    result = prove(call, REFERENCE)
    assert result.status == 0
    assert (
        result.err
        == "left out: 1 other event of that name, which did not parse; fate tells of it\n"
    )
    file = f"{REFERENCE}.receipt.json"
    assert result.out.startswith(f"{file}: 6 lines, each with its proof\n")
    assert "whoever gets it reads: " in result.out
    assert "from: ***678" in result.out
    Path("body").write_bytes(CLEAN)
    for path in ("audit.jsonl", "audit.jsonl.1", "hookgate.toml"):
        Path(path).unlink()
    shutil.rmtree("kept")
    assert len(by_the_page(file, KEY) or ()) == 6
    report = verified(call, file, "--json", "--body", "body").json
    told = [[record["event"] for record in boot["lines"]] for boot in report["boots"]]
    assert told == [["start", "forward", "delivery"]] * 2


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("body", "kinds", "reason"),
    [
        (REFUSED, ["start", "delivery"], "contract_violation"),
        (SHARED[0], ["start", "forward", "delivery"], "clean"),
        (FAILED, ["start", "forward", "delivery"], "upstream_rejected"),
        (CUT, ["start", "delivery"], "malformed_json"),
    ],
    ids=["refused", "one of two", "failed", "no document"],
)
def test_each_kind_of_end_is_proven_by_its_body(
    call: Call, body: bytes, kinds: list[str], reason: str
) -> None:
    digest = sha256(body).hexdigest()
    assert prove(call, f"evt_{digest.upper()}", "--out", "r.json").status == 0
    report = verified(call, "r.json", "--json").json
    assert report["sha256"] == report["asked"] == digest
    for boot in report["boots"]:
        assert [record["event"] for record in boot["lines"]] == kinds
        assert boot["lines"][-1]["reason"] == reason


@pytest.mark.usefixtures("here")
def test_it_holds_no_line_of_another_event(call: Call) -> None:
    assert prove(call, REFERENCE, "-o", "r.json").status == 0
    shown = Path("r.json").read_text()
    for body in (*SHARED, REFUSED, FAILED):
        assert sha256(body).hexdigest() not in shown
    assert NAME not in shown


def test_a_request_id_proves_that_attempt_alone(call: Call, here: Path) -> None:
    record = next(r for r in read_ledger(here) if r["event"] == "delivery")
    assert prove(call, record["request_id"], "-o", "r.json").status == 0
    (boot,) = verified(call, "r.json", "--json").json["boots"]
    assert [each["event"] for each in boot["lines"]] == ["start", "forward", "delivery"]
    assert boot["boot"] == record["boot"]


@pytest.mark.usefixtures("here")
def test_of_several_events_none_is_chosen(call: Call) -> None:
    result = prove(call, NAME)
    assert result.status == 1
    assert f"2 events go by {NAME}:" in result.out
    assert all(sha256(body).hexdigest() in result.out for body in SHARED)
    assert "a receipt is of one event" in result.err
    assert not list(Path.cwd().glob("*.receipt.json"))


@pytest.mark.usefixtures("here")
def test_what_did_not_come_is_not_proven(call: Call) -> None:
    result = prove(call, "nobody")
    assert (result.status, result.out) == (1, "")
    assert "nobody: " in result.err
    assert "that an event did not come cannot be proven" in result.err


@pytest.mark.usefixtures("here")
def test_no_file_is_written_over_unless_that_is_said(call: Call) -> None:
    Path("r.json").write_text("mine")
    result = prove(call, REFERENCE, "-o", "r.json")
    assert result.status == 2
    assert "r.json is there already; name another with --out, or replace it" in result.err
    assert Path("r.json").read_text() == "mine"
    assert prove(call, REFERENCE, "-o", "r.json", "--overwrite").status == 0
    verified(call, "r.json")
    result = prove(call, REFERENCE, "-o", "audit.jsonl.1", "--overwrite")
    assert result.status == 2
    assert "audit.jsonl.1 is a ledger; a receipt would overwrite it" in result.err


@pytest.mark.usefixtures("here")
def test_a_sender_names_no_file(call: Call) -> None:
    result = prove(call, "../failed")
    assert result.status == 2
    assert "name one with --out" in result.err
    assert not Path("../failed.receipt.json").exists()


@pytest.mark.usefixtures("here")
def test_on_standard_output_it_is_alone(call: Call) -> None:
    result = prove(call, REFERENCE, "-o", "-")
    Path("r.json").write_text(result.out)
    verified(call, "r.json")
    assert "6 lines, each with its proof" in result.err


def test_lines_that_no_note_covers_are_named(call: Call, here: Path) -> None:
    keep(Path("kept"), here, most=2)
    result = prove(call, REFERENCE, "-o", "r.json")
    assert (result.status, result.out) == (1, "")
    assert "audit.jsonl:3: line 3 of boot " in result.err
    assert " is in no signed note yet\n" in result.err
    assert "run hookgate anchor, then again" in result.err
    assert not Path("r.json").exists()
    result = prove(call, REFERENCE, "-o", "r.json", "--so-far")
    assert result.status == 0
    assert "left out: " in result.out
    told = verified(call, "r.json", "--json").json["boots"]
    assert [[each["event"] for each in boot["lines"]] for boot in told] == [
        ["start", "forward", "delivery"],
        ["start", "forward"],
    ]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("most", [0, 1])
def test_without_a_line_of_it_nothing_is_written(call: Call, most: int) -> None:
    keep(Path("kept"), Path("audit.jsonl.1"), LEDGER, most=most)
    result = prove(call, REFERENCE, "--so-far")
    assert result.status == 1
    assert "what can be proven makes no receipt: it has no line of a delivery" in result.err
    assert not list(Path.cwd().glob("*.receipt.json"))


def test_the_start_may_be_gone(call: Call, here: Path) -> None:
    """As after rotation; the last lines of the boot are in the newer file."""
    Path("audit.jsonl.1").unlink()
    raws = here.read_bytes().splitlines(keepends=True)
    here.write_bytes(b"".join(raws[1:]))
    result = prove(call, REFERENCE, "-o", "r.json")
    assert result.status == 0
    assert "not there: the first line of boot" in result.out
    assert "(not here: its first line" in verified(call, "r.json").out


def test_rotated_and_compressed_files_are_read(call: Call, here: Path) -> None:
    raws = here.read_bytes().splitlines(keepends=True)
    Path("audit.jsonl.2.gz").write_bytes(gzip.compress(Path("audit.jsonl.1").read_bytes()))
    Path("audit.jsonl.1").write_bytes(b"".join(raws[:2]))
    here.write_bytes(b"".join(raws[2:]))
    assert prove(call, REFERENCE, "-o", "r.json").status == 0
    assert "had 3 lines" in verified(call, "r.json").out
    assert len(json.loads(Path("r.json").read_text())["lines"]) == 6


def test_a_line_that_was_edited_since_is_told(call: Call, here: Path, ledgers: Path) -> None:
    """With a seal key it is left out, as for every other command."""
    here.write_bytes(here.read_bytes().replace(b'"status":200', b'"status":201', 1))
    result = prove(call, REFERENCE, "-o", "r.json")
    if are_sealed(ledgers):
        assert "1 line is left out: the seal key does not prove it" in result.err
        return
    assert (result.status, result.out) == (1, "")
    assert "it is not the line that was anchored: the ledger was changed since" in result.err
    assert not Path("r.json").exists()


def test_leaves_of_another_ledger_are_told(call: Call, here: Path) -> None:
    boot = read_ledger(here)[0]["boot"]
    note = Path(f"kept/{boot}.note").read_bytes()
    lines = here.read_bytes().splitlines(keepends=True)
    other = Path("other.jsonl")
    other.write_bytes(b"".join([*lines[:-1], lines[-1].replace(b"stop", b"spot")]))
    keep(Path("kept"), other)
    Path(f"kept/{boot}.note").write_bytes(note)
    result = prove(call, REFERENCE, "-o", "r.json")
    assert result.status == 1
    assert "the leaves that are kept are not those of the note" in result.err


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda boot: Path(f"kept/{boot}.note").write_bytes(b"x"), "cannot be used: no note"),
        (lambda boot: Path(f"kept/{boot}.state").write_bytes(b"x"), "state file is damaged"),
        (lambda boot: Path(f"kept/{boot}.leaves").write_bytes(b"x"), "its leaves is gone"),
        (lambda boot: Path(f"kept/{boot}.leaves").unlink(), "its leaves are gone"),
        (lambda boot: Path(f"kept/{boot}.note").unlink(), "is in no signed note yet"),
        (lambda boot: write_kept(Path("kept"), boot, Kept(9, dropped=True)), "kept long enough"),
    ],
    ids=["note", "state", "leaves", "no leaves", "no note", "dropped"],
)
def test_what_is_kept_and_damaged_is_told(call: Call, damage: object, words: str) -> None:
    boot = read_ledger(LEDGER)[0]["boot"]
    damage(boot)  # type: ignore[operator]  # one of the lambdas
    result = prove(call, REFERENCE, "-o", "r.json")
    assert (result.status, result.out) == (1, "")
    assert words in result.err
    assert not Path("r.json").exists()


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (b',"x":1,"x":2}', "a name stands twice in an object"),
        (b',"x":"\\ud800\xed\xa0\x80"}', "a line is not UTF-8"),
    ],
)
def test_a_receipt_that_nobody_would_take_is_not_written(
    call: Call, end: bytes, words: str
) -> None:
    """Of lines that were anchored as they were, and that commands read less strictly."""
    raws = raw_lines([start(), delivery(1, reference=NAME, sha256="a" * 64)])
    LEDGER.write_bytes(b"\n".join([raws[0], raws[1][:-1] + end]) + b"\n")
    keep(Path("kept"), LEDGER)
    result = prove(call, NAME, "--log", "audit.jsonl", "-o", "r.json")
    assert (result.status, result.out) == (1, "")
    assert words in result.err
    assert not Path("r.json").exists()


@pytest.mark.usefixtures("here")
def test_no_part_of_a_receipt_is_left(call: Call) -> None:
    """As of a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        result = prove(call, REFERENCE, "-o", "r.json")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert result.status == 2
    assert "r.json cannot be written: File too large" in result.err
    assert not Path("r.json").exists()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("options", [["-o", "x" * 300], ["--anchor", "x" * 300]])
def test_a_name_that_no_file_can_have_is_told(call: Call, options: list[str]) -> None:
    result = prove(call, REFERENCE, *options)
    assert result.status == 2
    assert "x" * 300 in result.err


@pytest.mark.usefixtures("here")
def test_without_its_folder_it_says_who_makes_it(call: Call) -> None:
    shutil.rmtree("kept")
    result = prove(call, REFERENCE)
    assert result.status == 2
    assert result.err == "hookgate: --anchor kept is no folder; hookgate anchor makes it\n"


def test_what_was_sent_again_by_hand_is_proven_with_who_did_it(call: Call) -> None:
    """Over the ledgers of the gate and of replays, and after a fault, whose line tells no body."""
    about = {"reference": NAME, "sha256": "a" * 64}
    how = {"actor": "ada", "why": "mended"}
    replayed = {**about, **how, "replay_of": "b0-1"}
    bare = delivery(3, "gate_error", outcome="failed")
    del bare["reference"], bare["sha256"]
    gate = [start(), delivery(1, "contract_violation", kept="c" * 64, **about), delivery(2),
            forward(3, **about), bare]  # fmt: skip
    replay = [start("rp", front="replay"), forward(1, "rp", **replayed),
              delivery(1, boot="rp", **replayed),
              released("replayed", "rp", kept="c" * 64, sha256="a" * 64, **how)]  # fmt: skip
    for record in replay:
        record["ts"] = "2026-11-22T13:00:00.000000Z"
    for path, records in (("audit.jsonl", gate), ("audit.replay.jsonl", replay)):
        Path(path).write_bytes(b"\n".join(raw_lines(records)) + b"\n")
    keep(Path("kept"), LEDGER, Path("audit.replay.jsonl"))
    logs = "--log", "audit.jsonl", "--log", "audit.replay.jsonl"
    result = prove(call, NAME, "-o", "r.json", *logs)
    assert result.status == 0
    assert "whoever gets it reads: actor: ada, why: mended\n" in result.out
    boots = verified(call, "r.json", "--json").json["boots"]
    assert [[record["n"] for record in boot["lines"]] for boot in boots] == [
        [1, 2, 4, 5],
        [1, 2, 3, 4],
    ]
    told = verified(call, "r.json").out
    assert "clean (request rp-1, a replay of b0-1 by ada)" in told
    assert "kept no more: replayed, by ada: mended" in told


def test_a_line_that_was_gone_when_it_was_anchored_is_named(call: Call, here: Path) -> None:
    boot = read_ledger(here)[0]["boot"]
    keep(Path("kept"), here, gone=1)
    result = prove(call, REFERENCE, "-o", "r.json")
    assert result.status == 1
    assert f"audit.jsonl:1: line 1 of boot {boot} was not there when it was anchored" in result.err
    assert prove(call, REFERENCE, "-o", "r.json", "--so-far").status == 0
    assert verified(call, "r.json").out.count("not here: its first line") == 1


def test_lines_of_nginx_have_no_place_in_a_tree(call: Call) -> None:
    Path("kept").mkdir()
    write(LEDGER, nginx(reference="n"))
    result = prove(call, "n", "--log", "audit.jsonl")
    assert result.status == 1
    assert "audit.jsonl:1 cannot be proven: no boot's number" in result.err
    assert "nginx and version 0.1.0 give none" in result.err


def test_a_stamp_goes_along(call: Call, here: Path, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    for note in Path("kept").glob("*.note"):
        note.with_suffix(STAMP).write_bytes(authority.stamp(note.read_bytes()))
    Path("ca.pem").write_bytes(authority.certificate)
    assert prove(call, REFERENCE, "-o", "r.json").status == 0
    told = verified(call, "r.json").out
    assert told.count("a time stamp that needs --stamp-ca") == 2
    told = verified(call, "r.json", "--stamp-ca", "ca.pem").out
    assert told.count("Z (by the time stamp)") == 2
    document = json.loads(Path("r.json").read_text())
    boots = list(document["stamps"])
    keep(Path("kept"), here, time=TIME + 60)  # another note, of which there is no stamp yet
    assert prove(call, REFERENCE, "-o", "newer.json").status == 0
    assert list(json.loads(Path("newer.json").read_text())["stamps"]) == boots[:1]
    document["stamps"] = {boots[0]: document["stamps"][boots[1]]}
    Path("r.json").write_text(json.dumps(document))
    result = call("audit", "receipt", "verify", "r.json", "--key", KEY, "--stamp-ca", "ca.pem")
    assert (result.status, result.out) == (1, "")
    assert "its stamp is not one of this authority over its note" in result.err


@pytest.mark.usefixtures("here")
def test_a_store_gives_the_receipt_that_the_files_give(call: Call) -> None:
    """Byte for byte, with the start of each boot; and notes find in it all that they saw."""
    with new_fleet() as fleet:
        fleet.shipper(LEDGER.absolute()).ship()
        dsn_file = Path("reader.dsn")
        dsn_file.write_text(fleet.dsn)
        dsn_file.chmod(0o600)
        of_fleet = ("--fleet", "--dsn-file", "reader.dsn")
        for name in (REFERENCE, sha256(REFUSED).hexdigest()):
            command = ("audit", "prove", name, "--anchor", "kept", "--out", "-")
            files, store = call(*command), call(*command, *of_fleet)
            assert files.status == 0, files.err
            assert (store.status, store.out) == (0, files.out)
        notes = ("--note", "notes", "--anchor-key", KEY)
        assert call("audit", "verify", *notes, *of_fleet).status == 0
        fleet.sql("UPDATE hookgate.boot SET next_n = 1")
        fleet.sql("DELETE FROM hookgate.segment")
        assert call("audit", "verify", *notes, *of_fleet).status == 1
