"""`hookgate config check --connect`: the endpoint is really tried, and nothing is sent to it."""

import socket
from pathlib import Path

import pytest

from hookgate.upstream.error import BY_WORD
from support.calling import Call, Result
from support.endpoints import (
    OURS,
    UNANSWERING,
    UNCONNECTABLE,
    UNUSABLE,
    Make,
    Unwell,
    serving,
    trusting,
    with_tls,
)
from support.receiver import receiving
from support.scripted import answering, scripted

CASES = [
    *UNCONNECTABLE,
    *UNUSABLE,
    *UNANSWERING,
    ("https spoken to as http", "tls_none", with_tls(
        lambda: serving(OURS.issue_cert("127.0.0.1")), plain=True
    )),
]  # fmt: skip


def check(call: Call, unwell: Unwell, timeout: str = "5s") -> Result:
    keys = {"upstream.url": unwell.url, "upstream.timeout": timeout, **unwell.keys}
    lines = [f'{name} = "{value}"\n' for name, value in keys.items()]
    Path("hookgate.toml").write_text("".join(lines))
    return call("config", "check", "--connect")


@pytest.mark.parametrize(("word", "make"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_is_wrong_is_told_with_a_mend(
    call: Call, tmp_path: Path, word: str, make: Make
) -> None:
    """Behind the verdict on the configuration, which is fine; exit 1."""
    with make(tmp_path) as unwell:
        result = check(call, unwell, "500ms" if word.startswith("timeout") else "5s")
        assert result.status == 1
        said = " ".join(result.out.split())
        assert ": fine." in said
        error = BY_WORD[word]
        assert f"{word}" in said
        assert f"{error.means}. What to do: {error.mend}." in said
        assert unwell.url in said


def test_an_http_endpoint_gets_no_request(call: Call) -> None:
    """One connection that says nothing, and one that says a TLS hello; exit 0."""
    got: list[bytes] = []

    def act(connection: socket.socket) -> bool:
        got.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        return False

    with scripted(act) as upstream:
        result = check(call, Unwell(upstream.url))
        assert upstream.connections == 2
    assert result.status == 0
    assert f"{upstream.url} (127.0.0.1): connected" in result.out
    [hello] = got
    assert hello[:2] == b"\x16\x03"  # RFC 8446 5.1: a handshake record


def test_an_http_endpoint_that_waits_for_a_line_is_fine(call: Call) -> None:
    """One that has no word for a hello is not waited for long."""
    with receiving() as upstream:
        assert check(call, Unwell(upstream.url)).status == 0
        assert upstream.seen == []


def test_an_https_endpoint_gets_a_handshake_and_no_more(call: Call, tmp_path: Path) -> None:
    """One connection; exit 0."""
    with receiving(tls=serving(OURS.issue_cert("127.0.0.1"))) as upstream:
        result = check(call, Unwell(upstream.url, trusting(tmp_path)))
        assert (upstream.connections, upstream.bytes_received) == (1, 0)
    assert result.status == 0
    assert "TLS and its certificate are right" in result.out


def test_without_connect_nobody_is_asked(call: Call) -> None:
    """A check of the file alone works anywhere."""
    with scripted(answering()) as upstream:
        Path("hookgate.toml").write_text(f'[upstream]\nurl = "{upstream.url}"\n')
        assert call("config", "check").status == 0
        assert upstream.connections == 0


def test_the_help_says_what_it_does(call: Call) -> None:
    """Whoever runs it against a live endpoint wants to know before."""
    said = " ".join(call("config", "check", "--help").out.split())
    for text in ("--connect", "sends no request", "TLS hello", "Exits 1"):
        assert text in said
