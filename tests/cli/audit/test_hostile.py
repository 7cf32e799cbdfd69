"""A ledger that was written to hurt its reader: nothing raw is printed, and nothing ends in a
traceback.
"""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookgate.ledger.members import FORMS, TEXT, TEXTS, fault
from hookgate.ledger.record import FIELDS
from support.calling import Call
from support.examples import many
from support.lines import NOON, delivery, forward, nginx, refusals, released, start, stop

pytest.importorskip("vl_convert")

# ESC, C1's CSI, BEL, DEL, an override of direction, separators of lines and paragraphs, a lone
# surrogate, a joiner, a tag of markup, an emoji's name, HTML, a new line.
HOSTILE = "\x1b[31mX\x9b2J\x07\x7f\u202e\u2028\u2029\ud800\u200b[red]y[/red]:x:<b>&\n\r\ttail"
RAW = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
EMOJI = "\N{CROSS MARK}"
VERBS = (
    "tail", "tail --json", "tail --forwards", "show", "show --json", "show --forwards", "stats",
    "stats --json", "balance", "balance --json", "verify", "verify --json", "fate ID --log",
    "fate ID --json --log", "explain ID --all --log", "explain ID --json --log",
    "explain ID --body event.json --log", "prove ID --anchor . --out - --so-far --log",
)  # fmt: skip


def run(call: Call, verb: str, ledger: Path, identifier: str = "r-1") -> tuple[int, str]:
    """The status and all that was printed of `hookgate audit VERB LEDGER`."""
    words = (identifier if word == "ID" else word for word in verb.split())
    result = call("audit", *words, str(ledger))
    return result.status, result.out + result.err


def record_of(kind: str) -> dict[str, Any]:
    """A record as gates write it, with every member."""
    made = {
        "start": start(prev="", version="1", policy="p", config="c", previous_line=""),
        "forward": forward(1, request_id="r-1", reference="ref"),
        "delivery": delivery(1, request_id="r-1", client="192.0.2.1", peer="192.0.2.1"),
        "released": released("purged", kept="0" * 64, sha256="a" * 64),
        "refusals": refusals(2, 3, 2, cause="flood"),
        "reload": {"event": "reload", "ts": NOON, "boot": "b0", "front": "sidecar"},
        "gap": {"event": "gap", "ts": NOON, "boot": "b0", "front": "sidecar", "cause": "deleted"},
        "stop": stop(3, delivered=1, refused=2),
    }  # fmt: skip
    return {**dict.fromkeys(FIELDS[kind]), **made[kind], "prev": "ab" * 32}


