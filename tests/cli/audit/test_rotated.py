"""Every verb over files as rotation, runtimes and people leave them: what is read and said."""

import gzip
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import forked
from support.calling import Call
from support.lines import delivery, forward, start, stop, write
from support.rotated import COMPRESSED, WRAPPED, Change, cri, docker, make, write_boot

LEDGER = Path("hookgate-audit.jsonl")
VERBS = (
    "show --json", "tail --json", "stats --json", "balance --json", "verify --json",
    "fate nobody --json --log", "explain nobody --log",
)  # fmt: skip


def hookgate(*arguments: str) -> "subprocess.Popen[str]":
    """A running `hookgate audit ARGUMENTS`."""
    command = (sys.executable, "-m", "hookgate_cli", "audit", *arguments)
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)


@pytest.fixture
def rotated(call: Call) -> None:
    """A ledger of many files in the working directory."""
    make(LEDGER)


UNREAD = ("hookgate-audit.jsonl.1", "hookgate-audit.jsonl.4.zip", "hookgate-audit.jsonl.8")


@pytest.mark.usefixtures("rotated")
@pytest.mark.parametrize("verb", [v.removesuffix(" --log") for v in VERBS])
def test_what_is_not_read_is_said_first_and_no_verdict_is_clean(call: Call, verb: str) -> None:
    """Each verb names the same files in the same words, and what is wrong with those it reads."""
    result = call("audit", *verb.split())
    told = result.err.splitlines()
    assert [line.split(": ")[1] for line in told[:3]] == sorted(UNREAD, key=lambda n: n[-1] == "1")
    assert all(line.startswith("NOT READ: ") for line in told[:3])
    for words in (
        ".sha256: holds no record", ".old: CRLF line ends", ".old: a byte order mark",
        ".6: its lines are wrapped (Docker's json-file)", ".5: compressed with gzip",
        ".5: its lines are wrapped (the CRI log format)", "(journald's JSON)",
        ".2026-11-20.gz: all of its 7 lines are those of hookgate-audit.jsonl.2026-11-20 from",
        "(copy).jsonl: all of its 7 lines are those of hookgate-audit.jsonl from",
    ):  # fmt: skip
        assert words in result.err
    assert result.status == 1


@pytest.mark.usefixtures("rotated")
def test_the_verdict_is_one_that_a_person_can_act_on(call: Call) -> None:
    """What balances does; what does not is named with its file and line."""
    result = call("audit", "balance")
    assert result.out.splitlines()[0] == "does not balance"
    found = [line for line in result.out.splitlines() if "hookgate-audit" in line]
    assert [line.split("  ") for line in found] == [
        ["garbled", "hookgate-audit.jsonl.3.gz:7"],
        ["garbled", "hookgate-audit.jsonl.2:5"],
        ["missing", "hookgate-audit.jsonl.2:6"],
        ["stop differs", "hookgate-audit.jsonl.2:7"],
        ["no stop", "hookgate-audit.jsonl.3.gz:6"],
    ]
    verified = call("audit", "verify", "--json").json
    places = {finding["place"].rpartition("jsonl")[2] for finding in verified["findings"]}
    assert places == {".3.gz:7", ".3.gz:6", ".2:5", ".2:7"}
    assert not verified["holds"]
    assert [note["file"] for note in verified["notes"] if note["unread"]] == [
        "hookgate-audit.jsonl.4.zip", "hookgate-audit.jsonl.8", "hookgate-audit.jsonl.1",
    ]  # fmt: skip


@pytest.mark.usefixtures("without_chart_library")
def test_a_part_that_cannot_be_read_makes_no_verdict_a_clean_one(call: Call) -> None:
    """Though all that can be read is whole."""
    write_boot(LEDGER, b"", "b0")
    Path("hookgate-audit.jsonl.1.zip").write_bytes(b"PK\x03\x04")
    balance, verify = call("audit", "balance"), call("audit", "verify")
    assert (balance.status, verify.status) == (1, 1)
    assert balance.out.splitlines()[0] == "not all could be read; the rest balances"
    assert verify.out.startswith("not all could be read; the rest holds")
    fate = call("audit", "fate", "nobody")
    assert (fate.status, fate.out.splitlines()[0]) == (1, "not seen in what could be read  nobody")
    assert call("audit", "explain", "nobody").out == "nobody: not seen in what could be read\n"
    call("audit", "report", "--html", "page.html")
    page = Path("page.html").read_text()
    assert "Not all could be read" in page
    assert "Nothing presumed lost, in what could be read" in page
    Path("hookgate-audit.jsonl.1.zip").unlink()
    assert (call("audit", "balance").status, call("audit", "verify").status) == (0, 0)


