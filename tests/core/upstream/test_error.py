"""An endpoint that gives no answer is told by its cause, the same on both event loops."""

import asyncio
import errno
import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from hookgate.policy import Reason
from hookgate.upstream.dial import cause
from hookgate.upstream.error import BY_WORD, UpstreamError
from hookgate.upstream.lookup import Address, Lookup
from support.endpoints import OURS, UNANSWERING, UNCONNECTABLE, UNUSABLE, Make, Unwell, serving
from support.exchanges import HURRIED, SETTINGS, Result, Sender, run
from support.faulty import answer_head
from support.receiver import receiving
from support.scripted import Act, answering, endless, scripted

KIB = 1 << 10
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def failing(
    runner: asyncio.Runner, unwell: Unwell, *, hurried: bool = False, body: bytes = b"{}"
) -> tuple[Result, str]:
    """What came of one request, and its cause."""

    async def play(sender: Sender) -> tuple[Result, str]:
        result = await sender.begin(body)
        [failed] = sender.failures
        return result, failed.error.word

    keys = {name.removeprefix("upstream."): value for name, value in unwell.keys.items()}
    settings = replace(HURRIED if hurried else SETTINGS, **keys)  # type: ignore[arg-type]  # strings
    return run(runner, unwell.url, play, settings)


@pytest.mark.parametrize(("word", "make"), [c[1:] for c in UNCONNECTABLE],
                         ids=[c[0] for c in UNCONNECTABLE])  # fmt: skip
def test_what_cannot_be_connected_to(
    runner: asyncio.Runner, tmp_path: Path, word: str, make: Make
) -> None:
    """Nothing was sent: it is unreachable."""
    with make(tmp_path) as unwell:
        assert failing(runner, unwell) == (Reason.UPSTREAM_UNREACHABLE, word)


@pytest.mark.parametrize(("word", "make"), [c[1:] for c in UNUSABLE],
                         ids=[c[0] for c in UNUSABLE])  # fmt: skip
def test_what_ends_as_soon_as_it_is_made(
    runner: asyncio.Runner, tmp_path: Path, word: str, make: Make
) -> None:
    """By when that is seen the request may have been sent."""
    with make(tmp_path) as unwell:
        reason, found = failing(runner, unwell)
    assert reason in (Reason.UPSTREAM_UNREACHABLE, Reason.UPSTREAM_INVALID)
    # What is sent to one that has hung up is reset, which hides what it had said.
    assert found == word or (word != "not_http" and found == "reset")


@pytest.mark.parametrize(("word", "make"), [c[1:] for c in UNANSWERING],
                         ids=[c[0] for c in UNANSWERING])  # fmt: skip
def test_what_runs_out_of_time(
    runner: asyncio.Runner, tmp_path: Path, word: str, make: Make
) -> None:
    """The stage that it was at is the cause."""
    with make(tmp_path) as unwell:
        assert failing(runner, unwell, hurried=True) == (Reason.UPSTREAM_TIMEOUT, word)


def early(connection: socket.socket) -> bool:
    """Answer with the first bytes of a request that has many."""
    connection.recv(100)
    connection.sendall(OK)
    while connection.recv(1 << 20):
        pass
    return False


ANSWERS: dict[str, tuple[str, Act]] = {
    "nothing": ("closed_early", answering()),
    "half a head": ("closed_early", answering(b"HTTP/1.1 200 OK\r\nA: b")),
    "half a body": ("closed_early", answering(answer_head(b"500 No", b"Content-Length: 9") + b"x")),
    "a reset": ("reset", answering(reset_after=True)),
    "half a head and a reset": ("reset", answering(b"HTTP/1.1 200 OK\r\n", reset_after=True)),
    "garbage": ("not_http", answering(b"\0\1\2\3\r\n\r\n", stay=True)),
    "another protocol": ("not_http", answering(OK.replace(b"HTTP/1.1", b"RTSP/1.0"), stay=True)),
    "another version": ("not_http", answering(OK.replace(b"HTTP/1.1", b"HTTP/2.0"), stay=True)),
    "half a head, then TLS": ("not_http", answering(b"HTTP/1.1 200 OK\r\n\x15\x03\x01", stay=True)),
    "a large head": ("too_large", endless(b"HTTP/1.1 500 No\r\n", piece=b"A: b\r\n" * 100)),
    "a large field": ("too_large", endless(b"HTTP/1.1 500 No\r\nA: ", piece=b"b" * KIB)),
    "a large head at once": (
        "too_large", answering(answer_head(b"500 No", b"A: " + b"b" * (70 * KIB)), stay=True)
    ),
    "a large body": ("too_large", endless(answer_head(b"500 No"), piece=bytes(KIB))),
    "hints without end": ("too_large", endless(piece=answer_head(b"103 Early Hints", b"Link: x"))),
    # RFC 8446 6: a fatal alert, unexpected_message.
    "a TLS alert": ("tls_none", answering(b"\x15\x03\x01\x00\x02\x02\x0a", stay=True)),
}  # fmt: skip


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_is_no_answer(runner: asyncio.Runner, answer: str) -> None:
    """The event may have arrived."""
    word, act = ANSWERS[answer]
    with scripted(act) as upstream:
        assert failing(runner, Unwell(upstream.url)) == (Reason.UPSTREAM_INVALID, word)