def write(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@pytest.fixture
def body(tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text('{"reference":"ref"}')


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.usefixtures("body")
def test_nothing_raw_of_a_text_reaches_a_terminal(call: Call, tmp_path: Path, verb: str) -> None:
    """With hostile text in every member that may be one, in every kind, and in unknown names."""
    records = []
    for kind in FIELDS:
        record = record_of(kind)
        for name in FIELDS[kind]:
            if name not in ("event", "boot", "request_id") and FORMS[name] in (TEXT, TEXTS):
                record[name] = HOSTILE if FORMS[name] is TEXT else [HOSTILE]
        records += [{**record, HOSTILE: HOSTILE}, {**record, "boot": HOSTILE}]
        records.append({**record, "request_id": HOSTILE})
    records.append({"event": HOSTILE, "boot": HOSTILE, "prev": HOSTILE})
    ledger = write(tmp_path / f"a{HOSTILE[:20].replace(chr(0xD800), '')}.jsonl", *records)
    for identifier in ("r-1", HOSTILE.encode("utf-8", "replace").decode()):
        status, said = run(call, verb, ledger, identifier)
        assert status in (0, 1)
        assert not RAW.search(said), ascii(RAW.search(said))
        assert EMOJI not in said
        if "--json" in verb:
            for line in said.splitlines():
                # The others are for eyes, on stderr but for the second.
                words = ("are gone", "not seen in what could be read", "never seen")
                assert line.endswith(words) or json.loads(line)


@pytest.mark.usefixtures("without_chart_library")
def test_nothing_raw_of_a_text_reaches_a_page(call: Call, tmp_path: Path) -> None:
    """Neither its tables nor the data of its charts."""
    record = {**record_of("delivery"), "channel": HOSTILE, "event_type": HOSTILE}
    texts = {"reason": HOSTILE, "client": HOSTILE, "front": HOSTILE, "route": HOSTILE}
    records = [{**record, **texts, "unknown_in": [HOSTILE], "outcome": "failed", "seq": number,
                "reference": HOSTILE} for number in (1, 2, 3)]  # fmt: skip
    ledger = write(tmp_path / "a\x1b\u202e.jsonl", *records)
    result = call("audit", "report", "--html", "page\x1b.html", str(ledger))
    assert result.status == 0
    assert not RAW.search(result.out + result.err)
    page = (tmp_path / "page\x1b.html").read_text()
    own = page.rpartition('<script type="application/json"')[0].partition("</style>")[2]
    assert not RAW.search(own)
    assert own.count("\\x1b[31mX") >= 6
    charts = page.rpartition('id="charts">')[2].partition("</script>")[0]
    assert not RAW.search("".join(map(str, json.loads(charts).values())).encode().decode())
    assert "\\\\x1b[31mX" in charts


WRONG: tuple[Any, ...] = (5, -1, True, [], {"a": [1]}, 10**30, 1e308, ["x", 5])
TIMES = ("2026-11-22T12:00:00.²²²²²²Z", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z")


@pytest.mark.parametrize("kind", FIELDS)
@pytest.mark.usefixtures("body")
def test_a_line_with_a_wrong_member_is_named(call: Call, tmp_path: Path, kind: str) -> None:
    """With file, line and member, by what reads every member; and no verdict is a clean one."""
    names = FIELDS[kind][1:]
    bad = [
        {**record_of(kind), name: value}
        for name in names
        for value in (TIMES if name == "ts" else WRONG)
        if fault({"event": kind, name: value})
    ]
    for some in (bad[first : first + 50] for first in range(0, len(bad), 50)):
        ledger = write(tmp_path / "a.jsonl", start(), *some)
        for verb in ("show --forwards", "tail -n 999 --forwards", "verify --json"):
            status, said = run(call, verb, ledger)
            assert status == 1, verb
            for number, record in enumerate(some, 2):
                wrong = fault(record)
                wrong = json.dumps(wrong)[1:-1] if "json" in verb else wrong
                assert re.search(rf"a\.jsonl:{number}\b.*?{re.escape(wrong)}", said), (verb, record)
    ledger = write(tmp_path / "a.jsonl", start(), *bad)
    for verb in VERBS:
        status, said = run(call, verb, ledger)
        assert status in (0, 1)
        assert not RAW.search(said)


def test_what_verbs_go_by_makes_their_verdicts_unclean(call: Call, tmp_path: Path) -> None:
    """A delivery that nobody can count, find or sum up."""
    good = [start(), forward(1), delivery(1), stop(1, delivered=1)]
    for name, value in (("request_id", []), ("ts", TIMES[0]), ("reason", 5), ("duration_ms", True)):
        odd = {**delivery(1, request_id="r-1"), name: value}
        ledger = write(tmp_path / "a.jsonl", *good, odd, nginx())
        status, said = run(call, "stats", ledger)
        assert (status, "1 lines are no records" in said) == (1, True)
        for verb in ("fate ID --log", "explain ID --log"):
            status, said = run(call, verb, ledger, "r-1" if name != "request_id" else "b0-1")
            assert (status, "a.jsonl:5: no record: " in said) == (1, True), (verb, name, said)
    for name, value in (
        ("seq", "1"),
        ("outcome", 5),
        ("boot", []),
        ("ts", 5),
        ("upstream_ms", "x"),
    ):
        ledger = write(tmp_path / "a.jsonl", *good, {**delivery(2), name: value})
        status, said = run(call, "balance", ledger)
        assert (status, "malformed  " in said, "a.jsonl:5" in said) == (1, True, True)
        assert f'"{name}" is no' in said


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
    | st.sampled_from([HOSTILE, *TIMES, NOON, "", "r-1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)  # fmt: skip


@given(
    st.lists(
        st.tuples(st.sampled_from([*FIELDS]), st.dictionaries(st.sampled_from([*FORMS]), JUNK)),
        max_size=6,
    ),
    st.sampled_from([*VERBS, "report --html p.html", "stats --since 2h", "show --client 192.0.2.1",
                     "tail --reference r-1"]),
)  # fmt: skip
@settings(
    max_examples=many(15, fewest=8),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@pytest.mark.usefixtures("body", "without_chart_library")
def test_whatever_a_ledger_holds_every_verb_survives(
    call: Call, tmp_path: Path, made: list[tuple[str, dict[str, Any]]], verb: str
) -> None:
    """Wrong types and odd text in any member of any kind."""
    ledger = write(tmp_path / "a.jsonl", *({**record_of(kind), **odd} for kind, odd in made))
    status, said = run(call, verb, ledger)
    assert status in (0, 1)
    assert not RAW.search(said), ascii(said)


@pytest.mark.parametrize(
    "words",
    [
        ["audit", "fate", ":x:", "[red]x[/red]", "--log", "a.jsonl"],
        ["audit", "explain", "\x1b[31m:x:", "--log", "a.jsonl"],
        ["audit", "show", "\x1b]0;x\x07\u202e.jsonl"],
        ["audit", "tail", "a\n\x9bb"],
        ["audit", "stats", "--since", "\x1b[2J"],
        ["audit", "stats", "--outcome", "\x1b\u2028"],
        ["audit", "show", "--client", "\x1b:x:"],
        ["audit", "verify", "--seal-key", "\x7f\u202e.key", "a.jsonl"],
        ["audit", "show", "--\x1b[31mx"],
        ["audit", "show", "--config", "\x1b.toml", "a.jsonl"],
        ["\x1b[31m"],
        ["config", "show", "--config", "odd\u202e\x9b.toml"],
        ["config", "check", "--config", "odd\u202e\x9b.toml"],
        ["config", "check", "--config", "bad.toml"],
        ["serve", "--config", "bad.toml"],
        ["schema", "show", "\x1b:x:"],
        ["send", "http://127.0.0.1:1/\x1b", "--only", "\u202e"],
        ["nginx", "diff", "\x1b[31m"],
    ],
    ids=lambda words: ascii(" ".join(words)),
)
def test_nothing_raw_of_an_argument_or_a_configuration_is_printed(
    call: Call, tmp_path: Path, words: list[str]
) -> None:
    """Nor is any of it taken for markup or an emoji, nor does it begin a line of its own."""
    write(tmp_path / "a.jsonl", start())
    (tmp_path / "odd\u202e\x9b.toml").write_text('[upstream]\nurl = "http://127.0.0.1:1"\n')
    (tmp_path / "bad.toml").write_text(
        '[upstream]\nurl = "\\u001b\\u202e"\n"\\u001b\\nforged" = 1\n'
        '[audit]\nseal_key_file = "\\u009b\\u202e\\u2028x"\n"\\u009b:x:" = 2\n'
        '[source]\nallow = ["\\u009b"]\nallow_file = "\\u2028x"\n["\\u001b"]\n'
        '[[route]]\npath = "\\u001b"\ncontract = "\\u009b"\n'
    )
    result = call(*words)
    assert result.status in (0, 1, 2)
    said = result.out + result.err
    assert said
    assert not RAW.search(said), ascii(said)
    assert EMOJI not in said
    if words[0] in ("audit", "serve") and result.status == 2 and "Usage" not in said:
        assert all(line.startswith("hookgate: ") for line in result.err.splitlines())


@pytest.mark.parametrize(
    ("encoding", "terminal"),
    [("ascii", False), ("ascii", True), ("latin-1", False), ("utf-8", False)],
)
def test_an_encoding_without_charts_gets_plain_characters(
    tmp_path: Path, encoding: str, terminal: bool
) -> None:
    """In a process of its own, to a file and to a terminal."""
    records = [
        delivery(number, reference="é\u2713", duration_ms=number * 3.0) for number in range(1, 40)
    ]
    ledger = write(tmp_path / "a.jsonl", start(), *records)
    environ = {**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "100"}
    asked = [["audit", *verb, str(ledger)] for verb in (["stats"], ["fate", "é\u2713", "--log"])]
    code = f"""
from hookgate_cli.common import out
from hookgate_cli.main import main
out._force_terminal = {terminal or None}
for words in {asked}:
    try:
        main(words)
    except SystemExit as end:
        print("ended with", end.code or 0)
"""
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    text = done.stdout.decode(encoding)
    assert re.findall("ended with (.)", text) == ["0", "0"]
    text = text.partition("ended with")[0]
    assert ("█" in text) is (encoding == "utf-8")
    assert encoding == "utf-8" or "####" in text
    assert "\\u2588" not in text


def test_the_console_escapes_what_a_terminal_would_obey() -> None:
    """Whatever is printed, styled or in a table; rich's own colours still work."""
    from rich.table import Table
    from rich.text import Text

    from hookgate_cli.terminal import Terminal

    stream = io.StringIO()
    console = Terminal(file=stream, force_terminal=True, width=200, color_system="standard")
    table = Table("a")
    table.add_row(HOSTILE)
    console.print(HOSTILE, Text(HOSTILE, "red"), table)
    plain = re.sub("\x1b\\[[0-9;]*m", "", stream.getvalue())
    assert not RAW.search(plain.replace("\t", ""))
    assert "[red]y[/red]:x:<b>&" in plain
    assert stream.getvalue().count("\x1b[31m") >= 1
