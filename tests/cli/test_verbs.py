"""`hookgate demo`, `send` and the command itself."""

import os
import shlex
import socket
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hookgate import __version__
from hookgate.policy import Reason
from hookgate.samples import CONTRACTS
from hookgate_cli import demo, demo_quarantine
from hookgate_cli.common import out
from hookgate_cli.demo_quarantine import show_quarantine
from hookgate_cli.demo_tables import KeptRow, Row, show_kept, show_refusals, show_webhooks
from hookgate_cli.firing import Answer
from hookgate_cli.receiver import Receiver
from hookgate_cli.samples import clean, hostile
from support.calling import Call
from support.ledger import assert_balanced, assert_chained, read_ledger
from support.receiver import receiving
from support.scripted import answering, scripted
from support.sidecar import ALLOWED, FOREIGN, sidecar

INSTRUCTION = b'{"instruction": "hang up"}'
VERBS = ["serve", "mitmdump", "demo", "check", "send", "config init", "config check", "config show",
         "keys new", "schema list", "schema show", "schema check"]  # fmt: skip


@pytest.mark.parametrize("options", [[], ["--addon"]], ids=["sidecar", "addon"])
@pytest.mark.slow
def test_demo_ends_as_it_should(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: list[str]
) -> None:
    """Every sample ends as it must, and its ledger is chained and balances. What a narrow contract
    refused is sent on, and the quarantine is empty then. Nothing is left, unless that is asked for.
    """
    folder = tmp_path / "a folder"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("HOOKGATE_AUDIT__PATH", "/nowhere/at/all")  # the user's own settings
    aside = tmp_path / "removed"
    monkeypatch.setattr(demo, "rmtree", lambda made: made.rename(aside))
    result = call("demo", *options)
    assert result.status == 0, result.out
    assert list(folder.iterdir()) == []
    assert str(folder) not in result.out
    assert all(len(line) <= 80 for line in result.out.splitlines() if "hookgate " in line)
    audit = aside / "audit.jsonl"
    passed = sum(len(clean(contract)) for contract in CONTRACTS)
    refused = len(hostile("cm-events")) + 3
    total = passed + refused
    assert f"{total} requests, {total} ended as they should, 0 did not." in result.out
    assert_chained(audit)
    assert assert_balanced(audit) == {"delivered": passed, "refused": refused}
    assert read_ledger(audit)[-1]["event"] == "stop"
    lines = [" ".join(line.split()) for line in result.out.splitlines()]
    replayed = "422 contract_violation kept delivered by a replay ok"
    told = [line for line in lines if line.startswith("000")]
    assert told == [*(f"000{n} {replayed}" for n in (1, 2, 3)), "0004 200 clean delivered ok"]
    narrow = audit.parent / "narrow"
    assert (narrow / "quarantine").is_dir()
    assert list(narrow.rglob("*.age")) == []
    assert_chained(narrow / "audit.jsonl")
    assert assert_balanced(narrow / "audit.jsonl") == {"delivered": 1, "refused": 3}


def test_demo_without_the_package_that_encrypts_leaves_that_part_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And says how to install it; nothing is wrong."""
    monkeypatch.setattr(demo_quarantine, "find_spec", lambda _: None)
    with Receiver({}) as receiver:
        assert show_quarantine("serve", receiver, tmp_path / "narrow", ALLOWED)
    assert "pip install 'hookgate[quarantine]'" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong",
    [{"end": "delivered"}, {"is_kept": False}, {"seen": 2}, {"status": 200}, {"reason": "clean"}],
    ids=str,
)
def test_demo_names_each_kept_event_that_went_wrong(
    wrong: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """It must be refused, kept, and sent on once."""
    finding = Reason.CONTRACT_VIOLATION
    row = KeptRow("0001", b"{}", finding, 422, finding.code, True, "delivered by a replay", 1)
    show_kept([row, replace(row, **wrong)])
    ends = [line.split()[-1] for line in capsys.readouterr().out.splitlines() if "0001" in line]
    assert ends == ["ok", "WRONG"]


def test_demo_names_each_sample_that_went_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    """The others of its webhook stay one line, and what it was answered cannot move a cursor."""
    good = Row("/cm/voice", "call", ALLOWED, True, Answer(200, b"{}"), "clean", "same bytes", True)
    bad = replace(good, sample="chunks", answer=Answer(502, b"\x1b[2J"), ok=False)
    lost = replace(good, sample="new", answer=None, reason="no record", seen="nothing", ok=False)
    show_webhooks([good, bad, good, lost], ALLOWED)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert [line for line in lines if "/cm/voice" in line] == [
        "2 to /cm/voice 200 clean {} same bytes ok",
        "/cm/voice chunks 502 clean \\x1b[2J same bytes WRONG",
        "/cm/voice new nothing, no record nothing WRONG",
    ]


def test_demo_fits_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each sample's name is whole, and so is what it was answered."""
    monkeypatch.setattr(out, "width", 80)
    good = Row("/cm/voice", "", ALLOWED, True, None, "", "same bytes", True)
    rows = [
        replace(
            good, sample=sample.name, answer=Answer(sample.reason.status or 0, b""),
            reason=sample.reason.code, is_clean=False,
        )
        for sample in hostile("cm-events")
    ]  # fmt: skip
    show_refusals(rows, "sent")
    show_webhooks([replace(good, path="/cm/payments", answer=Answer(200, INSTRUCTION))], ALLOWED)
    said = capsys.readouterr().out
    assert "\u2026" not in said
    assert all(row.sample in said and row.answered in said for row in rows)
    assert INSTRUCTION.decode() in said
    assert all(len(line) <= 80 for line in said.splitlines())