def test_http_spoken_to_an_https_port(runner: asyncio.Runner) -> None:
    """As far as the endpoint lets it be known: this one hangs up, others send an alert."""
    with receiving(tls=serving(OURS.issue_cert("127.0.0.1"))) as upstream:
        url = upstream.url.replace("https:", "http:")
        reason, word = failing(runner, Unwell(url))
    assert reason is Reason.UPSTREAM_INVALID
    assert word in ("tls_none", "closed_early", "reset")


def test_an_answer_before_the_whole_request_left(runner: asyncio.Runner) -> None:
    """A 2xx to what cannot have been read."""
    with scripted(early) as upstream:
        found = failing(runner, Unwell(upstream.url), body=bytes(64 << 20))
    assert found == (Reason.UPSTREAM_INVALID, "too_early")


def test_no_answer_in_time(runner: asyncio.Runner) -> None:
    """It was connected, and sent."""
    with scripted(answering(b"HTTP/1.1 20", stay=True)) as upstream:
        found = failing(runner, Unwell(upstream.url), hurried=True)
    assert found == (Reason.UPSTREAM_TIMEOUT, "timeout_answer")


def test_no_connection_became_free(runner: asyncio.Runner) -> None:
    """The one that there may be waits for an answer; who waits for it is told so."""

    async def play(sender: Sender) -> list[str]:
        await asyncio.gather(sender.begin(), sender.begin())
        return sorted(failed.error.word for failed in sender.failures)

    with scripted(answering(stay=True)) as upstream:
        words = run(runner, upstream.url, play, replace(HURRIED, max_connections=1))
    assert words == ["timeout_answer", "timeout_pool"]


def test_no_connection_became_free_as_none_could_be_made(
    runner: asyncio.Runner, tmp_path: Path
) -> None:
    """What holds up the one that there may be holds up all."""

    async def play(sender: Sender) -> set[str]:
        await asyncio.gather(*(sender.begin() for _ in range(4)))
        return {failed.error.word for failed in sender.failures}

    [(_, word, make), *_] = UNANSWERING
    with make(tmp_path) as unwell:
        assert run(runner, unwell.url, play, replace(HURRIED, max_connections=1)) == {word}


def test_a_stop_is_its_own_cause(runner: asyncio.Runner) -> None:
    """Nobody has to look at the endpoint for it."""

    async def play(sender: Sender) -> list[str]:
        for _ in range(6):
            sender.begin()
        await asyncio.sleep(0.05)
        await sender.upstream.close()
        return [failed.error.word for failed in sender.failures]

    with scripted(answering(stay=True)) as upstream:
        assert run(runner, upstream.url, play) == ["cut_off"] * 6


def test_of_two_addresses_the_one_with_a_route_tells(
    runner: asyncio.Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name with an IPv6 address that leads nowhere and an IPv4 one that refuses is refused."""
    with UNCONNECTABLE[0][2](tmp_path) as unwell:
        port = int(unwell.url.rpartition(":")[2])

        def ask(_: Lookup, flags: int) -> list[Address]:
            if flags:
                raise OSError("no number")
            return [(socket.AF_INET, (host, port)) for host in ("255.255.255.255", "127.0.0.1")]

        monkeypatch.setattr(Lookup, "_ask", ask)
        assert failing(runner, Unwell(f"http://two.invalid:{port}"))[1] == "refused"


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (OSError(errno.EPERM, ""), "not_permitted"),
        (OSError(errno.EACCES, ""), "not_permitted"),
        (OSError(errno.EMFILE, ""), "exhausted"),
        (OSError(errno.ENOBUFS, ""), "exhausted"),
        (OSError(errno.EADDRNOTAVAIL, ""), "exhausted"),
        (OSError(errno.EHOSTUNREACH, ""), "no_route"),
        (OSError(errno.EAFNOSUPPORT, ""), "no_route"),
        (TimeoutError(errno.ETIMEDOUT, ""), "timeout_connect"),
        (BrokenPipeError(errno.EPIPE, ""), "reset"),
        (socket.gaierror(socket.EAI_NONAME, ""), "name_unknown"),
        (socket.gaierror(socket.EAI_AGAIN, ""), "name_failed"),
        (socket.gaierror(socket.EAI_FAIL, ""), "name_failed"),
        (ssl.SSLError(1, "no reason"), "tls_failed"),
        (OSError(errno.EPROTO, ""), "error"),
        (OSError("words alone"), "error"),
    ],
    ids=repr,
)
def test_what_this_machine_cannot_be_made_to_say(error: Exception, word: str) -> None:
    """By the system's number."""
    assert cause(error).word == word


def test_a_word_is_one_word_of_its_own() -> None:
    """As a label and in a table."""
    assert len(BY_WORD) == len(UpstreamError)
    assert all(word.isascii() and word.replace("_", "").islower() for word in BY_WORD)
    assert all(error.means[-1] != "." != error.mend[-1] for error in UpstreamError)
