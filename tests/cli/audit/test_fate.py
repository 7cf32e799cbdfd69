"""`hookgate audit fate`."""

import io
import json
import sys
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import pytest

from hookgate.policy.event_reader import LONGEST_TEXT
from support.attempts import A, B, attempts
from support.calling import Call
from support.lines import Record, delivery, refusals, start, write

LOST = "presumed lost: tried 3 times, never delivered (retry rule: 3 tries)"


def tries(boot: str, *reasons: str) -> list[Record]:
    """One event's attempts; the boot is its reference, and a name for its body."""
    return [start(boot), *attempts(*reasons, boot=boot, reference=boot, sha256=f"body of {boot}")]


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
        ("lost", f"{LOST}  lost", 1),
        ("open", "still being retried, 2 more times: tried once  open", 0),
        ("killed", "unknown: it was forwarded and may have arrived  killed", 1),
        ("nobody", "never seen  nobody", 1),
    ],
)
def test_the_fate_is_said_in_words(call: Call, reference: str, words: str, status: int) -> None:
    """Exit 1 where somebody has to look."""
    result = call("audit", "fate", reference)
    assert result.out.splitlines()[0] == words
    assert result.status == status


@pytest.mark.parametrize(
    ("days_ago", "rule", "words", "report", "status"),
    [
        (0, {"retry": "30d"}, "still being retried until %s: tried twice", (30, None), 0),
        (29, {"retry": "30d"}, "still being retried until %s: tried twice", (30, None), 0),
        (31, {"retry": "30d"}, "presumed lost: tried twice, never delivered (retry rule: 30d)",
         (None, None), 1),
        (0, {"retry": "4 tries, 1d"},
         "still being retried until %s, 2 more times at most: tried twice", (1, 2), 0),
        (99, {"retry": "3 tries"}, "still being retried, 1 more time: tried twice", (None, 1), 0),
        (0, {"route": "cm-events"},
         "still being retried until %s, 1 more time at most: tried twice", (1, 1), 0),
        (99, {"route": "own.json"}, "not delivered so far: tried twice", (None, None), 0),
    ],
)  # fmt: skip
def test_until_when_it_is_tried_is_told(
    call: Call,
    ledger: Path,
    days_ago: int,
    rule: Record,
    words: str,
    report: tuple[int | None, int | None],
    status: int,
) -> None:
    """By the rule of its contract; nothing is wrong yet, so the status is 0."""
    first = datetime.now(UTC).replace(microsecond=0) - timedelta(days_ago)
    ts = f"{first:%Y-%m-%dT%H:%M:%S}.000000Z"
    write(ledger, *(delivery(n, "not_utf8", ts=ts, **A, **rule) for n in (1, 2)))
    days, left = report
    until = first + timedelta(days or 0)
    told = call("audit", "fate", "r-1")
    words = words.replace("%s", f"{until:%Y-%m-%d %H:%M:%S}Z")
    assert (told.out.splitlines()[0], told.status) == (f"{words}  r-1", status)
    assert call("audit", "explain", "b0-1").out.splitlines()[0] == words
    (event,) = json.loads(call("audit", "fate", "r-1", "--json").out.splitlines()[0])["events"]
    assert event["until"] == (f"{until:%Y-%m-%dT%H:%M:%S}.000000Z" if days else None)
    assert event["tries_left"] == left


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        ([502], "delivered on the first try, but answered 502: it may be sent again"),
        ([502, 502], "delivered on the first try, and 2 times in all, but answered 502"),
        ([502, 201], "delivered on the first try, and 2 times in all  cut"),
        ([201], "delivered on the first try  cut"),
        ([None], "delivered on the first try  cut"),
    ],
)
def test_a_sender_that_was_not_told_may_send_again(
    call: Call, statuses: list[int | None], words: str
) -> None:
    """Delivered all the same; why it was not told stands beside the attempt."""
    made = [
        delivery(seq, reference="cut", sha256="c", status=status, upstream_status=201)
        | ({"upstream_error": "closed_early"} if status == 502 else {})
        for seq, status in enumerate(statuses, 1)
    ]
    write(Path("cut.jsonl"), start(), *made)
    result = call("audit", "fate", "cut", "--log", "cut.jsonl")
    told, *rows = result.out.splitlines()
    assert told.startswith(words)
    causes = [["closed_early"] if status == 502 else [] for status in statuses]
    assert [row.split()[1:-1] for row in rows[: len(made)]] == [
        ["delivered", "clean", *cause] for cause in causes
    ]
    assert result.status == 0


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
    assert [(r["asked"], r["fate"]) for r in reports[:-1]] == [
        ("first", "delivered"),
        ("third", "delivered"),
        ("lost", "lost"),
        ("nobody", "never_seen"),
    ]
    assert reports[-1]["summary"] == {
        "delivered": 2, "unknown": 0, "lost": 1, "held": 0, "undelivered": 0, "retrying": 0,
        "never_seen": 1,
    }  # fmt: skip
    assert result.status == 1