def test_send_compares_the_answers(call: Call, tmp_path: Path) -> None:
    """All as expected from an allowed address; from a stranger everything is wrong, exit 1."""
    with receiving() as upstream, sidecar(upstream.url, tmp_path) as gate:
        url = f"http://127.0.0.1:{gate.port}/cm/events"
        good = call("send", url, "--from", ALLOWED, "--json")
        assert good.status == 0, good.out
        assert len(good.json) == len(clean("cm-events")) + len(hostile("cm-events"))
        assert len(upstream.seen) == len(clean("cm-events"))
        bad = call("send", url, "--from", FOREIGN, "--clean", "--only", "rcs")
        assert (bad.status, bad.out) == (1, "2 sent, 0 as expected, 2 not\n")


def test_send_says_once_why_all_are_refused_alike(call: Call, tmp_path: Path) -> None:
    """For their address or their path; those that are no HTTP are refused before that."""
    (tmp_path / "hookgate.toml").write_text('[[route]]\npath = "/cm/events"\n')
    with sidecar("http://127.0.0.1:9", tmp_path) as gate:
        site = f"http://127.0.0.1:{gate.port}"
        for url, source, words in (
            ("/cm/events", FOREIGN, f"answers are 403: the gate does not let {FOREIGN} in"),
            ("/cm/event", ALLOWED, "answers are 404: the gate has no route for /cm/event."),
        ):
            told = call("send", site + url, "--from", source)
            assert told.status == 1
            assert words in told.err
            assert len(told.out.splitlines()) < 6, told.out
        mixed = call("send", f"{site}/cm/events", "--from", ALLOWED)
        assert mixed.status == 1  # the endpoint is not there: by a row each
        assert "expected 200" in mixed.out
        assert "answers are 502: the gate let it through, and has no answer of the" in mixed.err
        assert "(upstream_unreachable). At the gate, hookgate config check --connect" in mixed.err


def test_send_tells_an_endpoint_that_fails_from_a_gate_that_does(
    call: Call, tmp_path: Path
) -> None:
    """By what was answered, which stands beside what was expected."""
    failing = b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n"
    with receiving(lambda _: failing) as upstream, sidecar(upstream.url, tmp_path) as gate:
        url = f"http://127.0.0.1:{gate.port}/cm/events"
        told = call("send", url, "--from", ALLOWED)
        assert told.status == 1
        assert "answers are 500: the gate let it through, and relays what the" in told.err
        rows = call("send", url, "--from", ALLOWED, "--json").json
    answers = {(row["expected_reason"], row["status"], row["answered_reason"]) for row in rows}
    assert ("clean", 500, None) in answers
    assert ("duplicate_key", 400, "duplicate_key") in answers
    problem = b'{"reason":"audit_unavailable"}'
    head = b"HTTP/1.1 503 X\r\nContent-Length: %d\r\n\r\n" % len(problem)
    with scripted(answering(head + problem)) as gate:
        told = call("send", gate.url, "--clean", "--only", "rcs")
    assert "is 503: the gate itself cannot take it (audit_unavailable). Its log" in told.err


