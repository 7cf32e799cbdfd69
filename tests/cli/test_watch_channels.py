"""`hookgate watch` tells by the channels of hookgate.toml."""

import json
from pathlib import Path

import pytest

from support.calling import Call
from support.lines import start, write
from support.raw import wait_until
from support.receiver import Receiver, Seen, receiving
from support.watcher import look_once, watching

SECRET = "s3cr3t"


def channels(folder: Path, url: str) -> None:
    """A JSON channel, and a command that appends what it is told to a file."""
    told = folder / "told"
    (folder / "hookgate.toml").write_text(
        f"""
[[alarm.channel]]
kind = "json"
name = "on-call"
url = "{url}/{SECRET}"

[[alarm.channel]]
kind = "command"
name = "here"
stdin = "json"
command = ["/usr/bin/tee", "-a", "{told}"]
"""
    )


def said(lines: list[bytes]) -> list[tuple[str, bool]]:
    """Of each notice its condition, and whether that is over."""
    notices = [json.loads(line) for line in lines]
    return [(notice["condition"], notice["ended"] is not None) for notice in notices]


def test_an_alarm_is_raised_and_resolved_by_every_channel(tmp_path: Path) -> None:
    """Here that there is no ledger, and then is one. Nothing is printed, and no secret is."""
    expected = [("ledger_unread", False), ("ledger_unread", True)]
    with receiving() as receiver:
        channels(tmp_path, receiver.url)
        with watching(tmp_path) as watch:
            receiver.wait_for(1)
            write(tmp_path / "hookgate-audit.jsonl", start())
            assert said([seen.body for seen in receiver.wait_for(2)]) == expected
            file = tmp_path / "told"
            assert wait_until(lambda: file.read_bytes().count(b"\n") == 2)
            assert watch.end() == (0, [])
        assert said(file.read_bytes().splitlines()) == expected
        assert SECRET not in watch.errors.whole()


def test_what_was_not_told_is_told_by_the_next_run(tmp_path: Path) -> None:
    """It is in the state file between them, without the channel's secret."""
    answers = [b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"]

    def respond(_: Seen) -> bytes:
        return answers[0]

    with receiving(respond) as receiver:
        channels(tmp_path, receiver.url)
        with watching(tmp_path) as watch:
            receiver.wait_for(1)
            watch.end()
        state = (tmp_path / "hookgate-alarms.json").read_text()
        assert "ledger_unread" in state
        assert SECRET not in state
        receiver.seen.clear()
        answers[0] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        status, printed = look_once(tmp_path)
        assert (status, printed) == (1, [])
        assert said([seen.body for seen in receiver.wait_for(1)])[0] == ("ledger_unread", False)


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0, "told: on-call (json)"),
        (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", 1, "NOT TOLD: on-call (json)"),
        (b"SSH-2.0\r\n" + Receiver.CLOSE, 1, "NOT TOLD: on-call (json)"),
    ],
)
def test_a_test_says_what_came_of_each_channel(
    call: Call, answer: bytes, status: int, words: str
) -> None:
    with receiving(lambda _: answer) as receiver:
        channels(Path.cwd(), receiver.url)
        called = call("watch", "--test")
    assert called.status == status
    assert words in called.out
    assert "told: here (command)" in called.out
    assert SECRET not in called.out + called.err


def test_a_channel_that_cannot_be_used_is_told_before_anything_is_watched(call: Call) -> None:
    Path("hookgate.toml").write_text('[[alarm.channel]]\nkind = "slack"\nurl_file = "missing"\n')
    called = call("watch")
    assert called.status == 2
    assert "url_file" in called.err
