"""What the command refuses to begin with, each with a mend that works; and TLS."""

import socket
import ssl
from pathlib import Path

import pytest
import trustme

from support.calling import Call
from support.live import TOKEN, living, request
from support.raw import Client, connected


@pytest.fixture
def token(tmp_path: Path) -> Path:
    """A token that can be used, in the folder that the command runs in."""
    file = tmp_path / "live.token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    return file


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--config", "stdout.toml"], "there is nothing to show: the ledger is standard output"),
        (["--listen", "0.0.0.0:9190"], "is not loopback"),
        (["--listen", ":9190"], "is not loopback"),
        (["--listen", "live.example.com:9190"], "is not loopback"),
        (["--listen", "9190"], 'write host:port, like "127.0.0.1:9190"'),
        (["--listen", "unix:/run/live.sock"], "is no address that a browser knows"),
        (["--tls-key", "key.pem"], "--tls-key needs --tls-cert"),
        (["--tls-cert", "none.pem"], 'cert = "none.pem" holds no certificate'),
        (["--gate", "127.0.0.1:9180"], "write it like http://127.0.0.1:9180"),
        (["--gate", "https://127.0.0.1:9180"], "is no admin listener"),
        (["--gate", "http://127.0.0.1:9180/status"], "is no admin listener"),
        (["--gate", "http://user:secret@127.0.0.1:9180"], "is no admin listener"),
        (["--gate", "http://[::1:9180"], "is no admin listener"),
        (["--gate", "http://127.0.0.1:99999"], "is no admin listener"),
        (["--gate", "unix:relative.sock"], "names no whole path"),
        ([w for n in range(65) for w in ("--gate", f"http://127.0.0.1:{n + 1}")], "at most 64"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "",
)  # fmt: skip
def test_what_cannot_be_meant_is_told_in_a_line(
    call: Call, token: Path, arguments: list[str], told: str
) -> None:
    token.with_name("stdout.toml").write_text('[audit]\npath = "-"\n')
    result = call("live", "--token-file", token.name, *arguments)
    assert result.status == 2
    assert told in result.err
    assert "secret" not in result.err
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "mode", "told"),
    [
        (None, 0, "hookgate keys new token live.token"),
        (TOKEN, 0o644, "can be read by everybody on this machine; chmod o= live.token"),
        (TOKEN, 0o660, "chmod g-w live.token\n"),
        ("short", 0o600, "holds fewer than 16 bytes"),
        ("", 0o600, "holds fewer than 16 bytes"),
        ("x" * 1025, 0o600, "holds more than 1024 bytes"),
        (f"{TOKEN}\n{TOKEN}\n", 0o600, "is no one line of text"),
        (f"\ufeff{TOKEN}\n", 0o600, "is no one line of text"),
        ("\0".join(TOKEN), 0o600, "is no one line of text"),
    ],
)
def test_a_token_that_others_may_know_is_refused(
    call: Call, tmp_path: Path, content: str | None, mode: int, told: str
) -> None:
    if content is not None:
        (tmp_path / "live.token").write_text(content)
        (tmp_path / "live.token").chmod(mode)
    result = call("live", "--token-file", "live.token", "--gate", "http://127.0.0.1:9")
    assert (result.status, told in result.err) == (2, True), result.err
    assert call("live", "--gate", "http://127.0.0.1:9").status == 2


def test_a_port_that_is_taken_may_be_tried_again(call: Call, token: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        options = ("--listen", where, "--gate", "http://127.0.0.1:9")
        result = call("live", "--token-file", token.name, *options)
    assert (result.status, "--listen" in result.err) == (1, True)


def test_over_tls_the_cookie_is_secure_and_any_address_may_be_listened_on(tmp_path: Path) -> None:
    """One that never begins its handshake is let go."""
    ca = trustme.CA()
    ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "live.pem")
    context = ssl.create_default_context()
    ca.configure_trust(context)
    options = ("--tls-cert", str(tmp_path / "live.pem"), "--listen", "0.0.0.0:0")
    with (
        living(tmp_path, *options, "--gate", "http://127.0.0.1:9") as live,
        connected(live.port, seconds=30) as silent,
    ):
        plain = socket.create_connection(("127.0.0.1", live.port))
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
            client = Client(live.port, connected=secure)
            client.send(request("/login", TOKEN.encode(), Origin="https://127.0.0.1"))
            (cookie,) = client.read().values(b"set-cookie")
            assert cookie.startswith(b"__Host-")
            assert b"secure" in cookie.lower()
            client.send(request("/events", Cookie=cookie.split(b";")[0].decode()))
            assert client.read(to_head=True).status == 200
        assert silent.is_closed(30)
