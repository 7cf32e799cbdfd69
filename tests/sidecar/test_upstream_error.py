"""What is wrong with the endpoint is told: in the record, the log, the metrics and /readyz."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from support.admin import ON, Admin
from support.endpoints import UNCONNECTABLE, nobody
from support.events import CLEAN, RCS
from support.faulty import Faulty, answer_head
from support.raw import ask, post, wait_until
from support.scripted import Act, answering, endless, scripted
from support.sidecar import Sidecar, sidecar

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
CALM = 1.5
# The time after which a trouble is over, made shorter.
PATCH = f"import hookgate.upstream.trouble as t; t.CALM_SECONDS = {CALM}"


def said(gate: Sidecar, count: int) -> list[dict[str, Any]]:
    """What the log tells of the endpoint, once it is so many lines."""
    return gate.log.records('"event": "upstream.', count=count)


def failing(admin: Admin) -> list[str]:
    """What /readyz tells of it."""
    told: dict[str, Any] = json.loads(admin.get("/readyz").body)
    assert told["ready"] is True
    causes: list[str] = told["upstream"]
    return causes


# The others: tests/core/test_upstream_error.py.
CHOSEN = ("refused", "name_unknown", "tls_untrusted", "tls_expired", "tls_name", "tls_none")
MAKE = {word: make for _, word, make in UNCONNECTABLE}


@pytest.mark.parametrize("word", CHOSEN)
def test_a_cause_is_in_the_record_and_once_in_the_log(tmp_path: Path, word: str) -> None:
    """Each of ten deliveries has it, nothing of the event is with it, and the gate is ready."""
    with MAKE[word](tmp_path) as unwell, sidecar(unwell.url, tmp_path, **ON, **unwell.keys) as gate:
        admin = Admin(gate)
        for _ in range(10):
            assert ask(gate.port, post(CLEAN, b"/?q=sender")).status == 502
        records = gate.wait_for_deliveries(10)
        assert {r["reason"] for r in records} == {"upstream_unreachable"}
        assert {r["upstream_error"] for r in records} == {word}
        assert failing(admin) == [word]
        assert admin.value("hookgate_upstream_errors_total", error=word) == 10
        assert admin.value("hookgate_upstream_errors_total") == 10
        assert admin.value("hookgate_upstream_failing") == 1
        assert gate.stop() == 0
        [line] = said(gate, 1)
        assert (line["event"], line["error"]) == ("upstream.failing", word)
        assert (line["upstream"], line["level"]) == (unwell.url, "error")
        assert not any(text in json.dumps(line) for text in ("sender", RCS["reference"]))


ANSWERS: dict[str, tuple[str, Act]] = {
    "nothing": ("closed_early", answering()),
    "a reset": ("reset", answering(reset_after=True)),
    "garbage": ("not_http", answering(b"\0\1\2\3\r\n\r\n", stay=True)),
    "too much": ("too_large", endless(answer_head(b"500 No"), piece=bytes(1024))),
    "a TLS alert": ("tls_none", answering(b"\x15\x03\x01\x00\x02\x02\x0a", stay=True)),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_broken_answer_has_its_cause(faulty_pair: Faulty, answer: str) -> None:
    """Beside the reason, which is the same for all of them."""
    word, act = ANSWERS[answer]
    faulty_pair.exchange(act, 502, "upstream_invalid")
    assert faulty_pair.gate.records()[-1]["upstream_error"] == word


@pytest.mark.parametrize(
    "answer", [OK, answer_head(b"500 No", b"Content-Length: 0")], ids=["a 200", "a 500"]
)
def test_an_answer_is_no_cause(faulty_pair: Faulty, answer: bytes) -> None:
    """Whatever it says: `upstream_status` has that."""
    faulty_pair.upstream.act = answering(answer)
    ask(faulty_pair.gate.port, post(CLEAN))
    assert "upstream_error" not in faulty_pair.gate.records()[-1]


def test_no_answer_in_time_has_its_cause(hurried_pair: Faulty) -> None:
    """It was waited for."""
    hurried_pair.exchange(answering(stay=True), 504, "upstream_timeout")
    assert hurried_pair.gate.records()[-1]["upstream_error"] == "timeout_answer"


def test_a_trouble_begins_changes_and_ends_with_a_line_each(tmp_path: Path) -> None:
    """An endpoint that is down, then up and silent, then well."""
    keys = {"upstream.timeout": "200ms", **ON}
    with nobody(tmp_path) as unwell:
        port = int(unwell.url.rpartition(":")[2])
    with sidecar(unwell.url, tmp_path, patch=PATCH, **keys) as gate:
        admin = Admin(gate)

        def send(count: int) -> set[int]:
            return {ask(gate.port, post(CLEAN)).status for _ in range(count)}

        assert failing(admin) == []
        assert send(5) == {502}
        assert failing(admin) == ["refused"]
        with scripted(answering(stay=True), socket.create_server(("127.0.0.1", port))) as upstream:
            assert send(5) == {504}
            assert wait_until(lambda: send(1) == {504} and failing(admin) == ["timeout_answer"])
            upstream.act = answering(OK, stay=True)
            assert send(5) == {200}
            assert wait_until(lambda: send(1) == {200} and failing(admin) == [])
        told = said(gate, 4)
        assert [(line["event"].partition(".")[2], line["error"]) for line in told] == [
            ("failing", "refused"),
            ("failing", "timeout_answer"),
            ("no_longer_failing", "refused"),
            ("no_longer_failing", "timeout_answer"),
        ]
        assert told[2]["failed"] == 5


def test_all_workers_causes_are_told_together(tmp_path: Path) -> None:
    """Each worker logs its own, with its number, and the counts are one."""
    with nobody(tmp_path) as unwell:
        pass
    keys = {**ON, "sidecar.workers": "2"}
    with sidecar(unwell.url, tmp_path, **keys) as gate:
        admin = Admin(gate)
        for _ in range(20):
            assert ask(gate.port, post(CLEAN)).status == 502
        # A worker that is late is left out.
        errors, now = "hookgate_upstream_errors_total", "hookgate_upstream_failing"
        assert wait_until(lambda: admin.value(errors, error="refused") == 20)
        assert wait_until(lambda: admin.value(now, error="refused") == 1)
        assert wait_until(lambda: failing(admin) == ["refused"])
        assert gate.stop() == 0
        assert 1 <= len(said(gate, 1)) <= 2