@pytest.mark.parametrize("compress", COMPRESSED.values(), ids=COMPRESSED)
def test_half_of_a_ledger_that_is_compressed_is_read(call: Call, compress: Change) -> None:
    """What was said of an event there is found."""
    write(LEDGER, start(), delivery(1, "not_utf8", reference="early"), stop(1, refused=1))
    Path("hookgate-audit.jsonl.1").write_bytes(compress(LEDGER.read_bytes()))
    write(LEDGER, start("b1"), stop(0, "b1"))
    assert call("audit", "fate", "early").out.startswith("not delivered so far")
    assert call("audit", "balance", "--json").json["total"]["received"] == 1
    assert call("audit", "stats", "--json").json["deliveries"] == 1
    assert len(call("audit", "tail", "--json").out.splitlines()) == 5
    assert call("audit", "explain", "early").status == 0


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_a_wrapped_ledger_is_verified_and_balanced(call: Call, wrap: Change) -> None:
    """And it is said what was taken off; CRLF line ends accuse nobody."""
    write_boot(LEDGER, b"", "b0")
    LEDGER.write_bytes(wrap(LEDGER.read_bytes()))
    verified = call("audit", "verify")
    assert (verified.status, verified.out.split("  ")[0]) == (0, "holds")
    assert "read without" in verified.err
    assert "key" not in verified.err
    balanced = call("audit", "balance", "--json").json
    assert (balanced["balances"], balanced["total"]["received"]) == (True, 4)
    assert "read without" in balanced["notes"][-1]["text"]


@pytest.mark.parametrize("verb", ["balance", "verify", "fate b0", "show", "stats", "explain b0"])
def test_a_line_that_is_no_record_lets_no_verb_end_with_0(call: Call, verb: str) -> None:
    """Delivered or not: the line may have been another attempt."""
    named = {"reference": "b0"}
    records = forward(1, **named), delivery(1, **named), stop(1, delivered=1)
    write(LEDGER, start(), *records)
    LEDGER.write_bytes(LEDGER.read_bytes() + b'{"event":"deliv garbled\n')
    result = call("audit", *verb.split())
    assert result.status == 1
    assert "hookgate-audit.jsonl:5" in result.out + result.err


def test_the_same_lines_are_summed_up_once(call: Call) -> None:
    """And that is said, on stderr and in the JSON."""
    write(LEDGER, start(), delivery(1), delivery(2), stop(2, delivered=2))
    Path("hookgate-audit.jsonl.1").write_bytes(LEDGER.read_bytes())
    Path("hookgate-audit.jsonl.1.gz").write_bytes(gzip.compress(LEDGER.read_bytes()))
    result = call("audit", "stats", "--json")
    assert result.json["deliveries"] == 2
    assert [note["file"][-2:] for note in result.json["notes"]] == [".1", "gz"]
    assert result.err.count("counted once") == 2
    assert result.status == 0


# Standard input, pipes and FIFOs, of real processes.


@pytest.fixture
def written(call: Call) -> bytes:
    """A ledger's lines."""
    write_boot(LEDGER, b"", "b0")
    return LEDGER.read_bytes()


@pytest.mark.parametrize("verb", VERBS[:6])
def test_standard_input_is_read(written: bytes, verb: str) -> None:
    """By every verb, however often it reads."""
    stdin = gzip.compress(docker(written))
    done = forked.run(["audit", *verb.split(), "-"], Path.cwd(), stdin=stdin)
    assert "Traceback" not in done.stderr
    assert "-: its lines are wrapped (Docker's json-file)" in done.stderr
    assert done.returncode == (1 if verb.startswith("fate") else 0)
    if verb.startswith("balance"):
        assert json.loads(done.stdout)["total"]["received"] == 4


def test_a_process_substitution_is_read(written: bytes) -> None:
    """`<(zcat x.gz)` of bash is a pipe that has a name."""
    reader, writer = os.pipe()
    os.write(writer, cri(written))
    os.close(writer)
    show = ("-m", "hookgate_cli", "audit", "show", "--json", f"/dev/fd/{reader}")
    command = (sys.executable, "-X", "dev", *show)  # which warns of a file that nobody closed
    shown = subprocess.run(command, capture_output=True, pass_fds=[reader], timeout=60, check=True)
    os.close(reader)
    assert b"ResourceWarning" not in shown.stderr
    assert shown.stdout.splitlines() == [
        line for line in written.splitlines() if b'"forward"' not in line
    ]