def test_send_follows_no_redirect(call: Call) -> None:
    """It is the gate's answer, and another one would be compared in its place."""
    with scripted(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as other:
        moved = b"HTTP/1.1 307 x\r\nContent-Length: 0\r\nLocation: %s/\r\n\r\n"
        with scripted(answering(moved % other.url.encode())) as gate:
            result = call("send", gate.url, "--clean", "--only", "rcs", "--json")
    assert result.status == 1
    assert "307" in result.out


def test_send_has_samples_of_each_contract(call: Call, tmp_path: Path) -> None:
    """What passes there and what does not; on another contract's route it is not as expected."""
    routes = "".join(f'[[route]]\npath = "/{c}"\ncontract = "{c}"\n' for c in CONTRACTS)
    (tmp_path / "hookgate.toml").write_text(routes)
    with receiving() as upstream, sidecar(upstream.url, tmp_path) as gate:
        site = f"http://127.0.0.1:{gate.port}"
        for contract in CONTRACTS:
            sent = call("send", f"{site}/{contract}", "--from", ALLOWED, "--contract", contract)
            assert sent.status == 0, sent.out
            assert f"{len(clean(contract)) + len(hostile(contract))} sent" in sent.out
        elsewhere = ["--from", ALLOWED, "--contract", "cm-status", "--clean"]
        assert call("send", f"{site}/cm-events", *elsewhere).status == 1
    assert len(upstream.seen) == sum(len(clean(contract)) for contract in CONTRACTS)
    log, name = ["--log", str(gate.audit)], "newsletter-51"  # of the second mail of a request
    for asked in (["fate", name], ["explain", name], ["show", "--reference", name]):
        told = call("audit", *asked, *log[asked[0] == "show" :])
        assert (told.status, "deliver" in told.out) == (0, True), told.out


SECRETS = {
    "standard-webhooks": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "cm-email": "a secret of mails",
    "github": "a secret of commits",
}


def test_send_signs_as_a_route_asks(call: Call, tmp_path: Path) -> None:
    """So all samples end as on another route, and what is not signed, or by another, is refused."""
    routes = ""
    for scheme, secret in SECRETS.items():
        (file := tmp_path / scheme).write_text(f"{secret}\n")
        file.chmod(0o600)
        routes += f'[[route]]\npath = "/{scheme}"\n[route.signature]\nscheme = "{scheme}"\n'
        routes += f'secret_file = "{file}"\n'
    (tmp_path / "hookgate.toml").write_text(routes)
    with receiving() as upstream, sidecar(upstream.url, tmp_path) as gate:
        for scheme in SECRETS:
            url = f"http://127.0.0.1:{gate.port}/{scheme}"
            signing = ["--scheme", scheme, "--secret-file", str(tmp_path / scheme)]
            sent = call("send", url, "--from", ALLOWED, "--json", *signing)
            assert sent.status == 0, sent.out
            rows = {row["sample"]: row["expected_reason"] for row in sent.json}
            assert rows["no signature"] == "signature_missing"
            assert rows["signed with another secret"] == "signature_invalid"
        told = call("send", url, "--from", ALLOWED, "--clean", "--only", "rcs")
        assert told.status == 1
        assert "401: the route asks for a signature. Give --scheme and --secret-file" in told.err
        (tmp_path / "other").write_text("another secret of commits\n")
        signing = ["--scheme", "github", "--secret-file", str(tmp_path / "other")]
        told = call("send", url, "--from", ALLOWED, "--clean", *signing)
        assert "401: the route has another secret, or another scheme" in told.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--scheme", "github"], "--scheme and --secret-file go together"),
        (["--secret-file", "x"], "--scheme and --secret-file go together"),
        (["--scheme", "git", "--secret-file", "x"], "did you mean github?"),
        (["--scheme", "github", "--secret-file", "nowhere"], "nowhere cannot be read: No such"),
        (["--scheme", "github", "--secret-file", "short"], "fewer than 16 bytes in line 1"),
    ],
)
def test_send_says_what_it_cannot_sign_with(call: Call, options: list[str], words: str) -> None:
    Path("short").write_text("secret")
    result = call("send", "http://127.0.0.1:1/", *options)
    assert (result.status, words in result.err) == (2, True), result.err


