"""`hookgate audit receipt verify`, and the script of docs/proof.md, which has its own code."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hookgate.proof.note import Signer
from hookgate.proof.receipt import Receipt
from support.calling import Call
from support.receipts import (
    BODY,
    DIGEST,
    OTHER,
    REFERENCE,
    SIGNER,
    TIME,
    edit,
    line,
    prove,
    raw_lines,
    receipt,
    usual,
)
from support.sidecar import HOOKGATE
from support.stranger import by_the_page

KEY = str(SIGNER.verifier)
FILE = Path("r.json")
TOLD = f"""\
holds: {REFERENCE}, the body {DIGEST}
proven: gate1.example.com/hookgate had 3 lines in its ledger, at the latest on \
2026-11-30 00:53:20Z (by its own clock), in boot b1 of then 6 lines:
  2026-11-29T08:00:00.000000Z  hookgate 0.3.0 (sidecar) started, policy p1, configuration c1
  2026-11-29T08:00:00.000000Z  about to be sent to the endpoint, as request b1-2
  2026-11-29T08:00:00.000000Z  delivered as clean; the endpoint answered 204; the sender was \
answered 200 (request b1-2)
not proven: that what was written is true, that nothing else happened, and that no other line \
tells of it.
"""
Change = Callable[[bytes], bytes]


@pytest.fixture(autouse=True)
def file(call: Call) -> Path:
    """A receipt that holds, of one delivery."""
    FILE.write_bytes(receipt().render())
    Path("gate.pub").write_text(f"{OTHER.verifier}\n\n{KEY}\n")
    return FILE


@pytest.mark.parametrize("key", [KEY, "gate.pub"])
def test_it_tells_in_plain_words_what_is_proven_and_what_not(call: Call, key: str) -> None:
    result = call("audit", "receipt", "verify", "r.json", "--key", key)
    assert (result.status, result.err, result.out) == (0, "", TOLD)


def test_json_is_for_scripts(call: Call) -> None:
    found = call("audit", "receipt", "verify", "r.json", "--key", KEY, "--json").json
    (boot,) = found["boots"]
    assert (found["holds"], found["asked"], found["sha256"]) == (True, REFERENCE, DIGEST)
    assert (boot["by"], boot["size"]) == (SIGNER.name, 6)
    assert boot["at_the_latest"] == "2026-11-30T00:53:20Z"
    assert [record["n"] for record in boot["lines"]] == [1, 3, 5]


def test_several_gates_each_with_its_key(call: Call) -> None:
    theirs = [line("start", "b2"), line("delivery", "b2", outcome="refused", reason="not_utf8",
                                        upstream_status=None, status=400)]  # fmt: skip
    FILE.write_bytes(receipt([*prove(usual(), (5,)), *prove(theirs, (2,), "b2", OTHER)]).render())
    both = "--key", KEY, "--key", str(OTHER.verifier)
    result = call("audit", "receipt", "verify", "r.json", *both)
    assert result.status == 0
    assert "gate2.example.com/hookgate had 1 line" in result.out
    assert "refused as not_utf8; the sender was answered 400 (request b2-2)" in result.out
    assert "(not here: its first line, which tells version and policy)" in result.out
    assert call("audit", "receipt", "verify", "r.json", "--key", KEY).status == 1


def test_an_end_that_is_not_there_is_named(call: Call) -> None:
    FILE.write_bytes(receipt(prove(usual(), (1, 3))).render())
    result = call("audit", "receipt", "verify", "r.json", "--key", KEY)
    assert result.status == 0
    assert "\n  (not here: how request b1-2 ended)\n" in result.out


def test_a_body_is_compared(call: Call) -> None:
    Path("body").write_bytes(BODY)
    Path("other").write_bytes(BODY + b" ")
    verify = "audit", "receipt", "verify", "r.json", "--key", KEY, "--body"
    assert "body is the body that it is about." in call(*verify, "body").out
    result = call(*verify, "other")
    assert (result.status, result.out) == (1, "")
    mend = "name the body byte for byte as it came, or ask for the receipt of this one"
    problem = f"it is about another body than other; {mend}"
    assert result.err == f"hookgate: r.json does not hold: {problem}\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ("--key", "gone.pub"),
            "--key is neither a file that is there nor a key: no key: name",
        ),
        (("--key", SIGNER.reveal()), "this is the private key"),
        (("--key", "r.json"), "--key r.json: no key"),
        (("--key", "empty"), "--key empty holds no key; the gate's owner has it in the .pub file"),
        (("--key", KEY, "--body", "gone"), "gone cannot be read"),
        (("--key", KEY, "--stamp-ca", "r.json"), "--stamp-ca: it holds no certificate"),
        ((), "missing option"),
    ],
)
def test_wrong_use_is_status_2(call: Call, options: tuple[str, ...], words: str) -> None:
    Path("empty").touch()
    result = call("audit", "receipt", "verify", "r.json", *options)
    assert result.status == 2
    assert words in result.err
    assert SIGNER.reveal() not in result.err


def test_no_file_is_status_2(call: Call) -> None:
    told = call("audit", "receipt", "verify", "gone", "--key", KEY)
    assert told.status == 2
    assert told.err.endswith("; name the file that audit prove wrote\n")


ALTERED: dict[str, Change] = {
    "an edited line": lambda data: data.replace(b'\\"status\\":200', b'\\"status\\":503'),
    "an edited note": lambda data: data.replace(b"/b1\\n6\\n", b"/b1\\n7\\n"),
    "another key": lambda _: receipt(prove(usual(), (1, 3, 5), signer=OTHER)).render(),
    "another gate's tree": lambda _: receipt(prove(usual(), (5,), origin="other/b1")).render(),
    "another line's proof": lambda data: edit(data, _swap),
    "another place": lambda data: data.replace(b"index 4", b"index 3"),
}


def _swap(document: dict[str, list[dict[str, str]]]) -> None:
    lines = document["lines"]
    lines[1]["proof"], lines[2]["proof"] = lines[2]["proof"], lines[1]["proof"]


@pytest.mark.parametrize("alter", ALTERED.values(), ids=ALTERED)
def test_what_was_altered_does_not_hold(call: Call, alter: Change) -> None:
    """Neither for hookgate nor for the script of the page."""
    FILE.write_bytes(alter(FILE.read_bytes()))
    result = call("audit", "receipt", "verify", "r.json", "--key", KEY)
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("hookgate: r.json does not hold: ")
    assert result.err.count("\n") == 1
    assert "; ask " in result.err
    told = call("audit", "receipt", "verify", "r.json", "--key", KEY, "--json").json
    assert result.err.endswith(f"{told['problem']}; {told['mend']}\n")
    assert by_the_page("r.json", KEY) is None


def test_the_script_of_the_page_finds_the_same(call: Call) -> None:
    others = [line("delivery", seq=n, request_id=f"o{n}", sha256=None) for n in range(300)]
    lines = [line("start"), *others[:100], line("forward"), *others, line("delivery")]
    FILE.write_bytes(receipt(prove(lines, (1, 102, 403))).render())
    raws = raw_lines(lines)
    assert by_the_page("r.json", KEY) == [raws[n].decode() for n in (0, 101, 402)]
    assert call("audit", "receipt", "verify", "r.json", "--key", KEY).status == 0


def test_a_stranger_needs_the_file_and_the_key_alone(tmp_path: Path) -> None:
    """In an empty folder of an empty home, without a configuration."""
    folder, home = tmp_path / "folder", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    (folder / "r.json").write_bytes(receipt().render())
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    command = [HOOKGATE, "audit", "receipt", "verify", "r.json", "--key", KEY]
    run = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith(f"holds: {REFERENCE}, the body {DIGEST}\n")
    assert [path.name for path in (*folder.iterdir(), *home.iterdir())] == ["r.json"]


@pytest.mark.parametrize("time", [None, 0, 2**64 - 1])
def test_any_time_of_signing_can_be_told(call: Call, time: int | None) -> None:
    """Whoever signs may say whatever time, or none."""
    (entry,) = prove(usual(), (5,))
    text = entry.proof.note.decode().partition("\n\n")[0] + "\n"
    note = SIGNER.sign(text, TIME if time is None else time)
    if time is None:
        note = note.rpartition(b"\xe2")[0]  # the second signature's dash, and what is behind it
    proof = type(entry.proof)(entry.proof.index, entry.proof.path, note)
    FILE.write_bytes(receipt([entry._replace(proof=proof)]).render())
    result = call("audit", "receipt", "verify", "r.json", "--key", KEY)
    assert result.status == 0
    when = "1970-01-01 00:00:00Z (by its own clock)" if time == 0 else "a time that no signature"
    assert f"at the latest on {when}" in result.out


def test_what_lines_say_never_reaches_a_terminal_raw(call: Call) -> None:
    said = {"reason": "\x1b[2J\n\u202e", "outcome": "\r"}
    lines = [line("start", version="\x1b]0;x\x07"), line("delivery", **said)]
    FILE.write_bytes(receipt(prove(lines, (1, 2))).render())
    result = call("audit", "receipt", "verify", "r.json", "--key", KEY)
    assert result.status == 0
    assert result.out.isascii()
    assert not set("\x1b\x07\r\x00").intersection(result.out)
    assert result.out.count("\n") == 5


def test_a_receipt_of_a_made_up_gate_is_that_gates(call: Call) -> None:
    """A key of the same name is another key."""
    forger = Signer(SIGNER.name, bytes(32))
    FILE.write_bytes(receipt(prove(usual(), (1, 3, 5), signer=forger)).render())
    result = call("audit", "receipt", "verify", "r.json", "--key", KEY)
    assert result.status == 1
    assert "not by a key that is trusted" in result.err
    assert "; ask the gate's owner for the key that it signed with then, and give" in result.err
    assert Receipt.parse(FILE.read_bytes()).asked == REFERENCE
    assert json.loads(FILE.read_bytes())["format"] == "hookgate-receipt"


@pytest.mark.parametrize(
    ("package", "options"),
    [("cryptography", ()), ("rfc3161_client", ("--stamp-ca", "gate.pub"))],
)
def test_what_is_not_installed_is_named_with_its_mend(
    call: Call, monkeypatch: pytest.MonkeyPatch, package: str, options: tuple[str, ...]
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    result = call("audit", "receipt", "verify", "r.json", "--key", KEY, *options)
    assert result.status == 2
    mend = f"the package {package} is missing; install it: pip install 'hookgate[proof]'"
    assert result.err == f"hookgate: {mend}\n"
