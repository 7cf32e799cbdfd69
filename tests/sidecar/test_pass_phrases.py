"""A private key with a pass phrase: nobody is asked for it, at a terminal either."""

import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from support import forked
from support.events import CLEAN
from support.raw import ask, post
from support.receiver import receiving
from support.sidecar import HOOKGATE, Sidecar, sidecar

ON_TERMINAL = f"{sys.executable} {Path(__file__).parents[1] / 'support' / 'on_terminal.py'}"
WHY = "its private key has a pass phrase, which hookgate never asks for"
FORMATS = {"PKCS 8": PrivateFormat.PKCS8, "OpenSSL's own": PrivateFormat.TraditionalOpenSSL}
KEYS = {"listener": "sidecar.tls_key", "upstream": "upstream.client_key"}
TOLD_AT = {"sidecar.tls_key": "sidecar.tls_cert", "upstream.client_key": "upstream.client_cert"}


def locked(key: trustme.Blob, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    private = load_pem_private_key(key.bytes(), None)
    return private.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"pass phrase"))


def unlock(said: str, key: Path) -> None:
    """Do what the message says, with the pass phrase typed."""
    command = said.partition("without one: ")[2].partition("\n")[0].split()
    assert command[:2] == ["openssl", "pkey"]
    new = key.with_name("unlocked.pem")
    words = [{"OLD": str(key), "NEW": str(new)}.get(word, word) for word in command]
    subprocess.run([*words, "-passin", "pass:pass phrase"], check=True, timeout=30)
    new.chmod(0o600)
    new.replace(key)


def put(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    path.chmod(0o600)
    return str(path)


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_at_the_start_it_is_refused_with_the_reason(
    tmp_path: Path, key: str, form: PrivateFormat
) -> None:
    """Exit 2 at once, with a mend that works."""
    leaf = trustme.CA().issue_cert("127.0.0.1")
    environment = {
        "HOOKGATE_UPSTREAM__URL": "https://127.0.0.1:1",
        variable(TOLD_AT[key]): put(tmp_path / "cert.pem", leaf.cert_chain_pems[0].bytes()),
        variable(key): put(tmp_path / "key.pem", locked(leaf.private_key_pem, form)),
    }
    for words in (["serve"], ["config", "check"]):
        done = subprocess.run(
            [*ON_TERMINAL.split(), HOOKGATE, *words],
            env=environment, cwd=tmp_path, capture_output=True, timeout=30, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert TOLD_AT[key] in done.stderr
        assert WHY in done.stderr
    unlock(done.stderr, tmp_path / "key.pem")
    assert forked.run(["config", "check"], tmp_path, environment).returncode == 0


def variable(key: str) -> str:
    return "HOOKGATE_" + key.upper().replace(".", "__")


@pytest.mark.parametrize("reload", ["watched", "SIGHUP"])
def test_a_listener_s_key_that_got_one_changes_nothing(tmp_path: Path, reload: str) -> None:
    """The reload is refused, and the certificate shown is the old one."""
    old, new = trustme.CA(), trustme.CA()
    leaf = old.issue_cert("gate")
    key = tmp_path / "key.pem"
    keys = {
        "sidecar.tls_cert": put(tmp_path / "cert.pem", leaf.cert_chain_pems[0].bytes()),
        "sidecar.tls_key": put(key, leaf.private_key_pem.bytes()),
    }
    context = ssl.create_default_context()
    old.configure_trust(context)
    with (
        receiving() as upstream,
        sidecar(upstream.url, tmp_path, under=ON_TERMINAL, **keys) as gate,
    ):
        before = shown(gate, context)
        renewed = new.issue_cert("gate")
        put(tmp_path / "cert.pem", renewed.cert_chain_pems[0].bytes())
        put(key, locked(renewed.private_key_pem))
        assert_refused(gate, reload)
        assert shown(gate, context) == before
        put(key, renewed.private_key_pem.bytes())
        gate.process.send_signal(signal.SIGHUP)
        gate.wait_for_log("gate.reload_applied")
        new.configure_trust(context)
        assert shown(gate, context) != before


def shown(gate: Sidecar, context: ssl.SSLContext) -> bytes | None:
    """The certificate that a sender sees."""
    with (
        socket.create_connection(("127.0.0.1", gate.port), 10) as plain,
        context.wrap_socket(plain, server_hostname="gate") as secured,
    ):
        return secured.getpeercert(binary_form=True)


def test_a_client_s_key_that_got_one_changes_nothing(tmp_path: Path) -> None:
    """The upstream, which asks for a certificate, still gets events."""
    authority, clients = trustme.CA(), trustme.CA()
    client = clients.issue_cert("hookgate@example.org")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    clients.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    key = tmp_path / "key.pem"
    keys = {
        "upstream.ca_file": put(tmp_path / "ca.pem", authority.cert_pem.bytes()),
        "upstream.client_cert": put(tmp_path / "cert.pem", client.cert_chain_pems[0].bytes()),
        "upstream.client_key": put(key, client.private_key_pem.bytes()),
    }
    with (
        receiving(tls=context) as upstream,
        sidecar(upstream.url, tmp_path, under=ON_TERMINAL, **keys) as gate,
    ):
        put(key, locked(client.private_key_pem))
        assert_refused(gate, "SIGHUP")
        assert ask(gate.port, post(CLEAN)).status == 200


def assert_refused(gate: Sidecar, reload: str) -> None:
    if reload == "SIGHUP":
        gate.process.send_signal(signal.SIGHUP)
    problems = gate.wait_for_log("gate.reload_refused")["problems"]
    assert any(WHY in problem for problem in problems)
    (record, *_) = gate.records("reload")
    assert record["result"] == "refused"
    assert any(WHY[:40] in error for error in record["errors"])
