"""What a sender is answered."""

import json

import pytest

from hookgate.gate.answer import (
    BARE_FAILURE,
    DELIVERED,
    RETRY_AFTER_SECONDS,
    Answer,
    make_answer,
    make_unrelayed,
    relay,
)
from hookgate.policy import Outcome, Reason
from hookgate.upstream.response import Response

REFUSALS = [reason for reason in Reason if reason not in (Reason.CLEAN, Reason.UPSTREAM_REJECTED)]
REFUSALS.remove(Reason.CLIENT_GONE)


def answer(reason: Reason, *details: str, foreign: bool = False) -> Answer:
    return make_answer(reason, details, "boot-1f", "POST, PUT", foreign=foreign)


def test_success_is_exactly_200_and_nothing_else() -> None:
    """No body and no field that says more."""
    assert DELIVERED == (200, [], b"", False)


@pytest.mark.parametrize("reason", REFUSALS, ids=lambda reason: reason.code)
def test_a_refusal_is_a_problem_document(reason: Reason) -> None:
    """RFC 9457: the reason's status, its code, the findings in words and the request's id."""
    made = answer(reason, "/timeUtc: missing", "/channel: missing")
    assert made.status == reason.status
    assert (b"Content-Type", b"application/problem+json") in made.fields
    document = json.loads(made.body)
    assert document.pop("title")
    assert document == {
        "type": "about:blank",
        "status": reason.status,
        "reason": reason.code,
        "request_id": "boot-1f",
        "errors": ["/timeUtc: missing", "/channel: missing"],
    }


@pytest.mark.parametrize("reason", REFUSALS, ids=lambda reason: reason.code)
def test_a_stranger_learns_nothing(reason: Reason) -> None:
    """The same status, an empty body, and not even its media type."""
    made = answer(reason, "a detail", foreign=True)
    assert made.status == reason.status
    assert made.body == b""
    assert b"Content-Type" not in dict(made.fields)


@pytest.mark.parametrize("foreign", [False, True])
@pytest.mark.parametrize("reason", REFUSALS, ids=lambda reason: reason.code)
def test_only_a_wrong_method_is_told_the_right_ones(reason: Reason, foreign: bool) -> None:
    """RFC 9110 15.5.6 requires Allow with 405."""
    fields = dict(answer(reason, foreign=foreign).fields)
    expected = b"POST, PUT" if reason is Reason.METHOD_NOT_ALLOWED else None
    assert fields.get(b"Allow") == expected


@pytest.mark.parametrize("foreign", [False, True])
@pytest.mark.parametrize("reason", REFUSALS, ids=lambda reason: reason.code)
def test_only_what_is_ours_asks_for_another_try(reason: Reason, foreign: bool) -> None:
    """Every 503 and nothing else carries Retry-After."""
    fields = dict(answer(reason, foreign=foreign).fields)
    expected = b"%d" % RETRY_AFTER_SECONDS if reason.status == 503 else None
    assert fields.get(b"Retry-After") == expected


def test_no_field_is_twice_and_none_frames_the_answer() -> None:
    """Length, date and connection are the front's to add."""
    for reason in REFUSALS:
        names = [name.lower() for name, _ in answer(reason).fields]
        assert len(names) == len(set(names))
        assert not {b"content-length", b"date", b"connection", b"transfer-encoding"} & set(names)


def test_the_bare_failure_asks_for_another_try() -> None:
    """For when even building an answer fails: a 503 that needs nothing."""
    assert BARE_FAILURE.status == 503
    assert dict(BARE_FAILURE.fields) == {b"Retry-After": b"%d" % RETRY_AFTER_SECONDS}
    assert BARE_FAILURE.body == b""


@pytest.mark.parametrize("details", [(), ("é \u2028 \x1b[0m",), tuple("x" * 300 for _ in range(8))])
def test_any_words_make_a_document(details: tuple[str, ...]) -> None:
    """Whatever a finding says, the answer is JSON that says the same."""
    made = answer(Reason.CONTRACT_VIOLATION, *details)
    assert json.loads(made.body)["errors"] == list(details)


def test_no_refusal_is_answered_as_a_success() -> None:
    """Nothing but a delivery is 2xx, so the provider tries again."""
    for reason in Reason:
        if reason.outcome is not Outcome.DELIVERED:
            for foreign in (False, True):
                assert answer(reason, foreign=foreign).status >= 400


@pytest.mark.parametrize(
    ("status", "has_length"), [(200, True), (201, True), (204, False), (205, True), (304, False)]
)
def test_a_length_goes_where_a_body_may(status: int, has_length: bool) -> None:
    """RFC 9110 8.6; a 205 says that there is none by a length of 0 (15.3.6)."""
    made = relay(Response(status, [(b"Content-Length", b"2"), (b"A", b"b")], b""))
    assert (made, made.has_length) == (Answer(status, [(b"A", b"b")], b""), has_length)


def test_an_answer_that_was_not_whole_says_that_the_event_arrived() -> None:
    """The reason is the record's, and the sender may know that it need not send again."""
    made = make_unrelayed("boot-1f")
    assert made.status == 502
    assert json.loads(made.body) == {
        "type": "about:blank",
        "title": "Bad Gateway",
        "status": 502,
        "reason": "clean",
        "request_id": "boot-1f",
        "errors": ["the event arrived, but the endpoint's answer did not come whole"],
    }