def test_a_list_may_come_on_standard_input(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a query, through a pipe."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"first\n")))
    result = call("audit", "fate", "--file", "-")
    assert (result.status, result.out.splitlines()[0]) == (0, "delivered on the first try  first")


def test_json_tells_each_event_and_attempt(call: Call) -> None:
    """In the shape that docs/audit.md shows."""
    about: Record = {"channel": "RCS", "event_type": "isTyping", "time_utc": "2025-09-03T08:00:05"}
    made = delivery(1, "not_utf8", event_reference="own-1", **A, **about)
    write(Path("one.jsonl"), made, delivery(2, "body_timeout", client="31.169.56.7"))
    result = call("audit", "fate", "r-1", "--log", "one.jsonl", "--json")
    report, summary = map(json.loads, result.out.splitlines())
    assert report == {
        "asked": "r-1", "fate": "undelivered", "unread": 1,
        "events": [
            {
                "sha256": "a" * 64, "reference": "r-1", "event_reference": "own-1", **about,
                "parsed": False, "fate": "undelivered", "retry": None, "until": None,
                "tries_left": None, "delivered_on": None, "tries": 1,
                "delivered": 0, "kept": None, "kept_elsewhere": [], "custody": False,
                "released": None, "attempts": [
                    {
                        "place": "one.jsonl:1", "request_id": "b0-1",
                        "ts": "2026-11-22T12:00:00.000000Z", "path": None, "outcome": "refused",
                        "reason": "not_utf8", "status": None, "upstream_status": None,
                        "upstream_error": None, "kept": None, "not_kept": None, "custody": False,
                        "replay_of": None, "actor": None, "why": None,
                        "fate": "undelivered",
                    },
                ],
            },
        ],
    }  # fmt: skip
    assert (summary["summary"]["undelivered"], summary["unread"]) == (1, 1)


@pytest.fixture
def shared(call: Call, ledger: Path) -> Path:
    """Two bodies of one reference: one was delivered, the other never."""
    about: Record = {"channel": "RCS", "event_type": "SuggestionClick"}
    return write(
        ledger,
        *attempts("clean", **A, **about, time_utc="2025-09-03T08:00:05"),
        *attempts(*["upstream_rejected"] * 3, boot="b1", **B, **about),
    )


def test_two_bodies_of_a_name_are_two_events(call: Call, shared: Path) -> None:
    """Each with its attempts and with what tells it apart; the worst is the end."""
    result = call("audit", "fate", "r-1")
    rows = [line for line in result.out.splitlines() if not line.startswith(" ")]
    assert rows == [
        "2 events go by r-1",
        f"delivered on the first try  {'a' * 64}, RCS, SuggestionClick, 2025-09-03T08:00:05",
        f"{LOST}  {'b' * 64}, RCS, SuggestionClick",
        "presumed lost  r-1, the worst of 2 events",
    ]
    ids = [line.split()[-1] for line in result.out.splitlines() if line.startswith(" ")]
    assert ids == ["b0-1", "b1-1", "b1-2", "b1-3"]
    assert result.status == 1


@pytest.mark.parametrize(
    ("name", "words", "status"),
    [
        ("a" * 64, "delivered on the first try", 0),
        ("b" * 64, LOST, 1),
        ("b0-1", "delivered on the first try", 0),
        ("b1-2", LOST, 1),
    ],
    ids=["delivered body", "lost body", "delivered request", "lost request"],
)
def test_by_its_body_or_a_request_one_event_is_told_alone(
    call: Call, shared: Path, name: str, words: str, status: int
) -> None:
    """Whatever became of the other."""
    result = call("audit", "fate", name)
    assert result.out.splitlines()[0] == f"{words}  {name}"
    assert result.status == status


@pytest.mark.parametrize("member", ["reference", "event_reference"])
@pytest.mark.parametrize("name", ["b" * 64, "b1-1"], ids=["SHA-256", "request_id"])
def test_no_sender_makes_another_event_of_its_own(
    call: Call, ledger: Path, member: str, name: str
) -> None:
    """By naming a delivered event as a lost one's body or request is."""
    named: Record = {"sha256": "a" * 64, member: name}
    claimed = attempts("clean", boot="b0", **named)
    lost = attempts(*["upstream_rejected"] * 3, boot="b1", **B)
    write(ledger, *claimed, *lost)
    result = call("audit", "fate", name)
    assert result.out.splitlines()[0] == f"{LOST}  {name}"
    assert result.status == 1


@pytest.mark.parametrize("member", ["reference", "event_reference"])
def test_a_sha256_that_no_body_has_is_said_to_be_a_name(
    call: Call, ledger: Path, member: str
) -> None:
    """It may be a name of somebody's choice, and may be meant as a body's."""
    name = "c" * 64
    named: Record = {"sha256": "a" * 64, member: name}
    write(ledger, *attempts("clean", **named))
    result = call("audit", "fate", name)
    first, title, *_ = result.out.splitlines()
    assert first == f"no body has this SHA-256; 1 event goes by {name}"
    assert title.startswith(f"delivered on the first try  {'a' * 64}")
    assert result.status == 1
    explained = call("audit", "explain", name).out
    assert explained.splitlines()[0] == f"no body has this SHA-256; an event goes by {name}"


def test_a_request_id_of_64_digits_is_no_name_of_a_sender(call: Call, ledger: Path) -> None:
    """It is the gate's, and one event has it."""
    request_id = "d" * 64
    write(ledger, delivery(1, request_id=request_id, sha256="a" * 64))
    result = call("audit", "fate", request_id)
    assert result.out.splitlines()[0] == f"delivered on the first try  {request_id}"
    assert result.status == 0


def test_a_copy_that_did_not_parse_is_told_beside(call: Call, ledger: Path) -> None:
    """Its fate is its own, and not the end of the event."""
    broken = attempts(*["malformed_json"] * 3, boot="b1", **B)
    write(ledger, *attempts("clean", **A), *broken)
    result = call("audit", "fate", "r-1")
    rows = [line for line in result.out.splitlines() if not line.startswith(" ")]
    assert rows[2:] == [
        f"{LOST}  {'b' * 64}, did not parse",
        "delivered  r-1, the event; 1 beside it did not parse",
    ]
    assert result.status == 0
    write(ledger, *broken)
    assert call("audit", "fate", "r-1").status == 1


def test_of_many_events_of_a_name_those_that_worry_come_first(call: Call, ledger: Path) -> None:
    """The rest is counted; --json tells of each."""
    made = [attempts("clean", boot=f"b{n}", reference="r-1", sha256=f"{n}") for n in range(30)]
    write(ledger, *chain(*made), *attempts("upstream_timeout", boot="x", **A))
    lines = call("audit", "fate", "r-1").out.splitlines()
    assert lines[0] == "31 events go by r-1"
    assert lines[1].startswith("unknown: ")
    assert lines[-2:] == [
        "and 11 more events; --json tells of each",
        "unknown  r-1, the worst of 31 events",
    ]
    report = json.loads(call("audit", "fate", "r-1", "--json").out.splitlines()[0])
    assert len(report["events"]) == 31


@pytest.mark.parametrize(
    ("asked", "which"),
    [
        (["nobody"], "this event"),
        (["first", "nobody"], "one of these events"),
    ],
)
def test_attempts_that_were_not_read_whole_are_counted(
    call: Call, asked: list[str], which: str
) -> None:
    """Those of senders who may send by the configuration; strangers' are none."""
    Path("hookgate.toml").write_text('[source]\nallow = ["192.0.2.0/24"]\n')
    write(
        Path("hookgate-audit.2.jsonl"),
        delivery(1, "body_too_large", "x", client="192.0.2.1"),
        delivery(2, "head_timeout", "x", client="192.0.2.2"),
        delivery(3, "head_timeout", "x", client="31.169.56.7"),
        delivery(4, "source_not_allowed", "x", client="31.169.56.7"),
        refusals(5, 9, 5, "x", outcome="failed", reason="audit_unavailable"),
    )
    words = f"7 attempts from inside the ranges were not read whole; any may have been {which}"
    lines = call("audit", "fate", *asked).out.splitlines()
    assert words in lines
    assert all("inside" not in line for line in lines if line != words)


def test_a_request_that_was_not_read_whole_is_told_as_what_it_is(call: Call) -> None:
    """It stands for no event."""
    write(Path("hookgate-audit.jsonl"), delivery(1, "body_timeout", client="192.0.2.1"))
    report = json.loads(call("audit", "fate", "b0-1", "--json").out.splitlines()[0])
    (event,) = report["events"]
    assert (event["sha256"], event["fate"], report["unread"]) == (None, "undelivered", 0)


def test_of_a_long_list_the_delivered_are_only_counted(call: Call) -> None:
    """A person reads what went wrong, and the sum."""
    write(Path("many.jsonl"), *(record for n in range(30) for record in tries(f"e{n}", "clean")))
    Path("list").write_text("".join(f"e{n}\n" for n in range(30)) + "nobody\n")
    lines = call("audit", "fate", "--file", "list", "--log", "many.jsonl").out.splitlines()
    assert lines == ["never seen  nobody", "31 asked: 30 delivered, 1 never seen"]


def test_a_hostile_record_cannot_speak_to_the_terminal(call: Call, ledger: Path) -> None:
    """What was asked for and what the record holds are shown with escapes."""
    name = "\x1b[2J\r[bold]x" + "y" * LONGEST_TEXT
    about = dict.fromkeys(("request_id", "channel", "event_type", "time_utc"), "\x1b[31m")
    made = [delivery(1, "not_utf8", reference=name, sha256=sha + "\x1b", **about) for sha in "ab"]
    write(ledger, *made)
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
