"""`hookgate audit show`."""

import gzip
import json
from pathlib import Path

import pytest

from support.calling import Call
from support.lines import delivery, forward, nginx, refusals, start, stop, write


@pytest.fixture(autouse=True)
def ledger(call: Call) -> Path:
    """A ledger with a rotated, gzipped part before it."""
    early = delivery(1, "not_utf8", ts="2026-11-21T12:00:00.000000Z", errors=["/a: not UTF-8"])
    Path("hookgate-audit.jsonl.1.gz").write_bytes(gzip.compress(json.dumps(early).encode() + b"\n"))
    return write(
        Path("hookgate-audit.jsonl"),
        start(version="0.1.0"),
        forward(2),
        delivery(2, reference="ref-2", client="192.0.2.1", answered=False),
        refusals(3, 12, 10, cause="flood"),
        nginx("method_not_allowed"),
        stop(12),
    )


def test_records_are_shown_oldest_first_one_a_line(call: Call) -> None:
    """Rotated files too; what was forwarded only where it is asked for."""
    lines = call("audit", "show").out.splitlines()
    assert [line.split()[2] for line in lines] == [
        "refused", "start", "delivered", "refused", "refused", "stop",
    ]  # fmt: skip
    assert lines[0].startswith("2026-11-21 12:00:00.000Z  refused   not_utf8")
    assert lines[0].endswith("/a: not UTF-8")
    assert "ref-2" in lines[2]
    assert "unanswered" in lines[2]
    assert "10 summed (flood)" in lines[3]
    assert len(call("audit", "show", "--forwards").out.splitlines()) == 7


def test_json_is_the_line_as_it_stands_in_the_ledger(call: Call, ledger: Path) -> None:
    """Byte for byte, so that its digest still fits the chain."""
    shown = call("audit", "show", str(ledger), "--json", "--forwards").out
    assert shown.encode() == ledger.read_bytes()


def test_json_is_ascii_whatever_a_hand_wrote(call: Call) -> None:
    """A line that no gate wrote is rewritten rather than let out raw."""
    Path("edited.jsonl").write_text('{"event":"delivery","reference":"\u202eé"}\r\n')
    shown = call("audit", "show", "edited.jsonl", "--json").out
    assert shown.isascii()
    assert "\r" not in shown
    assert json.loads(shown)["reference"] == "\u202eé"


def test_only_what_is_asked_for_is_shown(call: Call) -> None:
    """And that nothing was is said on stderr, with exit 0."""
    assert call("audit", "show", "--reference", "ref-2", "--json").json["seq"] == 2
    result = call("audit", "show", "--outcome", "aborted")
    assert (result.status, result.out) == (0, "")
    assert result.err == "none of 7 lines is what was asked for\n"


ROUTED = {"route": "cm-status", "path": "/cm/status"}


@pytest.mark.parametrize("verb", ["show", "stats", "tail"])
def test_a_value_that_no_record_has_is_said_with_the_nearest(call: Call, verb: str) -> None:
    """A slip would choose nothing without a word; what is offered chooses something."""
    Path("hookgate.toml").write_text("[[route]]\npath = '/cm/status'\ncontract = 'cm-status'\n")
    write(Path("routed.jsonl"), start(), delivery(1, channel="RCS", event_type="Read", **ROUTED))

    def ask(option: str, value: str) -> str:
        return call("audit", verb, "routed.jsonl", option, value).err.splitlines()[-1]

    for option, slip, right in (
        ("--route", "cm-statsu", "cm-status"),
        ("--route", "/cm/statuss", "/cm/status"),
        ("--reason", "claen", "clean"),
        ("--reason", "contract-violation", "contract_violation"),
        ("--front", "nginks", "nginx"),
    ):
        assert ask(option, slip) == f'nothing found has {option} "{slip}"; did you mean {right}?'
    assert verb == "show" or "; there are /cm/status, cm-status, " in ask("--route", "zzz")
    for route in ROUTED.values():
        assert "clean" in call("audit", verb, "routed.jsonl", "--route", route).out
    # One that may be there, and is not here, is no slip.
    assert (
        "nothing found has" not in call("audit", verb, "routed.jsonl", "--reason", "not_utf8").err
    )


def test_lines_that_are_no_records_are_told_on_stderr(call: Call, ledger: Path) -> None:
    """The rest is shown."""
    with ledger.open("ab") as file:
        file.write(b'{"event":"deli')
    result = call("audit", "show", str(ledger))
    assert "hookgate-audit.jsonl:7: torn" in result.err
    assert len(result.out.splitlines()) == 5


def test_a_missing_ledger_is_misuse(call: Call, ledger: Path) -> None:
    """The configured one, by name."""
    ledger.unlink()
    Path("hookgate-audit.jsonl.1.gz").unlink()
    result = call("audit", "show")
    assert result.status == 2
    assert "audit.path" in result.err


def test_near_misses_are_shown_and_counted_by_themselves(call: Call) -> None:
    """By `show`, `tail` and `stats`; of nginx's lines those from ranges that are watched."""
    near = ["fields", "length", "again"]
    of_nginx = {"client": "185.162.146.1", "method": "POST", "content_type": "application/json"}
    write(
        Path("hookgate-audit.jsonl"),
        start(),
        delivery(1, "source_not_allowed", client="203.0.113.9", near=near),
        delivery(2, "source_not_allowed", client="198.51.100.1"),
        delivery(3, "source_not_allowed", near=["watch"]),
        nginx("source_not_allowed", **of_nginx),
        nginx("source_not_allowed", **of_nginx | {"client": "198.51.100.1"}),
    )
    Path("hookgate-audit.jsonl.1.gz").unlink()
    lines = call("audit", "show", "--near").out.splitlines()
    assert [line.partition("near miss: ")[2] for line in lines] == [
        "fields, length, again", "watch", "",
    ]  # fmt: skip
    assert call("audit", "tail", "--near").out.splitlines() == lines
    numbers = call("audit", "stats", "--json").json
    assert (numbers["deliveries"], numbers["near_misses"]) == (5, {"again": 1, "watch": 1})
    assert call("audit", "stats", "--near", "--json").json["deliveries"] == 3
    assert "near misses" in call("audit", "stats").out
    Path("hookgate.toml").write_text("[source]\nwatch = []\n")
    assert len(call("audit", "show", "--near").out.splitlines()) == 2
