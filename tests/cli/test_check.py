"""`hookgate check`."""

import json
from pathlib import Path

import pytest

from support.calling import Call
from support.events import CLEAN, event

HTTP = (
    b"POST /cm/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%s"
)

OFFER = HTTP.replace(b"Host", b"Upgrade: h2c\r\nConnection: upgrade\r\nHost", 1)


def test_a_clean_event_passes(call: Call, tmp_path: Path) -> None:
    """Exit 0, and every check is shown."""
    (tmp_path / "event.json").write_bytes(CLEAN)
    result = call("check", "event.json")
    assert result.status == 0
    assert result.out.startswith("pass  event.json  clean 200")
    for name in ("http", "source", "method", "route", "media_type", "size", "document", "contract"):
        assert f"\n  {name} " in result.out


def test_a_finding_is_shown_with_the_value_and_exits_1(call: Call, tmp_path: Path) -> None:
    """It is the user's own file: the value helps, and goes nowhere."""
    (tmp_path / "event.json").write_bytes(event(timeUtc="yesterday"))
    result = call("check", "event.json")
    assert result.status == 1
    assert '/timeUtc: not a UTC time like 2025-09-03T08:00:05; it is "yesterday"' in " ".join(
        result.out.split()
    )


def test_json_lines_are_judged_line_by_line(call: Call, tmp_path: Path) -> None:
    """Each line has its number in the report."""
    lines = b"\n".join([json.dumps(json.loads(CLEAN)).encode(), b"", b'{"a":1,"a":2}'])
    (tmp_path / "events.jsonl").write_bytes(lines)
    result = call("check", "events.jsonl", "--json")
    reports = [json.loads(line) for line in result.out.splitlines()]
    assert [(report["file"], report["reason"]) for report in reports] == [
        ("events.jsonl:1", "clean"),
        ("events.jsonl:3", "duplicate_key"),
    ]
    assert result.status == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (HTTP % (len(CLEAN), CLEAN), "clean"),
        ((HTTP % (len(CLEAN), CLEAN)).replace(b"\r\n", b"\n"), "clean"),
        ((HTTP % (len(CLEAN), CLEAN)).replace(b"POST", b"GET"), "method_not_allowed"),
        (HTTP % (len(CLEAN) + 1, CLEAN), "malformed_http"),
        (b"POST / HTTP/1.1\r\n\r\n", "malformed_http"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
         "malformed_http"),
        (OFFER % (len(CLEAN), CLEAN), "clean"),
        (OFFER % (len(CLEAN) + 1, CLEAN), "malformed_http"),
    ],
    ids=["clean", "line-feeds", "get", "cut-off", "no-host", "upgrade", "offer", "offer-cut-off"],
)  # fmt: skip
def test_raw_http_is_judged_whole(call: Call, tmp_path: Path, data: bytes, reason: str) -> None:
    """A captured request is judged with its own method, target and fields."""
    (tmp_path / "request.http").write_bytes(data)
    result = call("check", "request.http", "--json")
    assert json.loads(result.out)["reason"] == reason
    assert result.status == (0 if reason == "clean" else 1)


def test_the_source_can_be_chosen(call: Call, tmp_path: Path) -> None:
    """`--from` says who sends it; what the later checks would say is shown all the same."""
    (tmp_path / "event.json").write_bytes(CLEAN)
    result = call("check", "event.json", "--from", "203.0.113.9", "--json")
    report = json.loads(result.out)
    assert report["reason"] == "source_not_allowed"
    assert report["checks"][1]["saw"] == "client 203.0.113.9"
    assert report["checks"][-1]["result"] == "ok"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.json"], "nowhere.json cannot be read"),
        (["event.json", "--from", "1.2.3"], '--from "1.2.3" is no IP address'),
        (["event.json", "--config", "nowhere.toml"], "nowhere.toml cannot be read"),
    ],
)
def test_misuse_is_one_clear_line(
    call: Call, tmp_path: Path, arguments: list[str], words: str
) -> None:
    """Exit 2, and the line names what is wrong."""
    (tmp_path / "event.json").write_bytes(CLEAN)
    result = call("check", *arguments)
    assert result.status == 2
    assert words in result.err
    assert len(result.err.splitlines()) == 1
