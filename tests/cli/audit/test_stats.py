"""`hookgate audit stats`."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from hookgate.ledger.audit import duckdb_stats
from hookgate.ledger.audit.stats import Summary
from hookgate.policy import Reason
from hookgate_cli.common import out
from support.calling import Call
from support.lines import delivery, forward, nginx, refusals, start, stop, write


@pytest.fixture(autouse=True)
def ledger(call: Call) -> Path:
    """A ledger of two fronts, with a sum and drift."""
    drifted: dict[str, Any] = {
        "unknown": 1,
        "unknown_in": ["/event"],
        "unusual": ["/groupings/1"],
        "channel": "RCS",
        "event_type": "Read",
    }
    return write(
        Path("hookgate-audit.jsonl"),
        start(),
        forward(1),
        delivery(1, client="192.0.2.1", **drifted),
        delivery(2, "not_utf8", client="192.0.2.2", ts="2026-11-22T18:00:00.000000Z"),
        refusals(3, 12, 10),
        nginx("method_not_allowed", client="192.0.2.2"),
        stop(12),
    )


def test_the_numbers_are_those_of_the_ledger(call: Call) -> None:
    """Sums of refusals count, and so do nginx's lines."""
    found = call("audit", "stats", "--json").json
    assert found["deliveries"] == 13
    assert found["outcomes"] == {"refused": 12, "delivered": 1}
    assert found["clients"] == {"192.0.2.2": 2, "192.0.2.1": 1}
    assert found["fronts"] == {"sidecar": 12, "nginx": 1}
    assert found["duration_ms"]["max"] == 1.5
    assert found["unknown_members"][0]["in"] == "/event"
    assert found["unusual"][0]["at"] == "/groupings/1"
    assert sum(bucket.get("refused", 0) for bucket in found["timeline"]["buckets"]) == 12


def test_of_members_that_no_contract_names_it_is_said_why_only_the_place(
    call: Call, ledger: Path
) -> None:
    assert "names are the sender's words" in call("audit", "stats").out
    write(ledger, start(), delivery(1, "not_utf8"), stop(1))
    assert "names are the sender's words" not in call("audit", "stats").out


def test_what_went_wrong_at_the_endpoint_is_told(call: Call, ledger: Path) -> None:
    """Causes in a table; what nginx relayed as another 2xx than 200, with the reason to look."""
    write(
        ledger,
        delivery(1, "upstream_unreachable", upstream_error="tls_expired"),
        nginx(status=204, upstream_status=204),
        nginx(status=200, upstream_status=200),
    )
    said = call("audit", "stats").out
    assert re.search(r"endpoint failed +requests *\n *tls_expired +1 ", said)
    assert "answered other than 200: 1\n" in said
    assert "each of these may be sent again as if it were refused" in " ".join(said.split())
    found = call("audit", "stats", "--json").json
    assert (found["upstream_errors"], found["not_200"]) == ({"tls_expired": 1}, 1)


