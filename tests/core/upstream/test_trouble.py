"""Trouble with the endpoint is said once when it begins and once when it is over."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
import structlog

from hookgate.config.build import load
from hookgate.gate.gate import Gate
from hookgate.policy import Reason
from hookgate.upstream.error import Failure, UpstreamError
from hookgate.upstream.trouble import CALM_SECONDS, Troubles

URL = "http://127.0.0.1:1"
REFUSED = Failure(Reason.UPSTREAM_UNREACHABLE, UpstreamError.REFUSED, "ECONNREFUSED")
LATE = Failure(Reason.UPSTREAM_TIMEOUT, UpstreamError.TIMEOUT_ANSWER)
STOPPED = Failure(Reason.UPSTREAM_TIMEOUT, UpstreamError.CUT_OFF)


class Play:
    """An endpoint's fate by the second, and what was said of it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.exchanges = 0
        self.said: list[dict[str, Any]] = []

        def remember(_: Any, __: str, entry: Any) -> str:
            self.said.append(dict(entry))
            return ""

        self.log: structlog.BoundLogger = structlog.wrap_logger(
            structlog.ReturnLogger(), [remember], structlog.BoundLogger
        )
        self.troubles = Troubles(self.log, lambda: self.exchanges)

    def fail(self, failed: Failure = REFUSED) -> None:
        self.troubles.note(failed, URL, self.now)
        self.exchanges += 1

    def answer(self) -> None:
        self.exchanges += 1

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += 1
            self.troubles.tick(self.now)

    @property
    def story(self) -> list[str]:
        sign = {"upstream.failing": "+", "upstream.no_longer_failing": "-"}
        return [
            sign[entry["event"]] + entry["error"] for entry in self.said if entry["event"] in sign
        ]


@pytest.fixture
def play() -> Play:
    return Play()


def test_many_failures_are_two_lines(play: Play) -> None:
    """However many deliveries fail; the second says how many."""
    for _ in range(60):
        for _ in range(100):
            play.fail()
        play.wait(1)
    assert play.story == ["+refused"]
    assert play.troubles.present == ["refused"]
    play.answer()
    play.wait(CALM_SECONDS)
    assert play.story == ["+refused", "-refused"]
    assert play.troubles.present == []
    began, ended = play.said
    assert (began["upstream"], began["detail"]) == (URL, "ECONNREFUSED")
    assert (began["means"], began["mend"]) == (REFUSED.error.means, REFUSED.error.mend)
    assert (ended["failed"], ended["seconds"]) == (6000, 59)


def test_a_cause_is_over_after_just_that_long(play: Play) -> None:
    """Not a tick before, nor one after."""
    play.fail()
    play.answer()
    play.wait(CALM_SECONDS - 1)
    assert play.story == ["+refused"]
    play.wait(1)
    assert play.story == ["+refused", "-refused"]


def test_what_fails_now_and_then_is_one_trouble(play: Play) -> None:
    """Every other one, or one in a thousand: never a line for each."""
    for _ in range(600):
        play.fail()
        play.answer()
        play.wait(CALM_SECONDS - 1)
    assert play.story == ["+refused"]


def test_silence_is_no_recovery(play: Play) -> None:
    """Where nothing goes to the endpoint nobody knows better."""
    play.fail()
    play.wait(3600)
    assert play.story == ["+refused"]
    play.answer()
    play.wait(1)
    assert play.story == ["+refused", "-refused"]


def test_another_cause_is_said_too_and_the_first_one_ends(play: Play) -> None:
    """A change: the new one begins at once, the old one ends as it stays away."""
    play.fail()
    play.wait(10)
    for _ in range(10):
        play.fail(LATE)
        play.wait(1)
    assert play.story == ["+refused", "+timeout_answer", "-refused"]
    assert play.said[1]["besides"] == ["refused"]
    assert play.said[2]["besides"] == ["timeout_answer"]
    play.answer()
    play.wait(10)
    assert play.story[3:] == ["-timeout_answer"]


def test_two_causes_that_alternate_are_two_troubles(play: Play) -> None:
    """Not a change with each delivery."""
    for _ in range(100):
        play.fail()
        play.fail(LATE)
        play.wait(1)
    assert play.story == ["+refused", "+timeout_answer"]


def test_a_trouble_may_come_again(play: Play) -> None:
    """And is said again."""
    for _ in range(3):
        play.fail()
        play.answer()
        play.wait(10)
    assert play.story == ["+refused", "-refused"] * 3


def test_a_stop_of_ours_is_none(play: Play) -> None:
    """It says nothing of the endpoint."""
    play.fail(STOPPED)
    assert play.story == []


def test_another_endpoint_begins_without(play: Play) -> None:
    """What was said to have begun is said to be over."""
    play.fail()
    play.fail(LATE)
    play.troubles.end_all()
    assert play.story == ["+refused", "+timeout_answer", "-refused", "-timeout_answer"]
    assert play.troubles.present == []


def test_a_reload_to_another_endpoint_ends_the_trouble_with_the_old_one(tmp_path: Path) -> None:
    """What was on its way to the old one then is counted, but says nothing of the new one."""
    keys = {"audit.path": str(tmp_path / "audit.jsonl"), "upstream.url": URL}

    async def main() -> None:
        play = Play()
        gate = Gate(load(os.devnull, keys, {}), "sidecar", play.log)
        old = gate.desk.compiled
        gate.desk.note_failure(REFUSED, old)
        gate.apply(gate.prepare(load(os.devnull, {**keys, "upstream.timeout": "9s"}, {})))
        assert gate.troubles.present == ["refused"]
        gate.apply(gate.prepare(load(os.devnull, {**keys, "upstream.url": URL + "0"}, {})))
        gate.desk.note_failure(LATE, old)
        assert gate.troubles.present == []
        assert play.story == ["+refused", "-refused"]
        counts = gate.counts.upstream_errors
        assert (counts["refused"], counts["timeout_answer"], sum(counts.values())) == (1, 1, 2)
        await gate.close()

    asyncio.run(main())
