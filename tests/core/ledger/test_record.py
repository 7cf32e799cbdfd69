"""What a record takes from an event, and what it leaves out."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.ledger.privacy import Privacy
from hookgate.ledger.record import (
    Ending,
    Record,
    begin_record,
    end_record,
    head_fields,
)
from hookgate.policy import Decision, Outcome, Reason, make_head
from hookgate.policy.event_reader import LONGEST_TEXT
from hookgate.settings import PersonalData
from support.events import CLEAN, RCS, event
from support.examples import many

PLAIN = Privacy(PersonalData.PLAIN, b"")
HEAD = make_head("192.0.2.1", b"POST", b"/", [])
NO_EVENT: Record = dict.fromkeys(
    ("reference", "event_reference", "channel", "event_type", "from", "to", "time_utc")
)
WORD = re.compile(r"[A-Za-z_ ]{1,64}")

ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=400)
ANY_VALUE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)
MEMBERS = st.sampled_from(["reference", "from", "to", "event", "channel", "timeUtc", "type"])
PARTY = st.fixed_dictionaries({"number": ANY_VALUE})
DOCUMENTS = st.dictionaries(
    MEMBERS, ANY_VALUE | PARTY | st.fixed_dictionaries({"type": ANY_VALUE, "reference": ANY_VALUE})
)


def from_body(body: bytes) -> Record:
    """The record's part of an event, as for a body that was refused unparsed."""
    return begin_record(NO_EVENT, Decision(HEAD, body), PLAIN)


def read_event(document: dict[str, Any], privacy: Privacy) -> Record:
    """The same, as for a body that parsed to this."""
    decision = Decision(HEAD, b"{}")
    decision.document = document
    return begin_record(NO_EVENT, decision, privacy)


def test_the_recorded_members_are_those_of_the_event() -> None:
    """Every recorded member comes from its place in the document."""
    document = {**RCS, "event": {"type": "SuggestionClick", "reference": "r-2"}}
    assert read_event(document, PLAIN) == {
        "reference": "121c38a5-cf77-424a-9ea9-d6c044a845f8",
        "event_reference": "r-2",
        "channel": "RCS",
        "event_type": "SuggestionClick",
        "from": "0031612345678",
        "to": "003222556611",
        "time_utc": "2025-09-03T08:00:05",
    }


@settings(max_examples=many(300), deadline=None)
@given(DOCUMENTS)
def test_whatever_the_document_its_record_is_bounded_text_or_nothing(
    document: dict[str, Any],
) -> None:
    """No member's type or size gets past what a record may hold."""
    read = read_event(document, PLAIN)
    assert all(
        text is None or (type(text) is str and len(text) <= LONGEST_TEXT) for text in read.values()
    )
    for word in (read["channel"], read["event_type"]):
        assert word is None or WORD.fullmatch(word)


@pytest.mark.parametrize(
    ("sent", "recorded"),
    [(0, "0"), (42, "42"), (2**64 - 1, str(2**64 - 1)), ("0042", "0042"), ("", ""), (None, None)],
)
def test_names_that_are_digits_are_recorded_as_text(sent: Any, recorded: str | None) -> None:
    """Whoever asks for them types digits; "" and null stay as they came."""
    read = read_event({"reference": sent, "event": {"reference": sent}}, PLAIN)
    assert (read["reference"], read["event_reference"]) == (recorded, recorded)


@pytest.mark.parametrize("value", [None, True, -1, 2**64, 1.5, [], ["RCS"], {}, {"number": "1"}])
def test_members_of_another_type_are_left_out(value: Any) -> None:
    """A text is recorded only where a text or digits were sent."""
    document = {name: value for name in RCS if name not in ("from", "to", "event")}
    document |= {"from": {"number": value}, "to": value, "event": {"type": value}}
    read = read_event(document, PLAIN)
    if value == {"number": "1"}:
        assert read == {**NO_EVENT, "to": "1"}
    else:
        assert read == NO_EVENT


@pytest.mark.parametrize(
    ("sent", "recorded"),
    [
        ("RCS", "RCS"),
        ("Google Business Messages", "Google Business Messages"),
        ("x" * 64, "x" * 64),
        pytest.param("x" * 65, "other", id="65 letters"),
        ("", "other"),
        ("0031612345678", "other"),
        ("RCS\n", "other"),
        ("RÇS", "other"),
        ("\x1b[31mRCS", "other"),
        ("\ud800", "other"),
    ],
)
def test_channel_and_event_type_are_words_or_other(sent: str, recorded: str) -> None:
    """Metrics and reports group by these two: a sender cannot make them into anything."""
    read = read_event({"channel": sent, "event": {"type": sent}}, PLAIN)
    assert (read["channel"], read["event_type"]) == (recorded, recorded)


