"""`hookgate audit fate`."""

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hookgate.ledger.record import LONGEST_TEXT
from support.calling import Call
from support.lines import Record, delivery, forward, start, write


def tries(boot: str, *reasons: str) -> list[Record]:
    """One event's attempts; the boot is its reference."""
    made: list[Record] = [start(boot)]
    for seq, reason in enumerate(reasons, 1):
        if reason in ("clean", "killed"):
            made.append(forward(seq, boot, reference=boot))
        if reason != "killed":
            made.append(delivery(seq, reason, boot, reference=boot))
    return made


@pytest.fixture(autouse=True)
def ledger(call: Call) -> Path:
    """A ledger with an event of each fate."""
    return write(
        Path("hookgate-audit.jsonl"),
        *tries("first", "clean"),
        *tries("third", "not_utf8", "upstream_rejected", "clean", "clean"),
        *tries("lost", "not_utf8", "not_utf8", "not_utf8"),
        *tries("open", "not_utf8"),
        *tries("killed", "not_utf8", "killed"),
    )


@pytest.mark.parametrize(
    ("reference", "words", "status"),
    [
        ("first", "delivered on the first try  first", 0),
        ("third", "delivered on the third try, and 2 times in all  third", 0),
        ("lost", "presumed lost: tried 3 times, never delivered  lost", 1),
        ("open", "not delivered so far: tried once  open", 0),
        ("killed", "unknown: it was forwarded and may have arrived  killed", 1),
        ("nobody", "never seen  nobody", 1),
    ],
)
def test_the_fate_is_said_in_words(call: Call, reference: str, words: str, status: int) -> None:
    """Exit 1 where somebody has to look."""
    result = call("audit", "fate", reference)
    assert result.out.splitlines()[0] == words
    assert result.status == status


def test_every_attempt_is_listed(call: Call) -> None:
    """With its time, its end and the request_id that `explain` takes."""
    rows = [line.split() for line in call("audit", "fate", "third").out.splitlines()[1:]]
    assert [row[1:] for row in rows] == [
        ["refused", "not_utf8", "third-1"],
        ["failed", "upstream_rejected", "third-2"],
        ["delivered", "clean", "third-3"],
        ["delivered", "clean", "third-4"],
    ]


LISTS = {
    "lines": "first\n\nthird\r\nlost\nnobody\n",
    "json": '{"reference":"first"}\n{"reference":"third","event":{}}\n'
    '{"event":{"reference":"lost"}}\n{"reference":"nobody"}\n',
    "csv": 'time,Reference\n1,first\n2,"third"\n3,lost\n4,\n5,nobody\n',
    "semicolons": "reference;time\nfirst;1\nthird;2\nlost;3\nnobody;4\n",
    "mark": "\ufeffreference\nfirst\nthird\nlost\nnobody\n",
}


@pytest.mark.parametrize("text", LISTS.values(), ids=LISTS)
def test_a_list_comes_in_several_forms(call: Call, text: str) -> None:
    """A back-fill as whoever has it can export it; the answer is for a script."""
    Path("list").write_bytes(text.encode())
    result = call("audit", "fate", "--file", "list", "--json")
    reports = [json.loads(line) for line in result.out.splitlines()]
    assert [(r["reference"], r["fate"]) for r in reports[:-1]] == [
        ("first", "delivered"),
        ("third", "delivered"),
        ("lost", "lost"),
        ("nobody", "never_seen"),
    ]
    assert reports[-1]["summary"] == {
        "delivered": 2, "unknown": 0, "lost": 1, "undelivered": 0, "never_seen": 1,
    }  # fmt: skip
    assert result.status == 1


def test_a_list_may_come_on_standard_input(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a query, through a pipe."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"first\n")))
    result = call("audit", "fate", "--file", "-")
    assert (result.status, result.out.splitlines()[0]) == (0, "delivered on the first try  first")


def test_json_tells_each_attempt_with_its_place(call: Call) -> None:
    """As a script needs it."""
    first: dict[str, Any] = json.loads(call("audit", "fate", "third", "--json").out.split("\n")[0])
    assert (first["tries"], first["delivered"], first["delivered_on"]) == (4, 2, 3)
    assert first["attempts"][0] == {
        "place": "hookgate-audit.jsonl:5", "request_id": "third-1",
        "ts": "2026-11-22T12:00:00.000000Z", "outcome": "refused", "reason": "not_utf8",
        "status": None, "upstream_status": None, "fate": "undelivered",
    }  # fmt: skip


def test_of_a_long_list_the_delivered_are_only_counted(call: Call) -> None:
    """A person reads what went wrong, and the sum."""
    write(Path("many.jsonl"), *(record for n in range(30) for record in tries(f"e{n}", "clean")))
    Path("list").write_text("".join(f"e{n}\n" for n in range(30)) + "nobody\n")
    lines = call("audit", "fate", "--file", "list", "--log", "many.jsonl").out.splitlines()
    assert lines == ["never seen  nobody", "31 asked: 30 delivered, 1 never seen"]


def test_a_hostile_record_cannot_speak_to_the_terminal(call: Call, ledger: Path) -> None:
    """What was asked for and what the record holds are shown with escapes."""
    name = "\x1b[2J\r[bold]x" + "y" * LONGEST_TEXT
    write(ledger, delivery(1, "not_utf8", reference=name, request_id="\x1b[31m"))
    result = call("audit", "fate", name)
    assert not {"\x1b", "\r"} & set(result.out)
    assert r"\x1b[2J\r[bold]x" in result.out
    assert r"\x1b[31m" in result.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "no reference; name one"),
        (["--file", "nowhere"], "nowhere cannot be read"),
        (["--file", "broken"], "broken:1 is no JSON"),
        (["--file", "empty"], 'empty:1 has no "reference"'),
        (["--file", "latin"], "latin:2 is no UTF-8"),
        (["first", "--log", "nowhere.jsonl"], "nowhere.jsonl cannot be read"),
    ],
)
def test_misuse_is_one_clear_line(call: Call, arguments: list[str], words: str) -> None:
    """Exit 2, and the line names what is wrong."""
    Path("broken").write_text("{")
    Path("empty").write_text("{}")
    Path("latin").write_bytes(b"one\nt\xe9te\n")
    result = call("audit", "fate", *arguments)
    assert result.status == 2
    assert words in result.err
    assert len(result.err.splitlines()) == 1
