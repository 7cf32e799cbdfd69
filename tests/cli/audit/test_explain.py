"""`hookgate audit explain`."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from hookgate.upstream.error import UpstreamError
from support.calling import Call
from support.events import CLEAN, RCS, event
from support.lines import Record, delivery, forward, nginx, start, write

BROKEN = event(timeUtc="yesterday")
SENT = {"reference": RCS["reference"], "sha256": sha256(CLEAN).hexdigest()}
CONFIG = '[source]\nallow = ["192.0.2.0/24"]\ntrusted_proxies = ["198.51.100.0/24"]\n'


def record(seq: int, reason: str, body: bytes = CLEAN, **fields: Any) -> Record:
    """A delivery with all that a gate would record of it."""
    seen = {
        "client": "192.0.2.7", "peer": "192.0.2.7", "method": "POST", "path": "/cm/events",
        "route": "cm-events", "content_type": "application/json", "bytes": len(body),
        "sha256": sha256(body).hexdigest(), "reference": RCS["reference"], "policy": "0123456789ab",
        "observed": [], "unknown": 0, "unknown_in": [], "errors": [], "status": 422,
    }  # fmt: skip
    return delivery(seq, reason, **{**seen, **fields})


@pytest.fixture(autouse=True)
def ledger(call: Call) -> Path:
    """Two attempts at one event, failed and delivered, after one at another of its reference."""
    Path("hookgate.toml").write_text(CONFIG)
    Path("clean.json").write_bytes(CLEAN)
    Path("broken.json").write_bytes(BROKEN)
    errors = ["/timeUtc: not a UTC time like 2025-09-03T08:00:05"]
    return write(
        Path("hookgate-audit.jsonl"),
        start(),
        record(1, "contract_violation", BROKEN, errors=errors),
        *(forward(2, **SENT), record(2, "upstream_rejected", upstream_status=500, status=500)),
        *(forward(3, **SENT), record(3, "clean", upstream_status=204, status=200)),
    )


def results(call: Call, *arguments: str) -> dict[str, str]:
    """What each check found then."""
    report = json.loads(call("audit", "explain", *arguments, "--json").out.splitlines()[-1])
    return {check["check"]: check["then"] for check in report["checks"]}


def explained(call: Call, *records: Record) -> dict[str, str]:
    """The same of a ledger with only these, asked for by the first's request_id."""
    write(Path("other.jsonl"), *records)
    return results(call, records[0]["request_id"], "--log", "other.jsonl")


def test_a_refusal_is_shown_check_by_check(call: Call) -> None:
    """Those before were passed, the refusing one says why, those after were not reached."""
    result = call("audit", "explain", "b0-1")
    assert result.status == 0
    rows = [line.split() for line in result.out.splitlines()]
    assert ["source", "client", "192.0.2.7", "ok"] in rows
    assert ["contract", "cm-events", "contract_violation"] in rows
    assert ["upstream", "not", "reached"] in rows
    assert ["policy", "0123456789ab"] in rows
    assert "contract, then: /timeUtc: not a UTC time like 2025-09-03T08:00:05" in result.out


def test_the_last_attempt_is_explained_and_all_are_listed(call: Call) -> None:
    """The fate comes first: it may be that nothing is wrong any more."""
    result = call("audit", "explain", SENT["sha256"])
    lines = result.out.splitlines()
    assert lines[0] == "delivered on the second try"
    assert [line.split()[-1] for line in lines[1:3]] == ["b0-2", "b0-3"]
    assert lines[4] == "b0-3  hookgate-audit.jsonl:6"
    assert "status 204 in 0.5 ms" in result.out


def test_of_events_that_share_a_name_each_is_explained(call: Call) -> None:
    """What told them apart stands beside their fates."""
    lines = call("audit", "explain", RCS["reference"]).out.splitlines()
    lost = "presumed lost: tried once, never delivered (retry rule: 3 tries, 1d)"
    assert lines[0] == f"{lost}  {sha256(BROKEN).hexdigest()}"
    assert lines[1] == f"delivered on the second try  {SENT['sha256']}"
    titles = [line for line in lines if "  hookgate-audit.jsonl:" in line]
    assert titles == ["b0-1  hookgate-audit.jsonl:2", "b0-3  hookgate-audit.jsonl:6"]


def test_with_a_body_the_event_that_has_it_is_explained(call: Call) -> None:
    """And no other of its name."""
    result = call("audit", "explain", RCS["reference"], "--body", "broken.json", "--json")
    assert (result.status, result.json["request_id"]) == (0, "b0-1")