@pytest.mark.parametrize("mode", PersonalData)
def test_an_identifier_is_recorded_as_the_privacy_says(mode: PersonalData) -> None:
    """`from` and `to` never bypass the setting."""
    privacy = Privacy(mode, b"0123456789abcdef")
    read = read_event(RCS, privacy)
    assert read["from"] == privacy.record("0031612345678")
    assert read["to"] == privacy.record("003222556611")


@pytest.mark.parametrize(
    ("body", "reference", "channel"),
    [
        pytest.param(CLEAN[:-1], RCS["reference"], "RCS", id="cut before the end"),
        pytest.param(CLEAN[: CLEAN.index(b"from")], RCS["reference"], None, id="cut early"),
        pytest.param(CLEAN + b"}", RCS["reference"], "RCS", id="something behind it"),
        pytest.param(b'{"reference":"a","reference":"b"}', "b", None, id="a duplicate key"),
        pytest.param(b'{"reference":"a","n":1e999}', "a", None, id="a number out of range"),
        pytest.param(b'{"reference":"a","n":NaN}', "a", None, id="NaN"),
        pytest.param(b'{"reference":"a', None, None, id="cut within the value"),
        pytest.param(b'["reference"]', None, None, id="an array"),
        pytest.param(b'"reference"', None, None, id="a string"),
        pytest.param(b"[" * 100_000, None, None, id="too deep"),
        pytest.param(b'{"reference":"\xff"}', None, None, id="not UTF-8"),
        pytest.param(event().decode().encode("utf-16"), None, None, id="UTF-16"),
        pytest.param(b"", None, None, id="empty"),
    ],
)
def test_of_a_broken_body_what_can_be_read_is_recorded(
    body: bytes, reference: str | None, channel: str | None
) -> None:
    """Somebody will look for the event that was refused, by its reference."""
    read = from_body(body)
    assert (read["reference"], read["channel"]) == (reference, channel)


@settings(max_examples=many(300), deadline=None)
@given(st.binary(max_size=200) | st.integers(0, len(CLEAN)).map(lambda cut: CLEAN[:cut]))
def test_no_body_breaks_the_reading(body: bytes) -> None:
    """Any bytes at all yield bounded texts or nothing, never an exception."""
    read = from_body(body)
    assert all(text is None or len(text) <= LONGEST_TEXT for text in read.values())


@pytest.mark.parametrize(
    ("ending", "status", "outcome"),
    [
        (Ending(Reason.CLEAN, upstream_status=204), 200, Outcome.DELIVERED),
        (Ending(Reason.UPSTREAM_REJECTED, (), 418, 418), 418, Outcome.FAILED),
        (Ending(Reason.UPSTREAM_TIMEOUT), 504, Outcome.FAILED),
        (Ending(Reason.CONTRACT_VIOLATION), 422, Outcome.REFUSED),
        (Ending(Reason.CLIENT_GONE), None, Outcome.ABORTED),
    ],
)
def test_a_status_is_the_reasons_but_for_a_relayed_one(
    ending: Ending, status: int | None, outcome: Outcome
) -> None:
    """The record tells what the sender was answered."""
    record = begin_record(head_fields(None, None, "192.0.2.1", "b", "test", "p"), None, PLAIN)
    end_record(
        record,
        ending,
        None,
        seq=1,
        request_id="b-1",
        gone=False,
        size=0,
        sha256=None,
        duration_ms=0.1,
        upstream_ms=None,
    )
    assert (record["status"], record["outcome"]) == (status, outcome)
    assert record["answered"] == (status is not None)


@pytest.mark.parametrize(
    ("sent", "recorded"),
    [
        ([], None),
        (["application/json"], "application/json"),
        (["Application/JSON ; charset=utf-8"], "application/json"),
        (["application/ld+json;profile=0031612345678"], "application/ld+json"),
        (["text/plain", "application/json"], "text/plain"),
        (["application/json, text/html"], "other"),
        (["application/0031612345678"], "other"),
        (["json"], "other"),
        ([""], "other"),
        (["text/" + "x" * 61], "other"),
        (["application/json\x80"], "other"),
    ],
)
def test_a_media_type_is_letters_or_other(sent: list[str], recorded: str | None) -> None:
    """Of a Content-Type neither parameters nor digits are recorded; of several, the first."""
    fields = [(b"Content-Type", value.encode("latin-1")) for value in sent]
    decision = Decision(make_head("192.0.2.1", b"POST", b"/", fields))
    assert head_fields(decision, None, "192.0.2.1", "b", "test", "p")["content_type"] == recorded
