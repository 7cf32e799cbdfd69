"""No verb prints what a terminal would obey: names and values come escaped, and are no markup."""

import json
from pathlib import Path

import pytest

from support.calling import Call, Result
from support.events import CLEAN
from support.scripted import answering, scripted

# C0 with a line end, DEL, C1, marks of direction and of no width, line separators, half a
# character; and what the printing library would take for markup and for an emoji.
PRINTABLE = "[red]b[/red][/]:smile:"
SENT = (
    "\x1b[31m|\r\n\t|\x7f|\x9b31m|\x85|\u202e|\u2066|\u200f|\u061c|\u200b|\ufeff|\u2028|\u2029"
    + PRINTABLE
)
HOSTILE = "\0\ud800" + SENT  # no JSON that a gate takes holds these
NAME = "a\x1b[31m\x9b\x7f\u202e\u2028[red]:smile:"  # for a file
SCHEMA = {
    "type": "object",
    "required": [SENT],
    "additionalProperties": False,
    "properties": {"a": {"enum": [SENT]}, "b": {"pattern": "^x$"}},
}


def assert_harmless(result: Result) -> None:
    """Everything on both streams prints, but for the ends of lines."""
    for text in (result.out, result.err):
        assert [c for c in text if not (c.isprintable() or c == "\n")] == []
    assert result.out + result.err != ""


def configured(folder: Path) -> None:
    (folder / "own.json").write_text(json.dumps(SCHEMA))
    (folder / "hookgate.toml").write_text(
        '[[route]]\npath = "/"\ncontract = "own.json"\n[upstream]\nurl = "http://127.0.0.1:9"\n'
    )


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    """Records with hostile text wherever a hand could have put it; returns its name."""
    delivery = {
        "event": "delivery", "ts": "2026-01-02T03:04:05.000000Z", "boot": HOSTILE, "seq": 1,
        "request_id": HOSTILE, "outcome": HOSTILE, "reason": HOSTILE, "status": 200,
        "errors": [HOSTILE], "observed": [HOSTILE], "unknown": 1, "unknown_in": [HOSTILE],
        "unusual": [HOSTILE],
        "duration_ms": 1.0, "upstream_ms": 1.0, "prev": HOSTILE, "sha256": HOSTILE,
        **dict.fromkeys(
            ("front", "client", "peer", "method", "path", "content_type", "reference", "channel",
             "event_reference", "event_type", "from", "to", "time_utc", "route", "policy"),
            HOSTILE,
        ),
    }  # fmt: skip
    start = {"event": "start", "ts": HOSTILE, "boot": HOSTILE, HOSTILE: HOSTILE}
    sums = {**delivery, "event": "refusals", "count": HOSTILE, "cause": HOSTILE}
    forward = {**delivery, "event": "forward", "seq": 2, "request_id": "r-2"}
    lines = [json.dumps(record) for record in (start, delivery, forward, sums, delivery)]
    raw = json.dumps(delivery, ensure_ascii=False).encode("utf-8", "backslashreplace")
    name = f"{NAME}.jsonl"
    (tmp_path / name).write_bytes("\n".join([*lines, SENT, ""]).encode() + raw + b"\n")
    return name


@pytest.mark.parametrize("as_json", [False, True], ids=["words", "JSON"])
@pytest.mark.parametrize("verb", ["show", "tail", "stats", "balance", "verify", "explain", "fate"])
def test_no_audit_verb_prints_what_a_ledger_holds_as_it_is(
    call: Call, ledger: str, verb: str, as_json: bool
) -> None:
    """A record edited by hand, a line that is none, and the file's own name."""
    options = {
        "show": [ledger, "--forwards"],
        "explain": [HOSTILE, "--all", "--log", ledger],
        "fate": [HOSTILE, "r-2", "--log", ledger],
    }.get(verb, [ledger])
    result = call("audit", verb, *options, *(["--json"] if as_json else []))
    assert_harmless(result)
    if not as_json and verb in ("show", "tail", "stats", "explain", "fate"):
        assert PRINTABLE in "".join(result.out.split())


