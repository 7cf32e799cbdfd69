"""Telling by several channels at once: order, retries, what is lost, and what is kept for later."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hookgate.alarm_settings import ChannelSettings
from hookgate.alarms.channels.all import Channels
from hookgate.alarms.channels.channel import MOST_WAITING, Patience
from hookgate.alarms.channels.formats.message import render_text
from hookgate.alarms.notice import Severity
from support.alarm_formats import faults
from support.notices import Remembered, channel, notice, resolved
from support.receiver import OK, Receiver, Seen, receiving
from support.scripted import reset, scripted

KINDS = ("json", "slack", "ntfy", "alertmanager")
# So that no test waits: pauses of a hundredth, and nothing given up by itself.
PATIENT = Patience(deadline=30, first_pause=0.01, longest_pause=0.01, give_up=600)
FAILED = b"HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n"
REFUSED = b"HTTP/1.1 400 x\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def log() -> Remembered:
    return Remembered()


@contextmanager
def telling(
    log: Remembered, *settings: ChannelSettings, patience: Patience = PATIENT, pending: Any = ()
) -> Iterator[Channels]:
    """Channels that are closed at the end, whatever they still hold."""
    channels = Channels(settings, log.logger, pending, patience)
    try:
        yield channels
    finally:
        channels.close(0)


def until(true: Callable[[], Any]) -> None:
    """Wait for what another thread does."""
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


def summaries(seen: list[Seen]) -> list[str]:
    """Of notices in hookgate's own JSON."""
    return [json.loads(each.body)["summary"] for each in seen]


def url(receiver: Receiver, kind: str) -> str:
    return receiver.url + ("" if kind == "alertmanager" else "/a-topic")


def test_every_kind_is_told_both_what_began_and_what_ended(log: Remembered, tmp_path: Path) -> None:
    """In this order, each in its receiver's own form."""
    program = tmp_path / "tell"
    program.write_text(f"#!/bin/sh\ncat >> {tmp_path}/told\n")
    program.chmod(0o755)
    with receiving() as receiver:
        settings = [channel(kind, url(receiver, kind)) for kind in KINDS]
        with telling(log, *settings, channel("command", command=(str(program),))) as channels:
            channels.tell(notice())
            channels.tell(resolved())
            channels.close(60)
            assert channels.pending() == []
        by_path: dict[bytes, list[bytes]] = {}
        for seen in receiver.seen:
            kind = kind_of(seen)
            assert faults(kind, seen.body) == []
            by_path.setdefault(kind.encode(), []).append(seen.body)
    for kind in KINDS:
        first, second = by_path[kind.encode()]
        assert b"nothing came" in first
        assert b"events come again" in second
    assert (tmp_path / "told").read_text() == render_text(notice()) + render_text(resolved())
    assert log.lines == []


def kind_of(seen: Seen) -> str:
    """By what a request looks like."""
    body = json.loads(seen.body)
    if isinstance(body, list):
        return "alertmanager"
    return "slack" if "blocks" in body else "ntfy" if "topic" in body else "json"


def test_a_channel_that_fails_holds_up_no_other(log: Remembered) -> None:
    """And not who tells: one that hangs, one that resets, one that is not there."""
    held = threading.Event()

    def hang(connection: Any) -> bool:
        held.wait(60)
        return False

    with scripted(hang) as hanging, scripted(reset) as resetting, receiving() as well:
        bad = [
            channel("slack", f"{hanging.url}/x", name="hangs"),
            channel("slack", f"{resetting.url}/x", name="resets"),
            channel("slack", "http://127.0.0.1:9/x", name="nobody"),
        ]
        with telling(log, *bad, channel("json", f"{well.url}/x", name="well")) as channels:
            for number in range(20):
                channels.tell(notice(str(number)))
            assert summaries(well.wait_for(20)) == [str(number) for number in range(20)]
            assert {each["channel"] for each in channels.pending()} >= {"hangs", "nobody"}
        held.set()


def test_what_fails_is_told_again_in_order_and_said_once(log: Remembered) -> None:
    """The end of an alarm never comes before its beginning."""
    answers = [FAILED] * 5 + [OK] * 2
    with receiving(lambda _: answers.pop(0)) as receiver:
        with telling(log, channel("json", f"{receiver.url}/x", name="on-call")) as channels:
            channels.tell(notice("began"))
            channels.tell(resolved("ended"))
            until(lambda: not channels.pending())
        assert summaries(receiver.seen) == ["began"] * 6 + ["ended"]
    assert log.events() == ["alarm.channel_failing", "alarm.channel_works"]
    assert (
        log.lines[0] | {"channel": "on-call", "kind": "json", "why": "answered 500"}
        == (log.lines[0])
    )


