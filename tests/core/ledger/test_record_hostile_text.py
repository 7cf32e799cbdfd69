"""Text made to break or forge the log: each record stays one line of ASCII JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookgate.ledger.privacy import Privacy
from hookgate.ledger.record import Ending, begin_record, end_record, head_fields
from hookgate.policy import Decision, Reason, make_head
from hookgate.settings import PersonalData
from support.examples import many
from support.journal import Book
from support.ledger import fields_of

MEBIBYTE = 1 << 20
PLAIN = Privacy(PersonalData.PLAIN, b"")
HOSTILE = {
    "a line feed": "a\nb",
    "a forged line": 'x"}\r\n{"event":"delivery","outcome":"delivered"}',
    "ESC": "\x1b[2J\x1b]0;owned\x07",
    "NUL": "\0",
    "C1 controls": "\x85\x9b",
    "U+2028 and U+2029": "\u2028\u2029",
    "a lone surrogate": "\ud800",
    "the other half": "\udfff",
    "surrogateescape": b"/\x80\xff".decode("utf-8", "surrogateescape"),
    "right-to-left override": "\u202egnp.exe",
    "beyond the BMP": "\U0001f4a9",
    "a mebibyte": "x" * MEBIBYTE,
    "a mebibyte of surrogates": "\udcff" * MEBIBYTE,
}
hostile = pytest.mark.parametrize("text", [pytest.param(v, id=k) for k, v in HOSTILE.items()])


def write(path: Path, fields: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    """The bytes that a delivery with these fields adds to a ledger, and the record in them."""
    book = Book(path)
    before = path.stat().st_size
    book.journal.delivery(fields, forwarded=True)
    book.close()
    line = path.read_bytes()[before:].splitlines(keepends=True)[0]
    return line, json.loads(line)


def record_of(
    text: str, *, method: bytes = b"POST", path: bytes = b"/", size: int = 1
) -> dict[str, Any]:
    """A delivery with `text` in every place that a sender can put text into."""
    decision = Decision(make_head("192.0.2.1", method, path, []), b"{}")
    party = {"number": text}
    decision.document = {
        "reference": text,
        "event": {"reference": text, "type": text},
        "channel": text,
        "timeUtc": text,
        "from": party,
        "to": party,
    }
    record = begin_record(head_fields(decision, None, text, "b", "test", "p"), decision, PLAIN)
    end_record(
        record,
        Ending(Reason.CONTRACT_VIOLATION, (text,) * 20),
        decision,
        seq=1,
        request_id="r-1",
        gone=False,
        size=size,
        sha256=None,
        duration_ms=0.1,
        upstream_ms=None,
    )
    return record


@hostile
def test_hostile_text_in_every_field_makes_one_ascii_line(text: str, tmp_path: Path) -> None:
    """Nothing that a sender writes ends the line, leaves ASCII or stops the record."""
    line, record = write(tmp_path / "audit.jsonl", record_of(text))
    assert line.isascii()
    assert line.endswith(b"\n")
    assert not any(byte < 0x20 for byte in line[:-1])
    assert tuple(record) == fields_of(record)
    assert record["reference"] == record["event_reference"] == text[:256]
    assert record["from"] == record["to"] == text[:256]
    assert record["channel"] in ("other", text)
    assert record["errors"] == [text[:256]] * 8


@hostile
def test_hostile_bytes_in_a_path_and_a_method_make_one_ascii_line(
    text: str, tmp_path: Path
) -> None:
    """What HTTP carries is bytes: those beyond ASCII are spelt out, within the bound."""
    raw = text.encode("utf-8", "surrogatepass")
    fields = record_of("", method=raw, path=b"/" + raw + b"?query")
    line, record = write(tmp_path / "audit.jsonl", fields)
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert record["path"] == (b"/" + raw).decode("ascii", "backslashreplace")[:256]
    assert record["method"] == raw.decode("ascii", "backslashreplace")[:256]


def test_a_byte_0x80_in_a_path_is_spelt_out(tmp_path: Path) -> None:
    """A path is recorded so that a person can tell what was sent."""
    _, record = write(tmp_path / "audit.jsonl", record_of("", path=b"/caf\x80?q=\xff"))
    assert record["path"] == r"/caf\x80"


def test_no_line_outgrows_its_bound(tmp_path: Path) -> None:
    """A mebibyte in every field, each character costing six bytes, is a line of some kilobytes."""
    line, _ = write(tmp_path / "audit.jsonl", record_of("\udcff" * MEBIBYTE))
    texts = 15  # eight errors, six members, the peer
    assert len(line) < texts * 256 * 6 + 2048


@settings(
    max_examples=many(200),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.text(st.characters(codec=None, categories=None), max_size=300))
def test_any_text_comes_back_as_it_was(tmp_path: Path, text: str) -> None:
    """A reader gets the very text, up to its bound, from one line of ASCII."""
    line, record = write(tmp_path / "audit.jsonl", record_of(text))
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert record["reference"] == text[:256]


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**300])
def test_a_number_beyond_64_bits_is_written_all_the_same(number: int, tmp_path: Path) -> None:
    """A record is not lost to what the fast encoder cannot do."""
    line, record = write(tmp_path / "audit.jsonl", record_of("", size=number))
    assert line.isascii()
    assert record["bytes"] == number
