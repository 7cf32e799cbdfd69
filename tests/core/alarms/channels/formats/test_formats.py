"""What each format makes of a notice, whatever is in it."""

import json
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate.alarms.channels.formats import alertmanager, document, ntfy, slack
from hookgate.alarms.channels.formats.message import LONGEST_HEADLINE, make_message, render_text
from hookgate.alarms.notice import TEST, Notice, Severity
from support.alarm_formats import faults
from support.notices import BEGAN, notice, resolved

UNTIL = BEGAN + timedelta(hours=2, minutes=30)
FORMATS: list[tuple[str, Any, str]] = [
    ("json", document, "https://example.com/alarms"),
    ("slack", slack, "https://example.com/services/T/B/X"),
    ("ntfy", ntfy, "https://example.com/a-topic"),
    ("alertmanager", alertmanager, "http://127.0.0.1:9093"),
]
# What may stand in a name of a configuration, in a file's path, in an error of the system.
HOSTILE = st.one_of(
    st.text(st.characters(), max_size=300),
    st.sampled_from(
        ["<!channel> <https://example.com|x>", "&amp;", "&" * 5000, "\r\n\r\n", "\x1b[31m",
         "\ud800",
         "\u202eabc", "*bold* `x`", "\u2028", "\x00", "😀" * 3000, ""]
    ),
)  # fmt: skip
MOMENTS = st.datetimes(datetime(2, 1, 2), datetime(9998, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
NOTICES = st.builds(
    Notice, HOSTILE, HOSTILE, st.sampled_from(Severity), HOSTILE, HOSTILE,
    st.lists(HOSTILE, max_size=40).map(tuple), HOSTILE, MOMENTS, st.none() | MOMENTS,
)  # fmt: skip


@given(NOTICES)
def test_every_notice_keeps_what_its_receiver_documents(given_notice: Notice) -> None:
    """Lengths, escapes, names, times; and no character that is not printable."""
    for kind, module, url in FORMATS:
        target, composed = module.compose(url, given_notice, UNTIL)
        assert target.startswith(("https://example.com/", "http://127.0.0.1:9093/"))
        assert faults(kind, orjson.dumps(composed)) == [], kind
        assert unprintable(json.dumps(composed, ensure_ascii=False).replace("\\n", "")) == set()
    assert unprintable(render_text(given_notice).replace("\n", "")) == set()
    assert len(render_text(given_notice).encode()) < 65_536  # what a pipe takes unread


def unprintable(text: str) -> set[str]:
    """Controls, marks of direction, halves of surrogates, ends of lines and paragraphs."""
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}


@given(NOTICES)
def test_the_first_line_is_short_and_the_only_one_of_the_summary(given_notice: Notice) -> None:
    """As a phone shows it."""
    first, empty, *facts = render_text(given_notice).splitlines()
    assert len(first) <= LONGEST_HEADLINE
    assert first.startswith("[")
    assert empty == ""
    assert facts[0].startswith("Alarm: ")


@given(NOTICES)
def test_what_waits_comes_back_as_it_would_have_been_told(given_notice: Notice) -> None:
    """Through JSON, as a state file keeps it."""
    kept = document.to_document(given_notice)
    again = document.from_document(json.loads(json.dumps(kept)))
    assert document.to_document(again) == kept


@pytest.mark.parametrize(
    "damaged",
    [None, 1, "x", [], {}, {"condition": 1}]
    + [
        document.to_document(notice()) | change
        for change in (
            {"severity": "loud"}, {"began": "yesterday"}, {"began": "2026-11-29T03:00:00"},
            {"began": 5}, {"began": "0001-01-01T00:00:00+14:00"},
            {"ended": "9999-12-31T23:59:59-12:00"}, {"ended": ""},
            {"details": [1]}, {"details": None}, {"subject": None},
        )
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_notice_is_refused(damaged: Any) -> None:
    """A state file may have been edited."""
    with pytest.raises(ValueError):
        document.from_document(damaged)


def test_text_reads_well() -> None:
    """The summary first, then what is known, then what to do."""
    assert render_text(notice()) == (
        "[CRITICAL] gate-1: nothing came for 30 minutes\n"
        "\n"
        "Alarm: silence (/cm/events)\n"
        "Gate: gate-1\n"
        "Began: 2026-11-29 03:00:00Z\n"
        "The last delivery was at 02:30:00 UTC.\n"
        "What to do: See whether CM.com reaches the gate.\n"
    )


def test_an_end_says_so_and_asks_for_nothing() -> None:
    """In the first word, and with its time."""
    text = render_text(resolved())
    assert text.startswith("[RESOLVED] gate-1: events come again\n")
    assert "Ended: 2026-11-29 03:30:00Z" in text
    assert "What to do" not in text
    assert make_message(notice(condition=TEST)).headline.startswith("[TEST]")


def test_the_gate_is_named_once() -> None:
    """Where the summary does not name it already."""
    assert make_message(notice("gate-1 is down")).headline == "[CRITICAL] gate-1 is down"


def test_slack_shows_markup_as_it_was_written() -> None:
    """A mention reaches nobody, and no word is a link."""
    _, sent = slack.compose("", notice("<!channel> *now* & <https://example.com|here>"), UNTIL)
    header = sent["blocks"][0]["text"]
    assert header["type"] == "plain_text"
    assert "&lt;!channel&gt; *now* &amp; &lt;https" in header["text"]
    assert sent["text"] == header["text"]


def test_slack_cuts_between_what_it_escaped() -> None:
    """Half an entity would be shown as it is."""
    _, sent = slack.compose("", notice("&" * 200), UNTIL)
    assert sent["blocks"][0]["text"]["text"].endswith("&amp;…")


def test_ntfy_posts_to_the_root_with_the_topic_inside() -> None:
    """With the priority and the tag of what happened."""
    target, sent = ntfy.compose("https://user:pass@ntfy.example:8443/topic_1", notice(), UNTIL)
    assert target == "https://user:pass@ntfy.example:8443/"
    assert (sent["topic"], sent["priority"], sent["tags"]) == ("topic_1", 5, ["rotating_light"])
    _, sent = ntfy.compose("https://ntfy.example/t", notice(severity=Severity.WARNING), UNTIL)
    assert (sent["priority"], sent["tags"]) == (4, ["warning"])
    _, sent = ntfy.compose("https://ntfy.example/t", resolved(), UNTIL)
    assert (sent["priority"], sent["tags"]) == (3, ["white_check_mark"])


@pytest.mark.parametrize("character", ["x", "é", "€", "😀", '"', "\\"])
def test_ntfy_is_sent_no_message_that_it_takes_for_a_file(character: str) -> None:
    """It would refuse it, or a phone would show its name alone."""
    for more in range(4):  # of one that is cut between characters each remainder
        details = ("x" * more, *(character * 200,) * 19)
        _, sent = ntfy.compose("https://ntfy.example/t", notice(details=details), UNTIL)
        assert faults("ntfy", orjson.dumps(sent)) == []
        assert sent["message"].startswith("Alarm: ")


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://127.0.0.1:9093", "http://127.0.0.1:9093/api/v2/alerts"),
        ("http://127.0.0.1:9093/", "http://127.0.0.1:9093/api/v2/alerts"),
        ("http://am.example/prefix", "http://am.example/prefix/api/v2/alerts"),
        ("http://am.example/api/v2/alerts", "http://am.example/api/v2/alerts"),
        ("http://am.example/api/v2/alerts/", "http://am.example/api/v2/alerts"),
    ],
)
def test_alertmanager_is_asked_by_its_api(url: str, target: str) -> None:
    """Behind a prefix, too."""
    assert alertmanager.compose(url, notice(), UNTIL)[0] == target


def test_alertmanager_knows_an_alarm_again_at_its_end() -> None:
    """By the same labels; what lasts ends by itself only long after it was sent."""
    _, (raised,) = alertmanager.compose("", notice(condition="ledger_failing"), UNTIL)
    _, (ended,) = alertmanager.compose("", resolved(condition="ledger_failing"), UNTIL)
    assert raised["labels"] == ended["labels"]
    assert raised["labels"]["alertname"] == "HookgateLedgerFailing"
    assert raised["endsAt"] == "2026-11-29T05:30:00.000Z"
    assert ended["endsAt"] == "2026-11-29T03:30:00.000Z"


def test_the_documented_alarm_is_what_is_sent() -> None:
    """Each member of the schema, and no other."""
    sent = document.to_document(notice())
    schema = json.loads(alarm_schema())
    assert list(sent) == schema["required"] == list(schema["properties"])


def alarm_schema() -> str:
    from importlib.resources import files

    return (files("hookgate.alarms") / "notice.schema.json").read_text()