def test_each_attempt_is_explained_on_request(call: Call) -> None:
    """Oldest first."""
    lines = call("audit", "explain", RCS["reference"], "--all", "--json").out.splitlines()
    assert [json.loads(line)["request_id"] for line in lines] == ["b0-1", "b0-2", "b0-3"]


def test_the_body_is_judged_under_the_policy_of_now(call: Call) -> None:
    """Side by side with then; it is the user's own file, so values are shown."""
    result = call("audit", "explain", "b0-1", "--body", "broken.json")
    assert result.status == 0
    rows = [line.split() for line in result.out.splitlines()]
    assert ["contract", "cm-events", "contract_violation", "contract_violation"] in rows
    text = " ".join(result.out.split())
    assert 'contract, now: /timeUtc: not a UTC time like 2025-09-03T08:00:05; it is "yest' in text
    assert "another then (0123456789ab)" in text
    assert "The body is the one that arrived" in text
    report = call("audit", "explain", "b0-3", "--body", "clean.json", "--json").json
    assert report["now"]["reason"] == "clean"
    assert report["same_body"] is True


def test_another_body_is_said_to_be_one_and_exits_1(call: Call) -> None:
    """Its digest is not the record's."""
    result = call("audit", "explain", "b0-1", "--body", "clean.json")
    assert result.status == 1
    assert "The body is another one" in result.out


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip"])
@pytest.mark.parametrize("client", ["192.0.2.7", "2001:db8::7"])
def test_a_client_behind_a_proxy_is_put_back_there(call: Call, header: str, client: str) -> None:
    """Judged now as it would arrive."""
    Path("hookgate.toml").write_text(
        f'[source]\nallow = ["{client}"]\ntrusted_proxies = ["198.51.100.0/24"]\n'
        f'header = "{header}"\n'
    )
    write(Path("other.jsonl"), record(1, "clean", client=client, peer="198.51.100.1"))
    report = call(
        "audit", "explain", "b0-1", "--log", "other.jsonl", "--body", "clean.json", "--json"
    ).json
    assert report["now"]["reason"] == "clean"
    assert report["checks"][1]["saw"] == f"client {client}, peer 198.51.100.1"


NOWHERE: dict[str, Any] = {
    "client": None,
    "method": None,
    "path": None,
    "route": None,
    "sha256": None,
}


@pytest.mark.parametrize(
    ("made", "ok", "end"),
    [
        (record(1, "malformed_http", **NOWHERE), 0, "http"),
        (record(1, "head_timeout", **NOWHERE), 0, "http"),
        (record(1, "source_unresolved", client=None), 1, "source"),
        (record(1, "path_not_routed", route=None), 3, "route"),
        (record(1, "charset_unsupported"), 4, "media_type"),
        (record(1, "body_too_large", sha256=None), 6, "size"),
        (record(1, "malformed_http", sha256=None), 7, "body"),
        (record(1, "body_timeout", sha256=None), 7, "body"),
        (record(1, "client_gone", outcome="aborted"), 7, "body"),
        (record(1, "signature_invalid"), 8, "signature"),
        (record(1, "duplicate_key", signature="valid"), 9, "document"),
        (record(1, "audit_unavailable", signature="repeated"), 11, "ledger"),
        (record(1, "upstream_timeout", signature="valid"), 12, "upstream"),
    ],
    ids=lambda value: value["reason"] if isinstance(value, dict) else None,
)
def test_every_reason_has_its_place(call: Call, made: Record, ok: int, end: str) -> None:
    """Whatever ended a request, the checks before it were passed."""
    found = explained(call, made)
    assert list(found.values())[:ok] == ["ok"] * ok
    assert found[end] == made["reason"]
    assert set(list(found.values())[ok + 1 :]) <= {"not reached"}


def test_a_signature_that_nobody_asked_for_was_not_checked(call: Call) -> None:
    """A line without the member tells of a route without signatures, or of an older gate."""
    found = explained(call, record(1, "upstream_timeout"))
    assert found["signature"] == "not checked"


def test_a_fault_of_the_gate_claims_nothing(call: Call) -> None:
    """Nobody knows how far it came."""
    assert set(explained(call, record(1, "gate_error", outcome="failed")).values()) == {"not known"}


@pytest.mark.parametrize("error", UpstreamError, ids=lambda error: error.word)
def test_why_the_endpoint_did_not_answer_is_a_sentence(call: Call, error: UpstreamError) -> None:
    """What it means and what to do; in JSON too."""
    made = record(1, "upstream_unreachable", upstream_error=error.word, upstream_ms=1.5)
    write(Path("other.jsonl"), made)
    arguments = ("audit", "explain", "b0-1", "--log", "other.jsonl")
    said = " ".join(call(*arguments).out.split())
    assert f"{error.word}: {error.means}. What to do: {error.mend}." in said
    assert f"{error.word} after 1.5 ms" in said
    told = json.loads(call(*arguments, "--json").out)["upstream_error"]
    assert told == {"word": error.word, "means": error.means, "mend": error.mend}