def test_what_cannot_be_told_is_given_up_counted_and_said_once(log: Remembered) -> None:
    """After its time; with the channel, the cause and the condition, and no URL."""
    answers: list[bytes] = []
    with receiving(lambda _: answers.pop() if answers else FAILED) as receiver:
        settings = channel("json", f"{receiver.url}/canary5ecret", name="on-call")
        patience = Patience(30, 0.01, 0.01, give_up=0.0)
        with telling(log, settings, patience=patience) as channels:
            for _ in range(5):
                channels.tell(notice())
            until(lambda: channels.not_told() == {"on-call": 5} and len(log.lines) == 2)
            assert channels.pending() == []
            answers.append(OK)
            channels.tell(notice())
            until(lambda: len(log.lines) == 3)
    assert log.events() == ["alarm.channel_failing", "alarm.not_told", "alarm.channel_works"]
    assert log.lines[1]["condition"] == "silence"
    assert log.lines[2]["not_told"] == 5
    assert "canary5ecret" not in str(log.lines)


def test_a_notice_that_is_refused_itself_does_not_hold_up_the_next(log: Remembered) -> None:
    """To send the same again would be of no use."""
    answers = [REFUSED, OK]
    with (
        receiving(lambda _: answers.pop(0)) as receiver,
        telling(log, channel("json", f"{receiver.url}/x")) as channels,
    ):
        channels.tell(notice("bad"))
        channels.tell(notice("good"))
        assert summaries(receiver.wait_for(2)) == ["bad", "good"]
        until(lambda: not channels.pending())
        assert channels.not_told() == {"json": 1}


def test_of_too_many_the_oldest_give_way(log: Remembered) -> None:
    """All but the one that is on its way: what is news is what matters."""
    held = threading.Event()

    def respond(_: Seen) -> bytes:
        held.wait(60)
        return OK

    with (
        receiving(respond) as receiver,
        telling(log, channel("json", f"{receiver.url}/x")) as channels,
    ):
        channels.tell(notice("first"))
        receiver.wait_for(1)
        for number in range(3 * MOST_WAITING):
            channels.tell(notice(str(number)))
        waiting = [each["notice"]["summary"] for each in channels.pending()]
        assert len(waiting) == MOST_WAITING
        assert waiting[0] == "first"
        assert waiting[-1] == str(3 * MOST_WAITING - 1)
        assert channels.not_told() == {"json": 2 * MOST_WAITING + 1}
        held.set()
        channels.close(60)
        assert summaries(receiver.seen) == waiting
    assert log.lines[0]["not_told"] == 2 * MOST_WAITING + 1


@pytest.mark.parametrize(
    ("least", "severity", "is_told"),
    [
        ("warning", Severity.WARNING, True),
        ("warning", Severity.CRITICAL, True),
        ("critical", Severity.WARNING, False),
        ("critical", Severity.CRITICAL, True),
    ],
)
def test_a_channel_is_told_what_is_severe_enough(
    least: str, severity: Severity, is_told: bool, log: Remembered
) -> None:
    """And the same of its end."""
    settings = channel("json", "http://127.0.0.1:9/x", severity=least)
    with telling(log, settings) as channels:
        channels.tell(notice(severity=severity))
        channels.tell(resolved(severity=severity))
        assert len(channels.pending()) == 2 * is_told


def test_what_waits_at_a_stop_is_told_after_the_next_start(log: Remembered) -> None:
    """First of all, and in order; through JSON, as a state file keeps it."""
    with receiving(lambda _: FAILED) as receiver:
        slow = Patience(30, first_pause=3600, longest_pause=3600)
        settings = channel("json", f"{receiver.url}/x")
        with telling(log, settings, patience=slow) as channels:
            channels.tell(notice("began"))
            channels.tell(resolved("ended"))
            receiver.wait_for(1)
            channels.close(60)
            kept = json.dumps(channels.pending())
            assert len(receiver.seen) == 2  # once more at the stop, without the pause
        receiver.respond = lambda _: OK
        with telling(log, settings, pending=json.loads(kept)) as channels:
            channels.tell(notice("news"))
            channels.close(60)
            assert channels.pending() == []
        assert summaries(receiver.seen[2:]) == ["began", "ended", "news"]


@pytest.mark.parametrize(
    ("pending", "dropped"),
    [
        ([], 0),
        (None, 1),
        ("x", 1),
        ([1, {}, {"channel": "json"}, {"channel": [], "notice": {}}, {"channel": "gone"}], 5),
        ([{"channel": "json", "notice": {"condition": "silence"}}], 1),
    ],
)
def test_a_damaged_state_keeps_nobody_from_starting(
    pending: Any, dropped: int, log: Remembered
) -> None:
    """What of it is of no use is counted."""
    with telling(log, channel("json", "http://127.0.0.1:9/x"), pending=pending) as channels:
        assert channels.pending() == []
    assert [line["notices"] for line in log.lines] == [dropped] * bool(dropped)