def test_what_send_says_to_a_sender_who_is_not_allowed_lets_it_in(
    call: Call, tmp_path: Path
) -> None:
    """The address is the one that the gate sees, and the setting one that it takes."""
    for source in ([], ["--from", FOREIGN]):
        with receiving() as upstream, sidecar(upstream.url, tmp_path) as gate:
            url = f"http://127.0.0.1:{gate.port}/cm/events"
            told = call("send", url, "--clean", *source).err
        [line] = told.splitlines()
        assert line.startswith("Every answer is 403: the gate does not let ")
        setting, _, allow = line.split()[-1].partition("=")
        assert setting == "HOOKGATE_SOURCE__ALLOW"
        keys = {"source.allow": allow}
        with receiving() as upstream, sidecar(upstream.url, tmp_path, **keys) as gate:
            url = f"http://127.0.0.1:{gate.port}/cm/events"
            passed = call("send", url, "--clean", *source)
            assert (passed.status, passed.err) == (0, "")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1/", "127.0.0.1:1 cannot be reached: Connection refused"),
        ("http://[::1]:1/", "::1:1 cannot be reached: "),
        ("https://127.0.0.1:1/", "127.0.0.1:1 cannot be reached: Connection refused"),
        ("127.0.0.1:8081/cm/events", "write it like http://127.0.0.1:8081/cm/events"),
        ("http:///x", "write it like http://127.0.0.1:8081/cm/events"),
        ("ftp://127.0.0.1/x", "write it like http://127.0.0.1:8081/cm/events"),
        ("http://127.0.0.1:99999/", "write it like http://127.0.0.1:8081/cm/events"),
    ],
)
def test_send_to_nobody_is_one_line(call: Call, url: str, words: str) -> None:
    """Not a table of everything that did not arrive."""
    result = call("send", url)
    assert result.status in (1, 2)
    assert result.out == ""
    [line] = result.err.splitlines()
    assert words in line


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("203.0.113.5", "--from 203.0.113.5 is no address of this machine"),
        ("127.0.0.1/8", '--from "127.0.0.1/8" is no IP address'),
        ("localhost", '--from "localhost" is no IP address'),
    ],
)
def test_send_does_not_blame_the_gate_for_the_senders_address(
    call: Call, source: str, words: str
) -> None:
    """It is the option that is wrong."""
    result = call("send", "http://127.0.0.1:1/", "--from", source)
    assert (result.status, result.err) == (2, f"hookgate: {words}\n")


def test_send_tells_a_script_of_each_sample_that_did_not_arrive(call: Call) -> None:
    """The error is in the row, short and without a traceback."""
    result = call("send", "http://127.0.0.1:1/", "--only", "GET", "--hostile", "--json")
    assert result.status == 1
    assert result.json[0]["error"] == "ConnectionRefusedError: Connection refused"


def test_send_knows_its_samples(call: Call) -> None:
    """A name that fits none is misuse, of a sample or of a contract."""
    for option in ("--only", "--contract"):
        result = call("send", "http://127.0.0.1:1/", option, "nonsense")
        assert (result.status, len(result.err.splitlines())) == (2, 1)
        assert '"nonsense"' in result.err


@pytest.mark.parametrize("verb", VERBS)
def test_help_exits_0(call: Call, verb: str) -> None:
    """Each verb says what it is for."""
    result = call(*verb.split(), "--help")
    assert result.status == 0
    assert "Usage: " in result.out


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["serve", "--nonsense"], ["check"]], ids=" ".join
)
def test_misuse_exits_2(call: Call, arguments: list[str]) -> None:
    """As every command does."""
    assert call(*arguments).status == 2


def test_the_version_is_the_package_s(call: Call) -> None:
    """`--version` prints it."""
    assert call("--version").out == f"hookgate {__version__}\n"


def test_serve_without_an_upstream_says_what_to_set(tmp_path: Path) -> None:
    """One line, no traceback, exit 2, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "hookgate_cli", "serve"],
        cwd=tmp_path, env={"PATH": "/usr/bin"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == (
        "hookgate: upstream.url is missing; set it here or with --upstream, "
        'like "http://127.0.0.1:8080"\n'
    )


@pytest.mark.slow
def test_a_demo_that_is_ended_leaves_nothing_running(call: Call, tmp_path: Path) -> None:
    """SIGTERM ends the gate that it started, too. What it was asked to keep can be asked."""
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "hookgate_cli", "demo", "--keep"],
        env={**os.environ, "TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        said = ""
        while "Ctrl-C ends it." not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        port = int(said.partition("The gate is at http://127.0.0.1:")[2].partition("/")[0])
        socket.create_connection(("127.0.0.1", port)).close()
        process.terminate()
        assert process.wait(30) != 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
    program, *asked = shlex.split(said.partition("Ask it: ")[2].splitlines()[0])
    assert program.endswith("hookgate")
    assert call(*asked).status == 0