def test_at_80_columns_no_word_is_cut_in_two(
    call: Call, ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the longest reasons, types and pointers that are usual, and of times."""
    about: dict[str, Any] = {
        "channel": "Google Business Messages",
        "event_type": "HumanAgentRequested",
    }
    seen: dict[str, Any] = {
        "unknown": 1,
        "unknown_in": ["/suggestionResponse"],
        "unusual": ["/groupings"],
    }
    made = [delivery(n, reason.code, **about, **seen) for n, reason in enumerate(Reason, 1)]
    write(ledger, *made)
    monkeypatch.setattr(out, "width", 80)
    said = call("audit", "stats").out
    words = {"HumanAgentRequested", "/suggestionResponse", "/groupings", "unusual"}
    assert {reason.code for reason in Reason} | words <= {*said.split()}
    assert len(re.findall(r"2026-11-22 12:00Z", said)) == 2 * 2 + 2
    assert all(len(line) <= 80 for line in said.splitlines())


@pytest.mark.parametrize("width", ["80", "120"])
def test_a_person_sees_tables_bars_and_a_timeline(
    call: Call, width: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same numbers, drawn with blocks."""
    monkeypatch.setenv("COLUMNS", width)
    result = call("audit", "stats")
    assert result.status == 0
    for text in (
        "13 requests in 7 lines",
        "source_not_allowed",
        "passed, though unusual",
        "█",
        "timeline",
        "p99.9",
        "/event",
    ):
        assert text in result.out
    assert "00Z" in result.out


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--since", "2026-11-22T18:00:00Z"), 1),
        (("--until", "2026-11-22T18:00:00Z"), 12),
        (("--client", "192.0.2.0/30", "--outcome", "refused"), 2),
        (("--front", "nginx"), 1),
        (("--channel", "RCS", "--type", "Read"), 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_only_what_is_asked_for_is_counted(
    call: Call, options: tuple[str, ...], count: int
) -> None:
    """The options of `show` choose here, too."""
    assert call("audit", "stats", "--json", *options).json["deliveries"] == count


@pytest.mark.parametrize("options", [(), ("--since", "2026-11-22T12:00:00Z")], ids=str)
def test_large_ledgers_are_read_by_duckdb_with_the_same_result(
    call: Call, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    """Both ways print the same."""
    pytest.importorskip("duckdb")
    slowly = call("audit", "stats", "--json", *options).out
    monkeypatch.setattr(duckdb_stats, "_LARGE", 1)
    monkeypatch.setattr(Summary, "add", None)
    assert call("audit", "stats", "--json", *options).out == slowly


def test_what_duckdb_cannot_read_is_read_line_by_line(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so, and the result is whole."""

    def give_up(*_: Any) -> None:
        raise duckdb_stats.DuckDBError("no room")

    monkeypatch.setattr(duckdb_stats, "is_worthwhile", lambda _: True)
    monkeypatch.setattr(duckdb_stats, "summarise", give_up)
    result = call("audit", "stats", "--json")
    assert result.json["deliveries"] == 13
    assert "no room" in result.err


def test_lines_that_are_no_records_are_named(call: Call, ledger: Path) -> None:
    """With file and line; the rest is counted."""
    with ledger.open("ab") as file:
        file.write(b'{"event":"deli')
    result = call("audit", "stats")
    assert "1 lines are no records" in result.out
    assert "hookgate-audit.jsonl:8" in result.out


def test_hostile_text_does_not_reach_the_terminal(call: Call) -> None:
    """Escape sequences and line ends in a record are shown as escapes."""
    evil = "\x1b[2J\r\u202e"
    fields: dict[str, Any] = dict.fromkeys(
        ("channel", "event_type", "route", "client", "front", "reference"), evil
    )
    record = {**delivery(1, **fields), "reason": evil, "outcome": evil, "unknown_in": [evil]}
    write(Path("evil.jsonl"), record)
    for verb in ("stats", "show", "tail"):
        result = call("audit", verb, "evil.jsonl")
        assert "\\x1b[2J\\r\\u202e" in result.out
        assert not set("\x1b\r\u202e") & set(result.out)


def test_an_empty_ledger_has_no_requests(call: Call) -> None:
    """And no error."""
    Path("empty.jsonl").touch()
    result = call("audit", "stats", "empty.jsonl")
    assert (result.status, result.out.splitlines()[0]) == (0, "0 requests in 0 lines")
    assert json.loads(call("audit", "stats", "empty.jsonl", "--json").out)["outcomes"] == {}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--since", "soon"), '"soon" is no time'),
        (("--outcome", "fine"), '"fine" is none of'),
        (("--client", "10.0.0.1/8"), '"10.0.0.1/8" has host bits set; write 10.0.0.0/8'),
        (("nowhere.jsonl",), "nowhere.jsonl cannot be read"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_misuse_is_told_with_the_mend(call: Call, options: tuple[str, ...], words: str) -> None:
    """Exit 2, and one line."""
    result = call("audit", "stats", *options)
    assert result.status == 2
    assert words in result.err


def test_a_contract_is_called_so_and_no_route(call: Call) -> None:
    """A route is a path with a contract, as the configuration has it."""
    write(Path("a.jsonl"), start(), delivery(1, route="cm-events"))
    words = call("audit", "stats", "a.jsonl").out.split()
    assert "contract" in words
    assert "route" not in words
