"""POSTs to receivers that are well, and to those that are anything but."""

import base64
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hookgate.alarms.channels.formats import document
from hookgate.alarms.channels.http_post import HttpPost
from hookgate.alarms.channels.outcome import Outcome
from support.endpoints import (
    OURS,
    UNANSWERING,
    UNCONNECTABLE,
    UNUSABLE,
    Make,
    serving,
)
from support.notices import BEGAN, channel, notice
from support.receiver import Receiver, receiving
from support.scripted import Act, answering, endless, scripted, slowly

CANARY = "canary5ecret"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def post(url: str, deadline: float = 30.0, **keys: Any) -> Outcome:
    """What comes of a notice for this URL, which gets a secret path."""
    settings = channel("json", f"{url}/{CANARY}?{CANARY}", **keys)
    return HttpPost(settings, document.compose, deadline).send(notice(), BEGAN)


def status(line: str, *fields: str) -> bytes:
    """An answer without a body."""
    return "\r\n".join([f"HTTP/1.1 {line}", *fields, "Content-Length: 0", "", ""]).encode()


REDIRECT = "answered 302, a redirect, which is not followed"
# The answer, what is said of it, and whether to send the same again is of no use.
ANSWERS: list[tuple[str, Act, str, bool]] = [
    ("500", answering(status("500 x")), "answered 500", False),
    ("503", answering(status(f"503 {CANARY}", "Retry-After: 9")), "answered 503", False),
    ("401", answering(status("401 x", f"WWW-Authenticate: Basic realm={CANARY}")),
     "answered 401", False),
    ("404", answering(status("404 x")), "answered 404", False),
    ("429", answering(status("429 x")), "answered 429", False),
    ("400", answering(status("400 x")), "answered 400", True),
    ("413", answering(status("413 x")), "answered 413", True),
    ("422", answering(status("422 x")), "answered 422", True),
    ("HTTP/0.9", answering(f"<html>{CANARY}".encode()), "no HTTP answer", False),
    ("no answer", answering(b""), "no HTTP answer", False),
    ("half a status line", answering(b"HTTP/1.1 2"), "no HTTP answer", False),
    ("a line without end", endless(b"HTTP/1.1 200 OK\r\nA: ", piece=b"a" * 65536),
     "no HTTP answer", False),
    ("fields without end", endless(b"HTTP/1.1 200 OK\r\n", piece=b"A: b\r\n" * 1000),
     "no HTTP answer", False),
    ("a status that is none", answering(b"HTTP/1.1 abc\r\n\r\n"), "no HTTP answer", False),
    ("a reset", answering(reset_after=True), "connection reset by peer", False),
    ("a redirect to what is no URL", answering(status("302 x", "Location: http://[::1")),
     REDIRECT, False),
]  # fmt: skip


@pytest.mark.parametrize(("act", "why", "is_final"), [row[1:] for row in ANSWERS],
                         ids=[row[0] for row in ANSWERS])  # fmt: skip
def test_an_answer_that_is_no_success_is_said(
    act: Act, why: str, is_final: bool, said: Callable[[], str]
) -> None:
    """In a few words of ours; nothing of the answer or of the URL."""
    with scripted(act) as receiver:
        outcome = post(receiver.url)
    assert (outcome.told, outcome.why, outcome.is_final) == (False, why, is_final)
    assert said() == ""


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """All that is printed and logged."""
    caplog.set_level(logging.DEBUG)

    def read() -> str:
        printed = capfd.readouterr()
        return printed.out + printed.err + caplog.text

    return read


@pytest.mark.parametrize(("word", "make"), [row[1:] for row in UNCONNECTABLE + UNUSABLE],
                         ids=[row[0] for row in UNCONNECTABLE + UNUSABLE])  # fmt: skip
def test_a_connection_that_fails_is_said(
    word: str, make: Make, tmp_path: Path, said: Callable[[], str]
) -> None:
    """With its cause, and nothing of the URL but what its certificate lacks."""
    ca_file = str(tmp_path / "ca.pem")
    OURS.cert_pem.write_to_path(ca_file)
    with make(tmp_path) as unwell:
        outcome = post(unwell.url, ca_file=ca_file)
    causes = {
        "refused": ("connection refused",),
        "no_route": ("network is unreachable", "no route to host", "permission denied"),
        "name_unknown": ("its name cannot be looked up",),
        "tls_untrusted": ("its certificate is not trusted: ",),
        "tls_expired": ("its certificate is not trusted: certificate ",),
        "tls_name": ("its certificate is not trusted: IP address mismatch",),
        "tls_none": ("TLS failed",),
        "tls_failed": ("TLS failed",),
        "tls_client": ("TLS failed", "connection reset by peer", "no HTTP answer"),
        "closed_early": ("TLS failed", "no HTTP answer", "connection reset by peer"),
        "reset": ("connection reset by peer", "no HTTP answer", "TLS failed"),
        "not_http": ("no HTTP answer",),
    }
    assert not outcome.told
    assert outcome.why.startswith(causes[word])
    assert CANARY not in outcome.why
    assert said() == ""


INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
# Each would keep a client for as long as it likes that only bounds the silences.
SLOW: list[tuple[str, Act]] = [
    ("silence", lambda connection: not connection.recv(1 << 20) or waits(connection)),
    ("a head byte by byte", slowly(b"HTTP/1.1 200 OK\r\nA: " + b"a" * 9999, 0.02)),
    ("interim answers byte by byte", slowly(INTERIM * 99, 0.005)),
]


def waits(connection: Any) -> bool:
    """Until the other side is gone."""
    while connection.recv(65536):
        pass
    return False