def test_a_stop_waits_for_no_channel_that_hangs(log: Remembered, tmp_path: Path) -> None:
    """What it was telling stays to be told, and a command is killed."""
    program = tmp_path / "tell"
    pid_file = tmp_path / "pid"
    program.write_text(
        f"#!/bin/sh\necho $$ > {pid_file}.new; mv {pid_file}.new {pid_file}\nsleep 600\n"
    )
    program.chmod(0o755)
    with receiving(lambda _: None) as receiver:
        both = channel("json", f"{receiver.url}/x"), channel("command", command=(str(program),))
        patience = Patience(deadline=600)
        with telling(log, *both, patience=patience) as channels:
            channels.tell(notice())
            receiver.wait_for(1)
            until(pid_file.exists)
            channels.close(0.1)
            assert [each["channel"] for each in channels.pending()] == ["json", "command"]
    pid = pid_file.read_text().strip()
    until(lambda: not Path(f"/proc/{pid}").exists())


def test_alertmanager_is_reminded_of_what_lasts(log: Remembered) -> None:
    """It forgets all when it starts anew; of what ended nothing is said again."""
    with receiving() as receiver:
        patience = Patience(again=0.02)
        settings = channel("alertmanager", receiver.url)
        with telling(log, settings, patience=patience) as channels:
            channels.tell(notice(subject="/a"))
            channels.tell(notice(subject="/b"))
            until(lambda: all(subjects(receiver).count(each) >= 4 for each in ("/a", "/b")))
            channels.tell(resolved(subject="/a"))
            until(lambda: any(is_end(seen) for seen in receiver.seen))
            before = len(receiver.seen)
            until(lambda: len(receiver.seen) >= before + 6)
        ended = next(n for n, seen in enumerate(receiver.seen) if is_end(seen))
    assert set(subjects(receiver)[ended + 1 :]) == {"/b"}


def is_end(seen: Seen) -> bool:
    return b"events come again" in seen.body


def subjects(receiver: Receiver) -> list[str]:
    return [json.loads(seen.body)[0]["labels"]["subject"] for seen in list(receiver.seen)]


def test_alertmanager_is_told_the_end_of_what_has_become_worse(log: Remembered) -> None:
    """There the severity is a label: what is critical by now is another alert."""
    with receiving() as receiver:
        with telling(log, channel("alertmanager", receiver.url)) as channels:
            channels.tell(notice(severity=Severity.WARNING))
            channels.tell(notice(severity=Severity.CRITICAL))
            channels.tell(resolved(severity=Severity.CRITICAL))
            channels.close(60)
        alerts = [json.loads(seen.body)[0] for seen in receiver.seen]
    ends = [datetime.fromisoformat(alert["endsAt"]) > datetime.now(UTC) for alert in alerts]
    severities = [alert["labels"]["severity"] for alert in alerts]
    assert severities == ["warning", "warning", "critical", "critical"]
    assert ends == [True, False, True, False]


def test_a_test_says_of_each_channel_what_came_of_it(log: Remembered) -> None:
    """Whatever waits, and however little severe a channel wants to hear of."""
    with receiving() as well, receiving(lambda _: FAILED) as broken:
        settings = [
            channel("json", f"{well.url}/x", name="well", severity="critical"),
            channel("slack", f"{broken.url}/canary5ecret", name="broken"),
            channel("command", name="gone", command=("/nowhere/tell",)),
        ]
        with telling(log, *settings) as channels:
            tried = channels.test("gate-1")
            assert channels.pending() == []
    assert [(each.channel.name, each.outcome.told, each.outcome.why) for each in tried] == [
        ("well", True, "answered 200"),
        ("broken", False, "answered 500"),
        ("gone", False, "cannot be run: no such file or directory"),
    ]
    assert all(0 <= each.outcome.seconds < 60 for each in tried)
    assert json.loads(well.seen[0].body)["condition"] == "test"
    assert "canary5ecret" not in f"{tried}{log.lines}"


def test_without_channels_nothing_is_told(log: Remembered) -> None:
    """And nothing fails."""
    with telling(log) as channels:
        channels.tell(notice())
        assert (channels.test("gate-1"), channels.pending(), channels.not_told()) == ([], [], {})


def test_a_fault_in_a_format_is_an_outcome(log: Remembered) -> None:
    """No thread dies of it: the next notice is told."""
    with receiving() as receiver:
        patience = Patience(30, 0.01, 0.01, give_up=0.0)
        with telling(log, channel("json", f"{receiver.url}/x"), patience=patience) as channels:
            channels.tell(notice(details=(None,)))
            channels.tell(notice("good"))
            assert summaries(receiver.wait_for(1)) == ["good"]
    assert log.lines[0]["why"].startswith("cannot be sent (")