def test_a_fifo_is_waited_for_with_a_word(written: bytes) -> None:
    """And read once somebody writes to it."""
    os.mkfifo("fifo")
    process = hookgate("balance", "fifo")
    assert process.stderr is not None
    assert process.stderr.readline() == "fifo is a pipe: waiting for what is written to it\n"
    writer = threading.Thread(target=Path("fifo").write_bytes, args=(written,))
    writer.start()
    out, _ = process.communicate(timeout=60)
    writer.join()
    assert (process.returncode, out.splitlines()[0]) == (0, "balances")


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (".", ". cannot be read: it is a folder; name the files in it"),
        ("/dev/zero", "/dev/zero cannot be read: it is neither a file nor a pipe"),
        ("gone", "gone cannot be read: No such file or directory"),
    ],
)
def test_what_is_no_file_is_refused_in_a_line(call: Call, file: str, words: str) -> None:
    result = call("audit", "balance", file)
    assert (result.status, result.err) == (2, f"hookgate: {words}\n")


@pytest.mark.parametrize("file", ["-", "fifo"])
def test_a_pipe_is_not_followed(call: Call, file: str) -> None:
    """It is said that it can be read as it is."""
    os.mkfifo("fifo")
    result = call("audit", "tail", "--follow", file)
    assert (result.status, "follows files" in result.err) == (2, True)


@pytest.fixture
def following(call: Call) -> Iterator["subprocess.Popen[str]"]:
    """`tail --follow --json` of a file that Docker writes."""
    LEDGER.write_bytes(docker(b'{"event":"start","n":1}\n'))
    process = hookgate("tail", "--follow", "--json", str(LEDGER))
    yield process
    process.kill()
    process.communicate()


def test_a_wrapped_file_is_followed(following: "subprocess.Popen[str]") -> None:
    """Line by line as they were written, though they come in parts."""
    assert following.stdout is not None
    assert json.loads(following.stdout.readline())["n"] == 1
    first, *rest = docker(b'{"event":"stop","n":2}\n{"event":"reload","n":3}\n').splitlines(True)[
        1:
    ]
    with LEDGER.open("ab") as file:
        file.write(first)
        file.flush()
        assert json.loads(following.stdout.readline())["n"] == 2
        file.write(b"".join(rest))
    assert json.loads(following.stdout.readline())["n"] == 3


@pytest.mark.parametrize("second", [".1", ".1.gz", "-overlap"])
def test_duckdb_sums_up_the_same(call: Call, monkeypatch: pytest.MonkeyPatch, second: str) -> None:
    """Over files that hold the same lines, wholly or partly, as plain Python does."""
    pytest.importorskip("duckdb")
    write_boot(LEDGER, b"", "b0")
    lines = LEDGER.read_bytes().splitlines(keepends=True)
    other = lines[3:] if second == "-overlap" else lines
    data = b"".join(other)
    Path(f"{LEDGER}{second}").write_bytes(gzip.compress(data) if second == ".1.gz" else data)
    by_python = call("audit", "stats", "--json")
    monkeypatch.setattr("hookgate.ledger.audit.duckdb_stats._LARGE", 0)
    by_duckdb = call("audit", "stats", "--json")
    assert by_duckdb.json == by_python.json
    assert by_duckdb.json["deliveries"] == 4
    assert ("DuckDB gave up" in by_duckdb.err) is (second == "-overlap")


def test_times_are_local_with_their_offset_or_utc(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is shown can be given to --since as it stands."""
    write(
        LEDGER,
        start(ts="2026-11-28T11:59:59.000000Z"),
        delivery(1, ts="2026-11-28T12:00:00.250000Z"),
    )
    monkeypatch.setenv("TZ", "Europe/Amsterdam")
    time.tzset()
    shown = call("audit", "show", "--since", "2026-11-28T13:00").out
    assert shown.startswith("2026-11-28 13:00:00.250+01:00  delivered")
    assert shown.count("\n") == 1
    assert call("audit", "show", "--since", shown[:29]).out == shown
    assert call("audit", "show", "--since", "2026-11-28T13:00", "--utc").out == ""
    utc = call("audit", "show", "--since", "2026-11-28T12:00", "--utc").out
    assert utc.startswith("2026-11-28 12:00:00.250Z")
    assert "2026-11-28 12:59:59+01:00 to 2026-11-28 13:00:00+01:00" in call("audit", "stats").out
    assert "2026-11-28 12:00:00Z" in call("audit", "stats", "--utc").out
    assert '"ts": "2026-11-28T12:00:00.250000Z"' in call("audit", "show", "--json").out
    refused = call("audit", "show", "--since", "2026-10-25T02:30")
    assert (refused.status, "write 2026-10-25T02:30:00+02:00 or" in refused.err) == (2, True)