@pytest.mark.parametrize("act", [row[1] for row in SLOW], ids=[row[0] for row in SLOW])
def test_an_answer_that_never_comes_is_not_waited_for(act: Act) -> None:
    """Whatever is sent to keep the connection warm."""
    with scripted(act) as receiver:
        outcome = post(receiver.url, deadline=0.3)
    assert (outcome.told, outcome.why) == (False, "no answer in time")


def test_interim_answers_without_end_are_not_read() -> None:
    """Up to the deadline, or up to a bound that newer Pythons have."""
    with scripted(endless(piece=INTERIM)) as receiver:
        outcome = post(receiver.url, deadline=0.3)
    assert not outcome.told
    assert outcome.why in ("no answer in time", "no HTTP answer")


def test_a_handshake_that_never_ends_is_not_waited_for(tmp_path: Path) -> None:
    """Before a byte of HTTP was sent."""
    make = next(make for _, word, make in UNANSWERING if word == "timeout_tls")
    with make(tmp_path) as unwell:
        outcome = post(unwell.url, deadline=0.3)
    assert outcome.why == "no answer in time"


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(code: int) -> None:
    """Neither to another host nor back: the notice and the token would go along."""
    with receiving() as other:
        to = f"Location: {other.url}/{CANARY}"
        with receiving(lambda _: status(f"{code} x", to)) as receiver:
            outcome = post(receiver.url, token=CANARY)
            assert len(receiver.seen) == 1
        assert other.connections == 0
    assert outcome.why == f"answered {code}, a redirect, which is not followed"


def test_nothing_is_read_of_a_body_without_end() -> None:
    """The status is all that counts."""
    with scripted(endless(b"HTTP/1.1 200 OK\r\n\r\n", piece=b"a" * 65536)) as receiver:
        assert post(receiver.url).told


def test_nothing_is_read_of_the_body_of_a_redirect() -> None:
    """Not even to let go of it: it could be of any size, and compressed."""

    def act(connection: Any) -> bool:
        connection.recv(1 << 20)
        connection.sendall(b"HTTP/1.1 302 x\r\nLocation: /\r\nContent-Length: 1000000000\r\n\r\n")
        return waits(connection)

    with scripted(act) as receiver:
        assert post(receiver.url).why == REDIRECT


def test_broken_fields_are_passed_over_in_silence(said: Callable[[], str]) -> None:
    """urllib3 would warn of them, with the whole URL."""
    with scripted(answering(b"HTTP/1.1 200 OK\r\nno field\r\nA: b\r\n\r\n")) as receiver:
        assert post(receiver.url).told
    assert said() == ""


def test_a_notice_arrives_over_tls_with_its_token(tmp_path: Path) -> None:
    """By one POST, of JSON, on a connection of its own."""
    ca_file = str(tmp_path / "ca.pem")
    OURS.cert_pem.write_to_path(ca_file)
    with receiving(tls=serving(OURS.issue_cert("127.0.0.1"))) as receiver:
        assert post(receiver.url, ca_file=ca_file, token="a-token").told
        (seen,) = receiver.seen
    assert seen.request_line == f"POST /{CANARY}?{CANARY} HTTP/1.1".encode()
    assert seen.values(b"authorization") == [b"Bearer a-token"]
    assert seen.values(b"content-type") == [b"application/json"]
    assert seen.values(b"connection") == [b"close"]


def test_a_user_and_password_go_as_basic_authentication() -> None:
    """And not in the target."""
    with receiving() as receiver:
        url = receiver.url.replace("//", "//user:pass%20word@")
        assert post(url).told
        (seen,) = receiver.seen
    sent = base64.b64encode(b"user:pass word")
    assert seen.values(b"authorization") == [b"Basic " + sent]
    assert b"user" not in seen.request_line


def test_the_environment_names_no_proxy_and_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a shell was set up for is nothing of the alarms'; a proxy that is configured is used."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login x password y\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    with receiving() as proxy, receiving() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert post(receiver.url).told
        assert receiver.seen[0].values(b"authorization") == []
        assert proxy.connections == 0
        assert post("http://alarms.example", proxy=proxy.url).told
        assert proxy.seen[0].request_line.startswith(b"POST http://alarms.example/")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("HTTP/1.1 200 OK\r\n\r\n", "TLS failed"),
        (f"HTTP/1.1 407 {CANARY}\r\n\r\n", "the proxy refused"),
    ],
)
def test_a_proxy_sees_nothing_of_what_goes_over_tls(
    answer: str, why: str, said: Callable[[], str]
) -> None:
    """It is asked for a tunnel to the host; what fails there is said."""
    with receiving(lambda _: answer.encode() + Receiver.CLOSE) as proxy:
        outcome = post("https://alarms.example", proxy=proxy.url, token=CANARY)
        (seen,) = proxy.seen
    assert seen.request_line.startswith(b"CONNECT alarms.example:443 ")
    assert CANARY.encode() not in seen.head
    assert outcome.why == why
    assert said() == ""


def test_another_thread_can_end_it() -> None:
    """As at a stop."""
    arrived = threading.Event()

    def act(connection: Any) -> bool:
        arrived.set()
        return waits(connection)

    with scripted(act) as receiver:
        sender = HttpPost(channel("json", receiver.url), document.compose, 300.0)
        outcomes: list[Outcome] = []
        thread = threading.Thread(target=lambda: outcomes.append(sender.send(notice(), BEGAN)))
        thread.start()
        assert arrived.wait(30)
        sender.abort()
        thread.join(30)
        assert not sender.send(notice(), BEGAN).told  # nor is another begun
        assert receiver.connections <= 2
    assert outcomes[0].why == "no answer in time"