EVENTS = {
    "a member": {SENT: 1},
    "a member further in": {"a": {SENT: {SENT: 1}}},
    "a value": {"a": SENT},
    "another value": {"b": SENT, SENT: 1},
}


@pytest.mark.parametrize("as_json", [False, True], ids=["words", "JSON"])
@pytest.mark.parametrize("sample", EVENTS.values(), ids=EVENTS.keys())
def test_check_prints_names_and_values_escaped(
    call: Call, tmp_path: Path, sample: dict[str, object], as_json: bool
) -> None:
    """Of an event under a contract of the user's own, and of its file."""
    configured(tmp_path)
    text = json.dumps(sample)
    (tmp_path / f"{NAME}.json").write_text(text)
    (tmp_path / f"{NAME}.jsonl").write_text(text + "\n\n" + text)
    result = call("check", f"{NAME}.json", f"{NAME}.jsonl", *(["--json"] if as_json else []))
    assert_harmless(result)
    assert ":smile:" in result.out
    assert "[red]" in result.out
    if as_json:
        assert len([json.loads(line) for line in result.out.splitlines()]) == 3


@pytest.mark.parametrize("as_json", [False, True], ids=["words", "JSON"])
def test_check_prints_a_request_escaped(call: Call, tmp_path: Path, as_json: bool) -> None:
    """Its target, its method and its fields are what somebody sent."""
    target = "/" + "".join(SENT.split())
    requests = (
        f"POST {target} HTTP/1.1\r\nHost: \x9b\u202e\r\n\r\n",
        "P[red]:smile: / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: \x9b/\u202e[/]\r\nContent-Length: 2\r\n\r\n{}",
    )
    for number, request in enumerate(requests):
        (tmp_path / f"{number}.http").write_bytes(request.encode())
    names = [f"{number}.http" for number in range(len(requests))]
    assert_harmless(call("check", *names, *(["--json"] if as_json else [])))


def test_what_an_endpoint_says_is_printed_escaped(call: Call) -> None:
    """`send` tells of the error, and so of the bytes that were no answer."""
    garbage = SENT.encode() + b"\r\n\r\n"
    with scripted(answering(garbage)) as endpoint:
        for options in ([], ["--json"]):
            result = call("send", f"{endpoint.url}/", "--only", "rcs", *options)
            assert_harmless(result)
            assert result.status == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["config", "init", NAME],
        ["config", "check", "--config", NAME],
        ["config", "show", "--config", NAME],
        ["config", "show", "--config", NAME, "--json"],
        ["nginx", "render", "--out", NAME + "d"],
        ["nginx", "diff", NAME + "d"],
        ["nginx", "diff", NAME + "d", "--json"],
        ["check", NAME + "absent"],
        ["check", "event.json", "--from", HOSTILE],
        ["schema", "show", SENT],
        ["audit", "report", NAME + ".jsonl", "--html", NAME + ".html"],
        ["audit", "show", NAME + "absent"],
        ["audit", "fate", "--file", NAME + "absent"],
        ["serve", "--config", NAME + "absent"],
        ["serve", "--upstream", SENT],
        ["mitmdump", "--upstream", SENT],
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_names_of_files_and_options_are_printed_escaped(
    call: Call, tmp_path: Path, ledger: str, arguments: list[str]
) -> None:
    """In what went well and in what went wrong."""
    (tmp_path / "event.json").write_bytes(CLEAN)
    if arguments[:2] != ["config", "init"]:
        (tmp_path / NAME).write_text('[upstream]\nurl = "http://127.0.0.1:9"\n')
    if arguments[1] == "diff":
        (tmp_path / f"{NAME}d").mkdir()
        deployed = tmp_path / f"{NAME}d" / "hookgate-allow.conf"
        deployed.write_bytes(SENT.encode() + b"\xff\n")
    assert_harmless(call(*arguments))