def test_an_answer_that_broke_off_is_explained_as_delivered(call: Call) -> None:
    """What the sender got, what the endpoint said first, and what came of the rest."""
    made = record(
        1, "clean", status=502, upstream_status=201, upstream_error="closed_early", upstream_ms=1.5
    )
    write(Path("other.jsonl"), made)
    result = call("audit", "explain", "b0-1", "--log", "other.jsonl")
    assert result.status == 0
    assert result.out.startswith("delivered on the first try, but answered 502")
    said = " ".join(result.out.split())
    assert "upstream status 201, then closed_early in 1.5 ms ok" in said
    assert "closed_early: the endpoint closed the connection before its answer was whole." in said


@pytest.mark.parametrize("value", [None, "a word of later", "\x1b[31m"], ids=repr)
def test_a_cause_that_is_none_says_nothing(call: Call, value: Any) -> None:
    """A record of another version, or of somebody's editor."""
    write(Path("other.jsonl"), record(1, "upstream_invalid", upstream_error=value))
    result = call("audit", "explain", "b0-1", "--log", "other.jsonl")
    assert result.status == 0
    assert "What to do" not in result.out
    assert "\x1b" not in result.out


def test_nginx_checks_no_body(call: Call) -> None:
    """And its record says so."""
    found = explained(call, nginx(client="192.0.2.7", peer="192.0.2.7"))
    assert found["document"] == found["contract"] == "not checked"
    assert found["source"] == found["upstream"] == "ok"


def test_what_was_only_observed_is_marked(call: Call) -> None:
    """It would have refused, and did not."""
    made = record(1, "clean", observed=["contract_violation"], errors=["/to: missing"])
    write(Path("other.jsonl"), made)
    result = call("audit", "explain", "b0-1", "--log", "other.jsonl")
    assert "contract_violation (observed)" in result.out
    assert "contract, then: /to: missing" in result.out


def test_a_forward_without_its_end_is_explained_as_that(call: Call, ledger: Path) -> None:
    """There is nothing else to say."""
    write(ledger, start(), forward(1, reference="r-1"))
    result = call("audit", "explain", "r-1")
    assert "It was forwarded, and no line says how it ended: it may have arrived." in result.out


def test_what_the_ledger_does_not_know_exits_1(call: Call) -> None:
    """One line says so."""
    result = call("audit", "explain", "nobody")
    assert (result.status, result.out) == (1, "nobody: never seen\n")


def test_a_hostile_record_cannot_speak_to_the_terminal(call: Call, ledger: Path) -> None:
    """Escape sequences and markup in a record are shown, not obeyed."""
    text = "\x1b[2J\r[bold]x[/]\x07\u202e"
    odd: dict[str, Any] = dict.fromkeys(
        ("client", "method", "route", "channel", "reference", "policy"), text
    )
    write(ledger, record(1, "not_utf8", errors=[text], observed=[text], unknown_in=[text], **odd))
    for arguments in (["b0-1"], ["b0-1", "--body", "clean.json"]):
        result = call("audit", "explain", *arguments)
        assert not set("\x1b\r\x07\u202e") & set(result.out)
        assert r"\x1b[2J\r[bold]x[/]\x07\u202e" in result.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["b0-1", "--body", "nowhere"], "nowhere cannot be read"),
        (["b0-1", "--log", "nowhere.jsonl"], "nowhere.jsonl cannot be read"),
    ],
)
def test_misuse_is_one_clear_line(call: Call, arguments: list[str], words: str) -> None:
    """Exit 2, and the line names what is wrong."""
    result = call("audit", "explain", *arguments)
    assert result.status == 2
    assert words in result.err
    assert len(result.err.splitlines()) == 1


def test_a_near_miss_is_told_in_words_with_what_to_do(call: Call) -> None:
    """A word that a newer version wrote is shown as it is."""
    near = ["fields", "length", "again", "newer"]
    write(Path("near.jsonl"), record(1, "source_not_allowed", client="203.0.113.9", near=near))
    arguments = ("audit", "explain", "b0-1", "--log", "near.jsonl")
    told = " ".join(call(*arguments).out.split())
    assert "Looks like the provider: method, path and type, the same header fields" in told
    assert "came back after about five minutes. What to do: find out" in told
    assert "fields, length, again, newer" in told
    assert json.loads(call(*arguments, "--json").out)["near"]["words"] == near
